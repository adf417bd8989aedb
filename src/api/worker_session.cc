#include "api/worker_session.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

#include "api/attempt_logs.h"
#include "api/attempt_updates.h"
#include "api/gate.h"
#include "api/polling_config.h"
#include "api/worker_profile.h"
#include "auth/secret.h"
#include "io/task_group.h"
#include "wire/close_codes.h"
#include "wire/task_frames.h"

namespace tandem::api {
namespace {

constexpr std::int64_t kFullCheckMs = 20;

wire::AttemptRef ref_of(TaskId task, std::uint32_t attempt) {
  return {.task_id = to_string(task), .attempt = attempt};
}

}  // namespace

WorkerSession::WorkerSession(Call& call, io::Executor executor, WorkerChannel channel, bool batch)
    : api_(call.api),
      outbox_(call.outbox),
      worker_(call.caller.worker),
      token_sha256_(auth::sha256_hex(presented_token(call.request).value())),
      heartbeat_ms_(call.services().settings.heartbeat_ms),
      kind_(channel),
      batch_(batch),
      channel_(call.api.next_channel()),
      executor_(std::move(executor)),
      heard_at_(call.services().clock.mono()) {
  held_.push_back(wire::encode_welcome_frame(polling_config(call), to_string(worker_->worker_id)));
  held_bytes_ = held_.back().size();
}

io::Awaitable<void> WorkerSession::run(std::shared_ptr<net::WsPeer> peer) {
  peer_ = std::move(peer);
  io::TaskGroup group(executor_);
  group.spawn("worker socket, watch", watch());
  send_held();  // the welcome
  open();
  while (true) {
    const std::optional<std::string> text = co_await peer_->receive();
    if (!text) break;
    heard_at_ = api_.services.clock.mono();
    read(*text);
    while (is_full() && peer_->is_open()) co_await io::sleep_for(kFullCheckMs);
  }
  close_channel();
  peer_->set_on_drained({});
  co_await io::asio::this_coro::reset_cancellation_state(io::asio::disable_cancellation());
  group.cancel();
  co_await group.join();
}

void WorkerSession::open() {
  queue::OpenWorker command;
  command.profile = profile_of(*worker_, kind_);
  command.channel = channel_;
  const std::weak_ptr<WorkerSession> weak = weak_from_this();
  command.order = [weak](const queue::WorkerOrder& order) {
    if (const auto self = weak.lock()) self->obey(order);
  };
  post({&outbox_, std::move(command)});
}

void WorkerSession::close_channel() {
  post({&outbox_, queue::CloseWorker{
                      .worker_id = worker_->worker_id, .channel = channel_, .lost = !said_bye_}});
}

// A connection can be dead for long before TCP says so; and a socket ends with the token that
// opened it. Of a revocation the dispatcher speaks, which says first what is lost.
io::Awaitable<void> WorkerSession::watch() {
  const std::int64_t patience_ms = 2 * heartbeat_ms_;
  const Clock& clock = api_.services.clock;
  while (peer_->is_open()) {
    const auto good_for_ms = api_.workers.good_for_ms(token_sha256_, clock.wall());
    if (!good_for_ms && good_for_ms.error().code != Errc::token_revoked) {
      peer_->close(wire::kTokenEnded, "the token was replaced");
      co_return;
    }
    const std::int64_t silent_ms = clock.mono() - heard_at_;
    if (silent_ms >= patience_ms) {
      peer_->close(wire::kSilent, "no word for two heartbeats");
      co_return;
    }
    const std::int64_t token_ms = good_for_ms.has_value() ? *good_for_ms : patience_ms;
    co_await io::sleep_for(std::min(patience_ms - silent_ms, token_ms));
  }
}

void WorkerSession::read(const std::string& text) {
  auto frame = wire::decode_worker_frame(text);
  if (!frame) return refuse(frame.error().error);
  std::visit([this](auto& what) { on(what); }, *frame);
}

void WorkerSession::refuse(const Error& error) {
  std::string frame;
  wire::encode_error_frame(error, frame);
  send(std::move(frame));
}

void WorkerSession::on(const wire::ReadyFrame& frame) {
  if (said_bye_) return;
  queue::Ready ready{.worker_id = worker_->worker_id, .slots = 0, .channel = channel_};
  ready.free = frame.slots_free;
  post({&outbox_, ready});
}

void WorkerSession::on(const wire::ByeFrame&) {
  said_bye_ = true;
  post({&outbox_, queue::Retire{.worker_id = worker_->worker_id, .channel = channel_}});
}

void WorkerSession::on(wire::UpdateFrame& frame) {
  const std::weak_ptr<WorkerSession> weak = weak_from_this();
  send_updates(api_.services, outbox_, worker_->worker_id, std::move(frame.updates),
               [weak](std::size_t, wire::UpdateAnswer answer) {
                 if (const auto self = weak.lock()) self->acknowledge(std::move(answer));
               });
}

void WorkerSession::on(wire::LogsFrame& frame) {
  const TaskId task = TaskId::parse(frame.task_id).value_or(TaskId());
  const std::uint32_t attempt = frame.batch.attempt;
  queue::CheckLease lease{.worker_id = worker_->worker_id, .lease = {task, attempt}, .done = {}};
  append_log(api_.services, outbox_, std::move(lease), std::move(frame.batch),
             [weak = weak_from_this(), task, attempt](const Result<LogCommitted>& committed) {
               const auto self = weak.lock();
               if (!self) return;
               wire::AckFrame ack{.about = "logs", .answers = {}, .committed = 0};
               wire::UpdateAnswer& answer = ack.answers.emplace_back();
               answer.task_id = to_string(task);
               answer.attempt = attempt;
               if (committed) {
                 ack.committed = committed->seq;
                 answer.error = committed->gap;
               } else {
                 answer.error = committed.error();
               }
               self->send(wire::encode_ack_frame(ack));
             });
}

void WorkerSession::on(const wire::HeartbeatFrame& frame) {
  queue::Heartbeat heartbeat{.worker_id = worker_->worker_id, .leases = {}, .done = {}};
  for (const wire::AttemptRef& task : frame.tasks)
    heartbeat.leases.push_back(
        {TaskId::parse(task.task_id).value_or(TaskId()), task.attempt, task.input_seq});
  // Each that names a task is answered, also where none could be renewed: its worker then asks
  // again.
  heartbeat.done = [weak = weak_from_this(),
                    is_empty = frame.tasks.empty()](const Result<queue::HeartbeatAnswer>& answer) {
    const auto self = weak.lock();
    if (!self || is_empty) return;
    wire::AckFrame ack{.about = "heartbeat", .answers = {}, .committed = 0};
    if (answer) {
      for (const queue::Lease& lease : answer->lost)
        self->send(wire::encode_lost_frame(ref_of(lease.task_id, lease.attempt)));
      for (const queue::Lease& lease : answer->renewed)
        ack.renewed.push_back(ref_of(lease.task_id, lease.attempt));
    }
    self->send(wire::encode_ack_frame(ack));
  };
  post({&outbox_, std::move(heartbeat)});
}

void WorkerSession::obey(const queue::WorkerOrder& order) {
  std::visit([this](const auto& what) { on(what); }, order);
}

void WorkerSession::on(const queue::AssignOrder& order) {
  wire::encode_job(*order.task, order.lease_expires_at, jobs_.emplace_back());
  flush_soon();
}

void WorkerSession::acknowledge(wire::UpdateAnswer answer) {
  acks_.push_back(std::move(answer));
  flush_soon();
}

void WorkerSession::on(const queue::CancelOrder& order) {
  send(wire::encode_cancel_order(
      {ref_of(order.task_id, order.attempt), api_.services.settings.grace_ms}));
}

void WorkerSession::on(const store::InputPiece& piece) {
  send(wire::encode_input_order(
      {ref_of(piece.task_id, piece.attempt), {piece.seq, piece.data, piece.eof}}));
}

void WorkerSession::on(const queue::ResizeOrder& order) {
  send(wire::encode_resize_order({ref_of(order.task_id, order.attempt), order.cols, order.rows}));
}

void WorkerSession::on(const queue::LostOrder& order) {
  send(wire::encode_lost_frame(ref_of(order.task_id, order.attempt)));
}

void WorkerSession::on(const queue::DrainOrder&) { send(wire::encode_drain_order()); }

void WorkerSession::on(const queue::CloseOrder& order) {
  if (order.reason == queue::CloseReason::revoked)
    peer_->close(wire::kTokenEnded, "the worker was revoked");
  else
    peer_->close(wire::kReplaced, "the worker is on another channel");
}

// The orders and answers of one commit arrive in one turn of the loop: they leave together.
void WorkerSession::flush_soon() {
  if (std::exchange(flush_is_due_, true)) return;
  io::asio::post(executor_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->flush();
  });
}

