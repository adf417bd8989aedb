#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace tandem::queue {

// What this server asked of others, on its way there and back: a letter there has a number, and so
// has the one that answers it. One thread.
template <class Answer>
class PeerAsks {
 public:
  using Resolve = std::function<void(const Result<Answer>&)>;

  // `start` is greater than all that a run of this server before has begun with.
  explicit PeerAsks(std::uint64_t start) : next_(start), first_of_turn_(start) {}

  void begin_turn() { first_of_turn_ = next_; }
  std::uint64_t add(MonoTime until, Resolve resolve) {  // the number for both letters
    asks_.emplace(next_, Ask{until, std::move(resolve)});
    return next_++;
  }
  // One that nobody waits for is dropped.
  void answered(std::uint64_t number, const Result<Answer>& answer) {
    const auto found = asks_.find(number);
    if (found != asks_.end()) end(found, answer);
  }
  // store_unavailable for those whose answer did not come in time.
  void expire(MonoTime now) {
    for (auto at = asks_.begin(); at != asks_.end();)
      at = at->second.until > now
               ? std::next(at)
               : end(at, fail(Errc::store_unavailable, "The other server does not answer"));
  }
  // store_unavailable for those of the turn: their letters were not written.
  void take_back_turn() {
    for (auto at = asks_.lower_bound(first_of_turn_); at != asks_.end();)
      at = end(at, fail(Errc::store_unavailable, "Try again"));
  }

 private:
  struct Ask {
    MonoTime until;
    Resolve resolve;
  };
  using Asks = std::map<std::uint64_t, Ask>;

  typename Asks::iterator end(typename Asks::iterator at, const Result<Answer>& answer) {
    const Resolve resolve = std::move(at->second.resolve);
    const auto next = asks_.erase(at);
    resolve(answer);
    return next;
  }

  Asks asks_;
  std::uint64_t next_, first_of_turn_;
};

}  // namespace tandem::queue
