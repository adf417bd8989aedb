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

  std::function<void()> withdrawn;  // waits for the poll under way

  std::shared_ptr<net::WsPeer> peer;  // null: no socket is open
  std::string peer_url;
  bool are_logs_stuck = false;  // the last of them that was answered is no further than before
  int apart = 0;  // reports to be sent each for itself over HTTP: one of many was refused unread

  // The last piece of input that each was given.
  std::unordered_map<AttemptKey, std::uint64_t, AttemptKeyHash> input_seqs;

  // Of a service that numbers no attempts: when the end of a job was told, so that an answer to a
  // poll that was asked before does not start it again.
  std::map<std::string, MonoTime> told_ends;
  std::unordered_map<AttemptKey, logs::LogTail, AttemptKeyHash> dropped_logs;
};

}  // namespace tandem::worker::remote