void WorkerSession::flush() {
  flush_is_due_ = false;
  const std::vector<std::string> jobs = std::exchange(jobs_, {});
  wire::AckFrame acks{.about = "update", .answers = std::exchange(acks_, {}), .committed = 0};
  if (batch_) {
    if (!acks.answers.empty()) send(wire::encode_ack_frame(acks, true));
    if (!jobs.empty()) send(wire::encode_assign_frame(jobs, true));
    return;
  }
  for (wire::UpdateAnswer& answer : acks.answers) {
    const wire::AckFrame one{.about = "update", .answers = {std::move(answer)}, .committed = 0};
    send(wire::encode_ack_frame(one));
  }
  for (const std::string& job : jobs) send(wire::encode_assign_frame(std::span(&job, 1), false));
}

void WorkerSession::send(std::string text) {
  held_bytes_ += text.size();
  held_.push_back(std::move(text));
  if (held_.size() == 1) send_held();
}

void WorkerSession::send_held() {
  while (!held_.empty() && peer_->is_open()) {
    if (!peer_->send(std::make_shared<const std::string>(held_.front()))) {
      peer_->set_on_drained([this] {
        heard_at_ = api_.services.clock.mono();  // it reads
        send_held();
      });
      return;
    }
    held_bytes_ -= held_.front().size();
    held_.pop_front();
  }
  if (peer_->is_open()) return;
  held_.clear();
  held_bytes_ = 0;
}

void WorkerSession::post(queue::Command command) { api_.services.post(std::move(command)); }

}  // namespace tandem::api
