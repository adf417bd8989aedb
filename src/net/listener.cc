#include "net/listener.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <chrono>

#include "io/timeout.h"

namespace tandem::net {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kMaxRefusing = 64;  // connections at once that are told about the crowd
constexpr std::int64_t kRefuseMs = 500;
constexpr std::int64_t kAcceptPauseMs = 50;  // after an error such as: no descriptors left

// A number that is one higher for as long as this lives.
template <class Number>
class Counted {
 public:
  explicit Counted(Number& number) : number_(number) { ++number_; }
  ~Counted() { --number_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  Number& number_;
};

class Listed {
 public:
  Listed(std::set<WsLink*>& links, WsLink* link) : links_(links), link_(link) {
    links_.insert(link_);
  }
  ~Listed() { links_.erase(link_); }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

 private:
  std::set<WsLink*>& links_;
  WsLink* link_;
};

WsLimits ws_limits(const ServerOptions& options) {
  WsLimits limits;
  limits.queue_bytes = options.ws_queue_bytes;
  limits.silence_ms = options.ws_silence_ms;
  limits.write_timeout_ms = options.write_timeout_ms;
  return limits;
}

std::int64_t sweep_interval_ms(const ServerOptions& options) {
  const std::int64_t shortest = std::min({options.header_timeout_ms, options.body_timeout_ms,
                                          options.write_timeout_ms, options.idle_timeout_ms});
  return std::clamp<std::int64_t>(shortest / 8, 5, 500);
}

}  // namespace

Listener::Listener(io::Loop& loop, Acceptor acceptor, LoopState state, const TlsContext* tls,
                   std::atomic<std::size_t>& open_connections)
    : loop_(loop),
      acceptor_(std::move(acceptor)),
      state_(std::move(state)),
      tls_(tls),
      open_(open_connections),
      upkeep_(loop.executor()),
      serving_(loop.executor()) {}

void Listener::begin() {
  upkeep_.spawn("net accept", accept_all());
  upkeep_.spawn("net sweep", sweep());
}

io::Awaitable<void> Listener::accept_all() {
  while (acceptor_.is_open()) {
    ErrorCode error;
    TcpSocket socket(loop_.executor());
    co_await acceptor_.async_accept(socket, asio::redirect_error(io::use_awaitable, error));
    if (!acceptor_.is_open()) co_return;
    if (error) {
      co_await io::sleep_for(kAcceptPauseMs);
    } else if (open_ < state_.options.max_connections) {
      serving_.spawn("net connection", serve(std::move(socket)));
    } else if (refusing_ < kMaxRefusing && !tls_) {
      serving_.spawn("net crowd", refuse_crowd(std::move(socket)));
    }
  }
}

io::Awaitable<void> Listener::sweep() {
  const std::int64_t interval_ms = sweep_interval_ms(state_.options);
  while (true) {
    co_await io::sleep_for(interval_ms);
    const MonoTime now = state_.clock.mono();
    for (Connection* connection : state_.connections) connection->sweep(now);
  }
}

io::Awaitable<void> Listener::refuse_crowd(TcpSocket socket) {
  const Counted counted(refusing_);
  Transport transport(std::move(socket));
  const Error error = fail(Errc::overloaded, "Too many connections are open.");
  const std::string id = state_.ids.of({});
  const Response response = Response::problem(error, id);
  const std::string& body = std::get<std::string>(response.body);
  Framing framing;
  framing.content_length = body.size();
  framing.keep_alive = false;
  std::string text;
  append_head(text, response, framing, id);
  text += body;
  transport.write_now(text.data(), text.size());
  transport.shutdown_send();
  // What the client sends is read, or the reset would overtake the answer.
  Step step = transport.read_now(state_.scratch.data(), state_.scratch.size());
  for (int i = 0; i < 4 && (step.must_wait() || step.kind == Step::Kind::done); ++i) {
    if (step.must_wait()) {
      auto waited = co_await io::with_timeout(transport.wait(step), kRefuseMs);
      if (!waited) break;
    }
    step = transport.read_now(state_.scratch.data(), state_.scratch.size());
  }
}

// All that is left of a connection once it is a WebSocket: it may be idle for hours, among
// thousands.
struct Listener::OpenSocket {
  std::shared_ptr<WsLink> link;
  WsSession session;
  std::string request_id;
};

io::Awaitable<void> Listener::serve(TcpSocket socket) {
  const Counted counted(open_);
  const auto opened = co_await serve_http(std::move(socket));
  if (opened) co_await serve_websocket(*opened);
}

// Returns when the connection has ended (null) or goes on as a WebSocket.
io::Awaitable<std::unique_ptr<Listener::OpenSocket>> Listener::serve_http(TcpSocket socket) {
  ErrorCode error;
  const auto peer = socket.remote_endpoint(error);
  if (error) co_return nullptr;
  TlsSession session;
  if (tls_) session = tls_->accept_on(socket.native_handle());
  Transport transport(std::move(socket), std::move(session));
  auto connection =
      std::make_unique<Connection>(state_, std::move(transport), peer.address().to_string());
  if (state_.draining) connection->drain();
  auto pending = co_await connection->run();
  connection.reset();
  if (!pending) co_return nullptr;
  auto link = co_await accept_websocket(std::move(pending->transport), pending->request,
                                        pending->upgrade.subprotocol, ws_limits(state_.options));
  if (!link) co_return nullptr;
  auto opened = std::make_unique<OpenSocket>();
  opened->link = std::move(link);
  opened->session = std::move(pending->upgrade.session);
  opened->request_id = std::move(pending->request.request_id);
  co_return opened;
}

io::Awaitable<void> Listener::serve_websocket(OpenSocket& socket) {
  const std::shared_ptr<WsLink>& link = socket.link;
  const Listed listed(links_, link.get());
  if (state_.draining) link->close(ws_code::kGoingAway, "shutting down");
  std::uint16_t code = ws_code::kNormal;
  try {
    co_await socket.session(link);
  } catch (const std::exception& error) {
    code = ws_code::kInternal;
    if (!state_.cut) state_.handler.failed(socket.request_id, error.what());
  }
  co_await asio::this_coro::throw_if_cancelled(false);
  if (state_.cut) {
    link->cut();
  } else {
    link->close(code, "");
  }
  link->set_on_drained({});
  co_await link->finished();
}

void Listener::end(std::int64_t drain_ms, std::promise<void>& done) {
  state_.draining = true;
  ErrorCode ignored;
  acceptor_.close(ignored);
  for (Connection* connection : state_.connections) connection->drain();
  const std::set<WsLink*> links = links_;
  for (WsLink* link : links) link->close(ws_code::kGoingAway, "shutting down");
  asio::co_spawn(loop_.executor(), wind_down(drain_ms),
                 [&done](std::exception_ptr) { done.set_value(); });
}

void Listener::cut_all() {
  state_.cut = true;
  for (Connection* connection : state_.connections) connection->cut();
  const std::set<WsLink*> links = links_;
  for (WsLink* link : links) link->cut();
  serving_.cancel();
}

// The last turn of upkeep_ comes behind a timer's call that is already on its way.
io::Awaitable<void> Listener::wind_down(std::int64_t drain_ms) {
  io::Timer limit(loop_.executor(), std::chrono::milliseconds(drain_ms));
  limit.async_wait([this](ErrorCode cancelled) {
    if (!cancelled) cut_all();
  });
  co_await serving_.join();
  limit.cancel();
  upkeep_.cancel();
  co_await upkeep_.join();
}

}  // namespace tandem::net
