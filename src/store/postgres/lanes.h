#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/lane.h"
#include "store/postgres/link.h"

namespace tandem::store::postgres {

// The numbers of lanes, remembered: most batches ask for none. Belongs to the writer.
class Lanes {
 public:
  explicit Lanes(Runner& runner) : runner_(runner) {}
  // In the order of `keys`; those that are missing are made.
  Result<std::vector<std::int64_t>> numbers_of(const std::vector<LaneKey>& keys);
  // None where no task was ever in it.
  Result<std::optional<std::int64_t>> find(const LaneKey& key);
  // What was made since begin is lost: forget it.
  void rolled_back() { known_.clear(); }

 private:
  Result<void> look_up(const std::vector<LaneKey>& keys, bool make);
  Runner& runner_;
  std::map<LaneKey, std::int64_t> known_;
};

}  // namespace tandem::store::postgres
