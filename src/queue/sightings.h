#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "store/store.h"

namespace tandem::queue {

// When each worker was last heard of, connected or not. The store gets it along with what a turn
// writes anyway, once in a while: a fleet that idles costs it nothing, and a server that dies
// forgets what came after. One thread.
class Sightings {
 public:
  void see(WorkerId id, WallTime now);
  std::optional<WallTime> last(WorkerId id) const;

  // Writes some of what is new where it is time to, within a transaction; settle() tells whether
  // that was committed.
  Result<void> write(store::WorkerStore& workers, MonoTime now);
  void settle(bool committed);
  // Writes all that is new, in a transaction of its own; what fails stays unwritten.
  void write_all(store::Store& store);

 private:
  std::vector<store::Sighting> take(std::size_t limit);

  std::unordered_map<WorkerId, WallTime> seen_;
  std::unordered_set<WorkerId> fresh_;    // not in the store yet
  std::vector<store::Sighting> written_;  // by the turn under way
  MonoTime due_{0};
};

}  // namespace tandem::queue
