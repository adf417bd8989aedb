#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"
#include "base/limits.h"
#include "net/ws_peer.h"
#include "wire/worker_frames.h"

namespace tandem::api {

// A worker's socket: its channel to the dispatcher, for as long as it is open. What the dispatcher
// says in one go leaves as one message where the worker can read lists. One loop.
class WorkerSession : public std::enable_shared_from_this<WorkerSession> {
 public:
  // `batch`: assignments and answers may come as lists.
  WorkerSession(Call& call, io::Executor executor, WorkerChannel channel, bool batch);

  // Returns when the socket is closed, by either side; the dispatcher knows by then.
  io::Awaitable<void> run(std::shared_ptr<net::WsPeer> peer);

 private:
  void open();
  void close_channel();
  io::Awaitable<void> watch();

  // From the worker
  void read(const std::string& text);
  void on(const wire::ReadyFrame& frame);
  void on(wire::UpdateFrame& frame);
  void on(wire::LogsFrame& frame);
  void on(const wire::HeartbeatFrame& frame);
  void on(const wire::ByeFrame&);
  void refuse(const Error& error);

  // From the dispatcher
  void obey(const queue::WorkerOrder& order);
  void on(const queue::AssignOrder& order);
  void on(const queue::CancelOrder& order);
  void on(const store::InputPiece& piece);
  void on(const queue::ResizeOrder& order);
  void on(const queue::LostOrder& order);
  void on(const queue::LeaseOrder&) {}  // to the worker inside alone
  void on(const queue::DrainOrder&);
  void on(const queue::CloseOrder& order);
  void acknowledge(wire::UpdateAnswer answer);

  // To the worker
  void flush_soon();
  void flush();
  void send(std::string text);
  void send_held();
  bool is_full() const { return held_bytes_ > limits::kMaxWebSocketQueueBytes; }
  void post(queue::Command command);

  ApiState& api_;
  Outbox& outbox_;
  const WorkerPtr worker_;
  const std::string token_sha256_;  // of the token that it was opened with
  const std::int64_t heartbeat_ms_;
  const WorkerChannel kind_;
  const bool batch_;
  const queue::ChannelNumber channel_;
  const io::Executor executor_;

  std::shared_ptr<net::WsPeer> peer_;
  std::vector<std::string> jobs_;         // for the next flush
  std::vector<wire::UpdateAnswer> acks_;  // for the next flush
  bool flush_is_due_ = false;
  // What found no room yet. While it is much, nothing more is read: who does not read our answers
  // falls silent, and is closed.
  std::list<std::string> held_;
  std::size_t held_bytes_ = 0;
  bool said_bye_ = false;
  MonoTime heard_at_;
};

}  // namespace tandem::api
