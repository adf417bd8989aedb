#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/call.h"
#include "api/encoded_chunks.h"
#include "api/log_follow.h"
#include "api/task_follow.h"
#include "net/ws_peer.h"
#include "wire/task_frames.h"

namespace tandem::api {

// One client's WebSocket on a task. Two coroutines of one loop: send() is the only one that sends
// what happens to the task, receive() does what the client asks. Holds at most one piece of the log
// beside the peer's own queue: a reader that stalls gets a gap, not memory.
class SocketSession {
 public:
  SocketSession(Call& call, std::unique_ptr<TaskFollow> task, logs::LogPosition after);

  // Returns when the socket is closed, by either side.
  io::Awaitable<void> send(net::WsPeer& peer);
  io::Awaitable<void> receive(net::WsPeer& peer);

  // A reader that takes nothing for so long is given a gap; below, it is read on from the store.
  static constexpr std::int64_t kStallMs = 2000;

 private:
  enum class Step : std::uint8_t { wait, again, ended };

  io::Awaitable<Step> step(net::WsPeer& peer);
  io::Awaitable<Step> send_log(net::WsPeer& peer);
  bool send_status(net::WsPeer& peer);
  bool send_pending(net::WsPeer& peer);
  bool send_gap(net::WsPeer& peer);
  bool send_end(net::WsPeer& peer);
  bool offer(net::WsPeer& peer, std::string text);  // false: the queue is full; the bell will ring
  bool offer(net::WsPeer& peer, std::shared_ptr<const std::string> text);
  io::Awaitable<std::optional<Error>> obey(const wire::ClientFrame& frame);

  ApiState& api_;
  Outbox& outbox_;
  const Caller caller_;
  std::unique_ptr<TaskFollow> task_;
  LogFollow log_;

  queue::TaskPtr shown_;  // the image that the client was sent last
  bool was_shown_ = false;
  LogFrames pending_;  // frames of the piece under way, from next_pending_ on
  std::size_t next_pending_ = 0;
  std::optional<std::string> gap_;  // a gap frame that found no room yet
  bool is_draining_ = false;        // the task is terminal: what is read now is the rest
  bool is_full_ = false;            // the peer refused; until it has drained
  MonoTime full_since_;
};

}  // namespace tandem::api
