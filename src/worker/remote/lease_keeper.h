#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "wire/worker_json.h"
#include "worker/attempt_key.h"

namespace tandem::worker::remote {

struct LeaseTerms {
  std::int64_t lease_ms = 30'000;      // after an answer's request was sent
  std::int64_t heartbeat_ms = 10'000;  // between renewals
  std::int64_t reconnect_ms = 1500;    // after a socket broke
};

LeaseTerms lease_terms_of(const wire::PollingConfig& config);

struct LeaseEnd {
  AttemptKey key;
  MonoTime until;
};

// Until when each attempt is surely ours, by what its server has said: it must be dead by then. All
// by the monotonic clock. An end is counted from before the request was sent that renewed it, as
// the server can't have counted from an earlier moment, and lies a margin earlier.
class LeaseKeeper {
 public:
  void set_terms(const LeaseTerms& terms) { terms_ = terms; }

  // The server has answered, to what was sent at `sent_at`, that the attempt is ours. Its end.
  MonoTime renewed(const AttemptKey& key, MonoTime sent_at);
  void ended(const AttemptKey& key) { leases_.erase(key); }
  void clear() { leases_.clear(); }

  // The socket broke: what the server is not told of soon, it gives away. The ends that are earlier
  // now. They hold until renewed() has an answer to what was sent after the break.
  std::vector<LeaseEnd> socket_broke(MonoTime at);

  // Those whose time is over; they are kept no longer.
  std::vector<AttemptKey> take_expired(MonoTime now);
  // Those that were not heard of for a heartbeat, or were not told of since the break; each again
  // only after a pause.
  std::vector<AttemptKey> take_due(MonoTime now);
  // All of them, due or not: they are told of together.
  std::vector<AttemptKey> take_all(MonoTime now);
  // When take_expired() or take_due() has something; kNever without leases.
  MonoTime next_event() const;

  bool holds(const AttemptKey& key) const { return leases_.contains(key); }
  std::size_t size() const { return leases_.size(); }

 private:
  struct Lease {
    MonoTime renewed_at;  // when the request was sent that was answered
    MonoTime until;
    std::optional<MonoTime> broke_at;
    MonoTime told_at;  // when it was taken to be told of, or renewed_at
  };
  MonoTime due_at(const Lease& lease) const;

  LeaseTerms terms_;
  std::unordered_map<AttemptKey, Lease, AttemptKeyHash> leases_;
};

}  // namespace tandem::worker::remote
