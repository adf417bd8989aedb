#include "api/socket_session.h"

#include "api/ask.h"
#include "api/log_streams.h"
#include "wire/close_codes.h"

namespace tandem::api {
namespace {

constexpr std::int64_t kTokenCheckMs =
    500;  // of the token: it is to count for at most a second more

std::string error_frame(const Error& error) {
  std::string frame;
  wire::encode_error_frame(error, frame);
  return frame;
}

}  // namespace

SocketSession::SocketSession(Call& call, std::unique_ptr<TaskFollow> task, logs::LogPosition after)
    : api_(call.api),
      outbox_(call.outbox),
      caller_(call.caller),
      task_(std::move(task)),
      log_(call.services(), call.outbox, task_->id(), after, task_->bell()) {}

io::Awaitable<void> SocketSession::send(net::WsPeer& peer) {
  while (peer.is_open()) {
    if (!is_still_welcome(api_, caller_)) {
      peer.send(std::make_shared<const std::string>(
          error_frame(fail(Errc::token_expired, "Connect again with a new token"))));
      peer.close(wire::kTokenEnded, "token ended");
      co_return;
    }
    const Step next = co_await step(peer);
    if (next == Step::ended) co_return;
    if (next == Step::wait) co_await task_->wait(kTokenCheckMs);
  }
}

// Sends one thing, as far as there is room and something to send.
io::Awaitable<SocketSession::Step> SocketSession::step(net::WsPeer& peer) {
  if (is_full_) co_return Step::wait;
  if (gap_ && !send_gap(peer)) co_return Step::wait;
  const queue::TaskPtr image = task_->image();
  if (image == nullptr) {
    offer(peer, error_frame(fail(Errc::not_found, "The task was deleted")));
    peer.close(net::ws_code::kNormal, "deleted");
    co_return Step::ended;
  }
  const bool is_over = is_terminal(image->status);
  if (!is_over) is_draining_ = false;  // it was retried
  if (is_over && !is_draining_) {
    is_draining_ = true;  // the records that came before the end are durable by now
    log_.read_again();
  }
  if (!is_over && !send_status(peer)) co_return Step::wait;  // a terminal one comes last
  if (!send_pending(peer)) co_return Step::wait;
  const Step next = co_await send_log(peer);
  if (next != Step::wait || !is_over || is_full_) co_return next;
  if (log_.awaits_rest(*image)) {
    log_.read_again();
    co_return Step::wait;
  }
  co_return task_->image() == image&& send_end(peer) ? Step::ended : Step::wait;
}

io::Awaitable<SocketSession::Step> SocketSession::send_log(net::WsPeer& peer) {
  const auto piece = co_await log_.next();
  if (!piece) {
    offer(peer, error_frame(piece.error()));
    peer.close(net::ws_code::kInternal, "the log can't be read");
    co_return Step::ended;
  }
  if (piece->chunk == nullptr) co_return Step::wait;
  pending_ = api_.encoded.frames_of(*piece);
  next_pending_ = 0;
  co_return send_pending(peer) ? Step::again : Step::wait;
}

bool SocketSession::send_status(net::WsPeer& peer) {
  const queue::TaskPtr image = task_->image();
  if (was_shown_ && shown_ == image) return true;
  std::string frame;
  wire::encode_status_frame(*image, frame);
  if (!offer(peer, std::move(frame))) return false;
  const bool is_new_request =
      image->input_request && (!shown_ || shown_->input_request != image->input_request);
  const bool has_moved = was_shown_ && shown_->progress != image->progress;
  was_shown_ = true;
  shown_ = image;
  // The status says both already: a full queue may cost these two.
  if (is_new_request) {
    std::string request;
    wire::encode_input_request_frame(*image->input_request, request);
    offer(peer, std::move(request));
  }
  if (has_moved) {
    std::string progress;
    wire::encode_progress_frame(image->progress, progress);
    offer(peer, std::move(progress));
  }
  return true;
}

bool SocketSession::send_pending(net::WsPeer& peer) {
  while (next_pending_ < pending_.size()) {
    if (!offer(peer, pending_[next_pending_])) return false;
    ++next_pending_;
  }
  pending_.clear();
  next_pending_ = 0;
  return true;
}

bool SocketSession::send_gap(net::WsPeer& peer) {
  if (!send_pending(peer) || !offer(peer, *gap_)) return false;
  gap_.reset();
  return true;
}

bool SocketSession::send_end(net::WsPeer& peer) {
  if (!send_status(peer)) return false;
  std::string frame;
  wire::encode_end_frame(task_->image()->status, frame);
  if (!offer(peer, std::move(frame))) return false;
  peer.close(net::ws_code::kNormal, "end");
  return true;
}

bool SocketSession::offer(net::WsPeer& peer, std::string text) {
  return offer(peer, std::make_shared<const std::string>(std::move(text)));
}

bool SocketSession::offer(net::WsPeer& peer, std::shared_ptr<const std::string> text) {
  if (peer.send(std::move(text))) return true;
  if (is_full_ || !peer.is_open()) return false;
  is_full_ = true;
  full_since_ = api_.services.clock.mono();
  peer.set_on_drained([this] {
    is_full_ = false;
    const bool has_stalled = api_.services.clock.mono() - full_since_ > kStallMs;
    if (has_stalled && !is_draining_ && !gap_) {
      if (const auto gap = log_.skip_to_live()) {
        gap_.emplace();
        wire::encode_gap_frame(position_text(gap->first), position_text(gap->second), *gap_);
      }
    }
    task_->wake();
  });
  return false;
}

io::Awaitable<void> SocketSession::receive(net::WsPeer& peer) {
  while (true) {
    const std::optional<std::string> text = co_await peer.receive();
    if (!text) break;
    const auto frame = wire::decode_client_frame(*text, task_->id());
    if (!frame) {
      offer(peer, error_frame(frame.error().error));
      continue;
    }
    if (std::holds_alternative<wire::PingFrame>(*frame)) {
      std::string pong;
      wire::encode_pong_frame(pong);
      offer(peer, std::move(pong));
      continue;
    }
    const auto refused = co_await obey(*frame);
    if (refused) offer(peer, error_frame(*refused));
  }
  task_->wake();
}

io::Awaitable<std::optional<Error>> SocketSession::obey(const wire::ClientFrame& frame) {
  const Services& services = api_.services;
  const queue::Actor actor = caller_.actor;
  if (std::holds_alternative<wire::CancelFrame>(frame)) {
    queue::Cancel cancel{.actor = actor, .task_id = task_->id(), .done = {}};
    const auto done = co_await ask(services, outbox_, std::move(cancel));
    co_return done ? std::nullopt : std::optional(done.error());
  }
  if (const auto* size = std::get_if<wire::ResizeFrame>(&frame)) {
    queue::Resize resize{
        .actor = actor, .task_id = task_->id(), .cols = size->cols, .rows = size->rows, .done = {}};
    const auto done = co_await ask(services, outbox_, std::move(resize));
    co_return done ? std::nullopt : std::optional(done.error());
  }
  queue::Input input{.actor = actor, .task_id = task_->id(), .done = {}};
  if (const auto* typed = std::get_if<wire::InputFrame>(&frame)) {
    input.data = typed->data;
    input.request_id = typed->request_id;
  } else {
    input.eof = true;
  }
  const auto done = co_await ask(services, outbox_, std::move(input));
  co_return done ? std::nullopt : std::optional(done.error());
}

}  // namespace tandem::api
