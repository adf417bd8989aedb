#include "worker/remote/lease_keeper.h"

#include <algorithm>

#include "service/lease_margin.h"

namespace tandem::worker::remote {

LeaseTerms lease_terms_of(const wire::PollingConfig& config) {
  return {.lease_ms = config.lease_ms,
          .heartbeat_ms = std::min(config.heartbeat_ms, config.lease_ms / 2),
          .reconnect_ms = config.reconnect_ms};
}

MonoTime LeaseKeeper::renewed(const AttemptKey& key, MonoTime sent_at) {
  const MonoTime until = sent_at + service::without_margin(terms_.lease_ms);
  const auto [found, is_new] = leases_.try_emplace(key, Lease{sent_at, until, {}, sent_at});
  Lease& lease = found->second;
  if (is_new) return lease.until;
  const bool was_sent_before_break = lease.broke_at && sent_at < *lease.broke_at;
  if (was_sent_before_break) return lease.until;
  lease.broke_at.reset();
  lease.renewed_at = std::max(lease.renewed_at, sent_at);
  lease.told_at = std::max(lease.told_at, lease.renewed_at);
  lease.until = lease.renewed_at + service::without_margin(terms_.lease_ms);
  return lease.until;
}

std::vector<LeaseEnd> LeaseKeeper::socket_broke(MonoTime at) {
  std::vector<LeaseEnd> earlier;
  const MonoTime limit = at + service::without_margin(terms_.reconnect_ms);
  for (auto& [key, lease] : leases_) {
    lease.broke_at = at;
    if (limit >= lease.until) continue;
    lease.until = limit;
    earlier.push_back({key, limit});
  }
  return earlier;
}

std::vector<AttemptKey> LeaseKeeper::take_expired(MonoTime now) {
  std::vector<AttemptKey> expired;
  for (const auto& [key, lease] : leases_)
    if (lease.until <= now) expired.push_back(key);
  for (const AttemptKey& key : expired) leases_.erase(key);
  return expired;
}

MonoTime LeaseKeeper::due_at(const Lease& lease) const {
  const bool is_unheard = lease.broke_at && lease.told_at < *lease.broke_at;
  return is_unheard ? *lease.broke_at : lease.told_at + terms_.heartbeat_ms;
}

std::vector<AttemptKey> LeaseKeeper::take_due(MonoTime now) {
  std::vector<AttemptKey> due;
  for (auto& [key, lease] : leases_) {
    if (due_at(lease) > now) continue;
    lease.told_at = now;
    due.push_back(key);
  }
  return due;
}

std::vector<AttemptKey> LeaseKeeper::take_all(MonoTime now) {
  std::vector<AttemptKey> all;
  all.reserve(leases_.size());
  for (auto& [key, lease] : leases_) {
    lease.told_at = now;
    all.push_back(key);
  }
  return all;
}

MonoTime LeaseKeeper::next_event() const {
  MonoTime next = kNever;
  for (const auto& [key, lease] : leases_) next = std::min({next, lease.until, due_at(lease)});
  return next;
}

}  // namespace tandem::worker::remote
