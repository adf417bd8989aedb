#include "net/connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/encoding.h"

namespace tandem::net {
namespace {

constexpr std::size_t kRefillBytes = 64 * 1024;  // of a body: then its time begins anew
constexpr std::size_t kKeptBytes = 1024;         // of a buffer, while a connection is idle
constexpr std::size_t kBatchBytes = 64 * 1024;   // of pipelined answers, before they are written
constexpr std::int64_t kLingerMs = 1000;
constexpr int kLingerReads = 256;

// The body of the request that is handled now; fails once that request is over.
class RequestBody final : public BodySource {
 public:
  RequestBody(std::shared_ptr<Connection*> connection, std::uint64_t number)
      : connection_(std::move(connection)), number_(number) {}

  io::Awaitable<Result<bool>> next(std::string& chunk) override {
    chunk.clear();
    Connection* connection = *connection_;
    if (!connection || connection->request_number() != number_)
      co_return fail(Errc::bad_request, "The request is over.");
    co_return co_await connection->next_body(chunk);
  }

 private:
  std::shared_ptr<Connection*> connection_;
  std::uint64_t number_;
};

}  // namespace

Connection::Connection(LoopState& loop, Transport transport, std::string remote_address)
    : loop_(loop),
      transport_(std::move(transport)),
      parser_(loop.options.max_header_bytes),
      remote_address_(std::move(remote_address)),
      self_(std::make_shared<Connection*>(this)) {
  loop_.connections.insert(this);
}

Connection::~Connection() {
  *self_ = nullptr;
  loop_.connections.erase(this);
}

void Connection::arm(Phase phase, std::int64_t timeout_ms) {
  phase_ = phase;
  deadline_ = timeout_ms < 0 ? kNever : loop_.clock.mono() + timeout_ms;
}

void Connection::sweep(MonoTime now) {
  if (deadline_ <= now) {
    deadline_ = kNever;
    expired_ = true;
    transport_.cancel();
  }
  if (phase_ == Phase::handling && current_ && current_->on_disconnect &&
      transport_.peer_is_gone()) {
    const auto callback = std::exchange(current_->on_disconnect, nullptr);
    callback();
  }
}

void Connection::drain() {
  close_ = true;
  if (phase_ != Phase::idle) return;
  expired_ = true;
  transport_.cancel();
}

void Connection::cut() { transport_.cut(); }

void Connection::consume(std::size_t bytes) {
  in_at_ += bytes;
  if (in_at_ < in_.size()) return;
  in_.clear();
  in_at_ = 0;
}

void Connection::release_idle_memory() {
  if (in_.capacity() > kKeptBytes) std::string().swap(in_);
  if (out_.capacity() > kKeptBytes) std::string().swap(out_);
}

// Appends what the peer sends next to in_. False: the peer is gone, or the time is over (expired_).
io::Awaitable<bool> Connection::fill(bool wait_first) {
  if (in_at_ > 0) {
    in_.erase(0, in_at_);
    in_at_ = 0;
  }
  Step step;
  step.kind = Step::Kind::wait_read;
  while (!expired_) {
    if (!wait_first) {
      step = transport_.read_now(loop_.scratch.data(), loop_.scratch.size());
      if (step.kind == Step::Kind::done) {
        in_.append(loop_.scratch.data(), step.bytes);
        co_return true;
      }
      if (!step.must_wait()) co_return false;
    }
    wait_first = false;
    batch_ = 0;
    co_await transport_.wait(step);
  }
  co_return false;
}

io::Awaitable<Connection::Next> Connection::read_request(Request& request) {
  parser_.reset();
  body_broken_ = want_continue_ = false;
  ++request_number_;
  arm(Phase::reading, loop_.options.header_timeout_ms);
  MonoTime head_deadline = deadline_;
  while (true) {
    if (!unread().empty()) {
      auto size = parser_.read_head(unread(), request);
      if (!size) {
        co_await refuse(request, size.error());
        co_return Next::answered;
      }
      if (*size > 0) {
        consume(*size);
        note_head(request);
        co_return Next::request;
      }
    }
    if (!out_.empty()) {
      const bool written = co_await flush();
      if (!written) co_return Next::close;
    }
    phase_ = Phase::reading;
    deadline_ = head_deadline;
    const bool idle = unread().empty();
    if (idle) {
      if (loop_.draining || close_) co_return Next::close;
      release_idle_memory();
      if (request_number_ > 1) arm(Phase::idle, loop_.options.idle_timeout_ms);
      phase_ = Phase::idle;
    }
    const bool got = co_await fill(idle && !transport_.is_tls());
    if (!got) {
      if (idle || !expired_) co_return Next::close;
      expired_ = false;
      Error late = fail(Errc::request_timeout, "The request's headers took too long.");
      co_await refuse(request, std::move(late));
      co_return Next::answered;
    }
    if (idle) {
      arm(Phase::reading, loop_.options.header_timeout_ms);
      head_deadline = deadline_;
    }
  }
}

void Connection::note_head(Request& request) {
  request.remote_address = remote_address_;
  request.tls = transport_.is_tls();
  request.received = loop_.clock.mono();
  request.request_id = loop_.ids.of(request.headers.get("x-request-id"));
  body_budget_ms_ = loop_.options.body_timeout_ms;
  body_since_refill_ = 0;
}

io::Awaitable<Result<bool>> Connection::next_body(std::string& chunk) {
  chunk.clear();
  while (!body_broken_) {
    if (parser_.is_complete()) co_return false;
    if (!unread().empty()) {
      want_continue_ = false;
      auto used = parser_.read_body(unread(), chunk);
      if (!used) {
        body_broken_ = true;
        chunk.clear();
        co_return used.error();
      }
      consume(*used);
      body_since_refill_ += chunk.size();
      if (body_since_refill_ >= kRefillBytes) {
        body_since_refill_ = 0;
        body_budget_ms_ = loop_.options.body_timeout_ms;
      }
      if (!chunk.empty()) co_return true;
      if (parser_.is_complete()) co_return false;
    }
    if (want_continue_) {
      want_continue_ = false;
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    if (!out_.empty()) co_await flush();
    const MonoTime began = loop_.clock.mono();
    arm(Phase::reading, std::max<std::int64_t>(body_budget_ms_, 0));
    const bool got = co_await fill();
    arm(Phase::handling, -1);
    body_budget_ms_ -= loop_.clock.mono() - began;
    if (!got) {
      body_broken_ = true;
      if (!std::exchange(expired_, false))
        co_return fail(Errc::bad_request, "The connection ended within the body.");
      co_return fail(Errc::request_timeout, "The request's body took too long.");
    }
  }
  co_return fail(Errc::bad_request, "The body's end is lost.");
}

io::Awaitable<Result<bool>> Connection::read_whole_body(Request& request) {
  std::string chunk;
  while (true) {
    auto more = co_await next_body(chunk);
    if (!more) co_return more.error();
    if (!*more) co_return true;
    if (request.body.empty()) {
      request.body = std::move(chunk);
    } else {
      request.body += chunk;
    }
  }
}

// Whether the connection is at the next request's start, also where the handler left body unread.
bool Connection::rest_of_body_is_here() {
  if (body_broken_) return false;
  if (parser_.is_complete()) return true;
  std::string dropped;
  auto used = parser_.read_body(unread(), dropped);
  if (!used) return false;
  consume(*used);
  return parser_.is_complete();
}

RouteDecision Connection::decide(const Request& request) {
  try {
    return loop_.handler.decide(request);
  } catch (const std::exception& error) {
    return undecided(request, error.what());
  }
}

RouteDecision Connection::undecided(const Request& request, const std::string& what) {
  loop_.handler.failed(request.request_id, what);
  RouteDecision decision;
  decision.refuse = Response::problem(fail(Errc::internal), request.request_id);
  return decision;
}

io::Awaitable<RouteDecision> Connection::decide_later(const Request& request, RouteDecision first) {
  arm(Phase::handling, -1);
  std::string what;
  try {
    co_return co_await first.later();
  } catch (const std::exception& error) {
    if (loop_.cut) throw;
    what = error.what();
  }
  co_return undecided(request, what);
}

io::Awaitable<Response> Connection::produce(Request& request) {
  RouteDecision decision = decide(request);
  if (decision.later) {
    auto later = decide_later(request, std::move(decision));
    decision = co_await std::move(later);
  }
  if (decision.refuse) co_return std::move(*decision.refuse);
  request.context = std::move(decision.context);
  const std::int64_t timeout_ms =
      decision.timeout_ms > 0 ? decision.timeout_ms : loop_.options.request_timeout_ms;
  request.deadline = request.received + timeout_ms;
  if (request.content_length.value_or(0) > decision.max_body_bytes) {
    const Error error = fail(Errc::too_large, "The body is larger than this address takes.");
    co_return Response::problem(error, request.request_id);
  }
  parser_.set_body_limit(decision.max_body_bytes);
  want_continue_ = request.has_body() && request.version_minor == 1 &&
                   request.headers.has_token("expect", "100-continue");
  if (decision.stream_body) {
    request.body_stream = std::make_unique<RequestBody>(self_, request_number_);
  } else if (request.has_body()) {
    auto read = co_await read_whole_body(request);
    if (!read) co_return Response::problem(read.error(), request.request_id);
  }
  co_return co_await call_handler(request);
}

io::Awaitable<Response> Connection::call_handler(Request& request) {
  arm(Phase::handling, -1);
  if (!out_.empty() && !flush_posted_) {
    flush_posted_ = true;
    boost::asio::post(transport_.socket().get_executor(), [self = self_] {
      if (*self) (*self)->flush_while_handling();
    });
  }
  std::string what;
  try {
    co_return co_await loop_.handler.handle(request);
  } catch (const std::exception& error) {
    if (loop_.cut) throw;
    what = error.what();
  }
  loop_.handler.failed(request.request_id, what);
  co_return Response::problem(fail(Errc::internal), request.request_id);
}

// Earlier answers do not wait for a handler that takes its time.
void Connection::flush_while_handling() {
  flush_posted_ = false;
  while (phase_ == Phase::handling && !out_.empty()) {
    const Step step = transport_.write_now(out_.data(), out_.size());
    if (step.kind != Step::Kind::done) return;
    out_.erase(0, step.bytes);
  }
}

std::optional<Error> Connection::check_upgrade(const Request& request) const {
  if (request.method != "GET" || request.version_minor != 1 || request.has_body() ||
      !request.headers.has_token("connection", "upgrade"))
    return fail(Errc::bad_request, "This is not the handshake of a WebSocket.");
  if (!request.wants_websocket() || request.headers.get("sec-websocket-version") != "13")
    return fail(Errc::upgrade_required, "WebSocket version 13 is spoken here.");
  const auto key = from_base64(request.headers.get("sec-websocket-key"));
  if (!key || key->size() != 16 || request.headers.count("sec-websocket-key") != 1)
    return fail(Errc::bad_request, "Sec-WebSocket-Key is not valid.");
  return std::nullopt;
}

io::Awaitable<bool> Connection::exchange(Request& request) {
  Response response = co_await produce(request);
  if (auto* upgrade = std::get_if<WsUpgrade>(&response.body)) {
    if (auto error = check_upgrade(request)) {
      Response refusal = Response::problem(*error, request.request_id);
      refusal.headers.add("Sec-WebSocket-Version", "13");
      if (error->code == Errc::upgrade_required) refusal.headers.add("Upgrade", "websocket");
      response = std::move(refusal);
    } else {
      upgrade_ = std::move(*upgrade);
      const bool written = co_await flush();
      if (!written) upgrade_.reset();
      const Served served{request, 101, 0, loop_.clock.mono() - request.received};
      loop_.handler.served(served);
      co_return false;
    }
  }
  const bool go_on = co_await answer(request, std::move(response));
  if (!go_on) co_return false;
  if (++batch_ >= static_cast<int>(limits::kMaxPipelined) || out_.size() > kBatchBytes) {
    batch_ = 0;
    const bool written = co_await flush();
    if (!written) co_return false;
    co_await boost::asio::post(transport_.socket().get_executor(), io::use_awaitable);
  }
  co_return true;
}

io::Awaitable<std::optional<PendingUpgrade>> Connection::run() {
  arm(Phase::reading, loop_.options.header_timeout_ms);
  const bool secure = co_await transport_.handshake();
  if (!secure || expired_) co_return std::nullopt;
  while (true) {
    Request request;
    const Next next = co_await read_request(request);
    if (next != Next::request) co_return std::nullopt;
    current_ = &request;
    const bool go_on = co_await exchange(request);
    current_ = nullptr;
    if (upgrade_) {
      transport_.unread(unread());
      PendingUpgrade pending{std::move(transport_), std::move(request), std::move(*upgrade_)};
      co_return std::move(pending);
    }
    if (!go_on) co_return std::nullopt;
  }
}

io::Awaitable<void> Connection::linger() {
  transport_.shutdown_send();
  arm(Phase::reading, kLingerMs);
  for (int i = 0; i < kLingerReads; ++i) {
    in_.clear();
    in_at_ = 0;
    const bool got = co_await fill();
    if (!got) break;
  }
}

}  // namespace tandem::net
