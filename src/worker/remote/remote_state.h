#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "service/wakeup.h"
#include "worker/remote/remote_link.h"

namespace tandem::worker::remote {

// Until somebody wakes the one who waits.
inline constexpr std::int64_t kLongMs = 3'600'000;

struct RemoteLink::State {
  explicit State(io::Executor executor)
      : polls(executor),
        news(executor),
        socket(executor),
        reports(executor),
        leases(executor),
        refresh(executor),
        end(executor) {}

  service::Wakeup polls, news, socket, reports, leases, refresh, end;

  bool closed = false;   // nothing more is ordered
  bool closing = false;  // all coroutines end
  bool draining = false;
  bool is_hurried = false;
  bool is_refused = false;  // on_refused was called
  bool must_refresh = false;
  bool push_is_disabled = false;  // the server does not push; the other socket may work
  int refusals = 0;               // of the token, one after the other

  int polls_under_way = 0;
  std::function<void()> withdrawn;  // waits for them

  std::shared_ptr<net::WsPeer> peer;  // null: no socket is open
  // A socket is being opened, and polls wait for it until then: the server ends the poll under way
  // when it opens, and another one would end the socket.
  MonoTime opening_until{0};
  std::string peer_url;
  int said_ready = -1;                                                        // over this socket
  std::unordered_map<AttemptKey, MonoTime, AttemptKeyHash> flying_reports;    // over it, since when
  std::unordered_map<AttemptKey, std::uint64_t, AttemptKeyHash> flying_logs;  // their first seq
  bool are_logs_stuck = false;  // the last of them that was answered is no further than before
  MonoTime last_ack, next_heartbeat;
  // The heartbeat over it that was not answered yet; there is no other until it is.
  struct Beat {
    MonoTime sent_at, overdue_at;
    std::vector<AttemptKey> tasks;  // empty: told each for itself since
  };
  std::optional<Beat> beat;
  int apart = 0;  // reports to be sent each for itself over HTTP: one of many was refused unread

  // The last piece of input that each was given.
  std::unordered_map<AttemptKey, std::uint64_t, AttemptKeyHash> input_seqs;

  // Of a service that numbers no attempts: when the end of a job was told, so that an answer to a
  // poll that was asked before does not start it again.
  std::map<std::string, MonoTime> told_ends;
  std::unordered_map<AttemptKey, logs::LogTail, AttemptKeyHash> dropped_logs;
};

}  // namespace tandem::worker::remote
