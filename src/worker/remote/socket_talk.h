#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "worker/attempt_key.h"

namespace tandem::worker::remote {

// What a worker has said over its socket and is not answered yet, what it is to say next, and when
// a peer that does not answer counts as dead. One conversation after the other, each from open() to
// close(). No socket and no clock; made for one loop.
class SocketTalk {
 public:
  struct Unheard {
    std::vector<AttemptKey> reports, logs;
  };
  void set_heartbeat(std::int64_t ms) { heartbeat_ms_ = ms; }
  void open(MonoTime now);
  Unheard close();  // what was on its way, to be said again
  bool is_open() const { return is_open_; }

  // The slots that the server counts as free, by what was said and what it has given since.
  bool must_say_ready(int slots) const { return is_open_ && said_ready_ != slots; }
  void said_ready(int slots) { said_ready_ = slots; }
  void assigned(int jobs);

  // One report of an attempt and one piece of its log are under way at most.
  void sent_report(const AttemptKey& key, MonoTime now);
  void sent_logs(const AttemptKey& key, std::uint64_t first_seq, MonoTime now);
  void heard(MonoTime now) { last_heard_ = now; }
  // When the report was sent, or the first record's seq; nothing where none is under way.
  std::optional<MonoTime> report_answered(const AttemptKey& key);
  std::optional<std::uint64_t> logs_answered(const AttemptKey& key);
  // A message was refused unread, and it is not said which: all reports that may be meant.
  std::vector<AttemptKey> take_reports();
  void forget(const AttemptKey& key);

  enum class Beat : std::uint8_t {
    none,
    alive,   // that we are there, no more
    leases,  // with the attempts whose leases it renews
  };
  // One heartbeat that names leases is under way at most. `has_due`: a lease is to be renewed now.
  Beat next_beat(bool has_due, MonoTime now);
  void sent_beat(std::vector<AttemptKey> leases, MonoTime now);
  struct SentBeat {
    MonoTime sent_at, overdue_at;
    std::vector<AttemptKey> leases;
  };
  std::optional<SentBeat> beat_answered();
  // The leases of a heartbeat that has no answer for too long: each is to be told for itself.
  std::vector<AttemptKey> take_overdue(MonoTime now);

  bool is_dead(MonoTime now) const;
  // When next_beat(), take_overdue() or is_dead() may say something new.
  MonoTime next_event() const;

 private:
  bool waits() const;
  void sends(MonoTime now);

  std::int64_t heartbeat_ms_ = 10'000;
  bool is_open_ = false;
  int said_ready_ = -1;
  std::unordered_map<AttemptKey, MonoTime, AttemptKeyHash> reports_;    // since when
  std::unordered_map<AttemptKey, std::uint64_t, AttemptKeyHash> logs_;  // first seq
  std::optional<SentBeat> beat_;
  MonoTime last_heard_;  // or since when there is something to be heard
  MonoTime next_beat_;
};

}  // namespace tandem::worker::remote
