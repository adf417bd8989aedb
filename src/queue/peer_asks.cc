#include "queue/peer_asks.h"

#include <utility>

namespace tandem::queue {

std::uint64_t PeerAsks::add(MonoTime until, Resolve resolve) {
  asks_.emplace(next_, Ask{until, std::move(resolve)});
  return next_++;
}

void PeerAsks::answered(const wire::TaskAnswer& answer) {
  const auto found = asks_.find(answer.number);
  if (found == asks_.end()) return;
  const Resolve resolve = std::move(found->second.resolve);
  asks_.erase(found);
  resolve(answer.error ? Result<wire::TaskAnswer>(*answer.error) : answer);
}

void PeerAsks::expire(MonoTime now) {
  for (auto at = asks_.begin(); at != asks_.end();) {
    if (at->second.until > now) {
      ++at;
      continue;
    }
    const Resolve resolve = std::move(at->second.resolve);
    at = asks_.erase(at);
    resolve(fail(Errc::store_unavailable, "The server that holds the task does not answer"));
  }
}

void PeerAsks::take_back(std::uint64_t first) {
  while (!asks_.empty() && asks_.rbegin()->first >= first) {
    const auto last = std::prev(asks_.end());
    const Resolve resolve = std::move(last->second.resolve);
    asks_.erase(last);
    resolve(fail(Errc::store_unavailable, "Try again"));
  }
}

}  // namespace tandem::queue
