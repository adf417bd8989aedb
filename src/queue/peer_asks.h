#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "base/clock.h"
#include "base/result.h"
#include "wire/peer_letters.h"

namespace tandem::queue {

// What clients of this server asked of tasks that others hold, on its way there and back. One
// thread.
class PeerAsks {
 public:
  using Resolve = std::function<void(const Result<wire::TaskAnswer>&)>;

  // `start` is greater than all that a run of this server before has begun with.
  explicit PeerAsks(std::uint64_t start) : next_(start) {}

  std::uint64_t add(MonoTime until, Resolve resolve);  // the number that the answer will have
  void answered(const wire::TaskAnswer& answer);       // one that nobody waits for is dropped
  void expire(MonoTime now);                           // store_unavailable: no answer came in time
  // store_unavailable for those from this number on: their letters were not written.
  void take_back(std::uint64_t first);
  std::uint64_t next() const { return next_; }

 private:
  struct Ask {
    MonoTime until;
    Resolve resolve;
  };
  std::map<std::uint64_t, Ask> asks_;
  std::uint64_t next_;
};

}  // namespace tandem::queue
