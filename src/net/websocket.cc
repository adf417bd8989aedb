// The only file that instantiates Beast's WebSocket: it takes long to compile.
#include "net/websocket.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <list>

#include "base/encoding.h"
#include "net/ws_transport.h"

namespace tandem::net {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using std::chrono::milliseconds;

void beast_close_socket(WsTransport& stream) { stream.transport().cut(); }

void teardown(beast::role_type, WsTransport& stream, ErrorCode& error) {
  stream.transport().cut();
  error = {};
}

template <class Handler>
void async_teardown(beast::role_type, WsTransport& stream, Handler&& handler) {
  DiscardOperation operation{stream.transport()};
  asio::async_compose<Handler, void(ErrorCode)>(std::move(operation), handler,
                                                stream.get_executor());
}

namespace {

class Link final : public WsLink, public std::enable_shared_from_this<Link> {
 public:
  Link(Transport transport, WsLimits limits);

  io::Awaitable<bool> accept(const Request& request, std::string subprotocol);
  io::Awaitable<std::optional<Error>> open(const WsOffer& offer);

  bool send(std::shared_ptr<const std::string> text) override;
  std::size_t queued_bytes() const override { return queued_bytes_; }
  void set_on_drained(std::function<void()> callback) override {
    on_drained_ = std::move(callback);
  }
  io::Awaitable<std::optional<std::string>> receive() override;
  void close(std::uint16_t code, std::string reason) override;
  bool is_open() const override { return open_; }
  const WsClose& closed_by() const override { return closed_by_; }
  void cut() override;
  io::Awaitable<void> finished() override;

 private:
  using Stream = websocket::stream<WsTransport, false>;
  void set_timeouts();
  void read();
  void read_some();
  void on_read(ErrorCode error);
  void take_text();
  void note_end(ErrorCode error);
  void write();
  void on_write(ErrorCode error);
  void begin_close(std::uint16_t code, std::string reason);
  void send_close();
  void watch(std::int64_t timeout_ms);
  void on_watch();
  void settle();
  void abandon();
  void close_socket() {
    if (ws_) ws_->next_layer().transport().cut();
  }
  bool is_finished() const { return !open_ && !reading_ && !writing_ && !closing_; }

  WsLimits limits_;
  std::optional<Stream> ws_;   // none once it was abandoned
  beast::flat_buffer buffer_;  // empty between messages
  std::list<std::string> inbound_;
  std::list<std::shared_ptr<const std::string>> queue_;
  std::size_t queued_bytes_ = 0;
  std::function<void()> on_drained_;
  WsClose closed_by_;
  io::Timer changed_;  // never expires; cancelled when receive() or finished() may go on
  io::Timer watch_;
  std::chrono::steady_clock::time_point write_began_;
  bool open_ = false, reading_ = false, writing_ = false, closing_ = false;
  bool close_wanted_ = false, refused_ = false, watching_ = false, cut_ = false;
};

constexpr std::size_t kMaxInbound = 4;
// What a socket holds ready for the first bytes of a message, as long as it is idle; Beast alone
// would take 1,536. Nearly all that clients send is shorter.
constexpr std::size_t kFirstReadBytes = 128;

Link::Link(Transport transport, WsLimits limits)
    : limits_(limits),
      ws_(std::move(transport)),
      changed_(ws_->get_executor()),
      watch_(ws_->get_executor()) {
  changed_.expires_at(io::Timer::time_point::max());
  ws_->read_message_max(limits_.max_message_bytes);
  ws_->auto_fragment(false);
}

void Link::set_timeouts() {
  websocket::stream_base::timeout timeouts{};
  timeouts.handshake_timeout = milliseconds(limits_.close_timeout_ms);
  timeouts.idle_timeout = milliseconds(limits_.silence_ms);
  timeouts.keep_alive_pings = true;
  ws_->set_option(timeouts);
}

io::Awaitable<bool> Link::accept(const Request& request, std::string subprotocol) {
  set_timeouts();
  const std::string id = request.request_id;
  ws_->set_option(websocket::stream_base::decorator([subprotocol, id](auto& response) {
    if constexpr (std::decay_t<decltype(response)>::is_request::value) {
    } else {
      response.erase(http::field::server);
      response.set("X-Request-Id", id);
      if (!subprotocol.empty()) response.set("Sec-WebSocket-Protocol", subprotocol);
    }
  }));
  http::request<http::empty_body> handshake(http::verb::get, "/", 11);
  for (const char* name :
       {"Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"}) {
    const std::string_view value = request.headers.get(name);
    handshake.set(name, beast::string_view(value.data(), value.size()));
  }
  ErrorCode error;
  co_await ws_->async_accept(handshake, asio::redirect_error(io::use_awaitable, error));
  ws_->set_option(websocket::stream_base::decorator([](auto&) {}));
  if (error) co_return false;
  open_ = true;
  read();
  co_return true;
}

// The `code` of a problem document, else what the status says.
Error refusal_of(int status, std::string_view body) {
  constexpr std::string_view kMember = "\"code\":\"";
  const std::size_t at = body.find(kMember);
  if (at != std::string_view::npos) {
    const std::string_view rest = body.substr(at + kMember.size());
    if (const auto code = errc_from_name(rest.substr(0, rest.find('"'))))
      return fail(*code, "The server answered " + std::to_string(status) + ".");
  }
  Errc code = Errc::store_unavailable;
  if (status == 401) code = Errc::unauthenticated;
  if (status == 403) code = Errc::forbidden;
  if (status == 404) code = Errc::not_found;
  if (status == 426) code = Errc::upgrade_required;
  return fail(code, "The server answered " + std::to_string(status) + ".");
}

io::Awaitable<std::optional<Error>> Link::open(const WsOffer& offer) {
  set_timeouts();
  std::string protocols;
  for (const std::string& name : offer.subprotocols)
    protocols += (protocols.empty() ? "" : ", ") + name;
  ws_->set_option(websocket::stream_base::decorator([&offer, &protocols](auto& request) {
    if constexpr (std::decay_t<decltype(request)>::is_request::value) {
      request.set(http::field::user_agent, "tandem");
      for (const auto& [name, value] : offer.headers.fields()) request.set(name, value);
      if (!protocols.empty()) request.set("Sec-WebSocket-Protocol", protocols);
    }
  }));
  websocket::response_type response;
  ErrorCode error;
  co_await ws_->async_handshake(response, offer.host, offer.target,
                                asio::redirect_error(io::use_awaitable, error));
  ws_->set_option(websocket::stream_base::decorator([](auto&) {}));
  if (error == websocket::error::upgrade_declined)
    co_return refusal_of(static_cast<int>(response.result_int()), response.body());
  if (error) co_return fail(Errc::store_unavailable, "The WebSocket could not be opened.");
  open_ = true;
  read();
  co_return std::nullopt;
}

void Link::read() {
  if (reading_ || closing_ || inbound_.size() >= kMaxInbound) return;
  reading_ = true;
  read_some();
}

void Link::read_some() {
  constexpr std::size_t kNoLimit = 0;
  const std::size_t limit = buffer_.size() == 0 ? kFirstReadBytes : kNoLimit;
  ws_->async_read_some(buffer_, limit, [self = shared_from_this()](ErrorCode error, std::size_t) {
    self->on_read(error);
  });
}

void Link::on_read(ErrorCode error) {
  // Behind our close Beast reads for itself: what is left of a message is not for us.
  if (!error && !ws_->is_message_done() && !closing_) return read_some();
  reading_ = false;
  if (error) {
    note_end(error);
  } else if (closing_) {
    buffer_ = {};
  } else if (!ws_->got_text()) {
    buffer_ = {};
    begin_close(ws_code::kUnsupported, "text messages only");
  } else {
    take_text();
  }
  changed_.cancel();
  settle();
}

// Beast checks the bytes as they come, but lets a text end within a character where its last frame
// is empty.
void Link::take_text() {
  const auto bytes = buffer_.data();
  std::string text(static_cast<const char*>(bytes.data()), bytes.size());
  buffer_ = {};
  if (!is_utf8(text)) return begin_close(ws_code::kBadUtf8, "not UTF-8");
  if (open_) inbound_.push_back(std::move(text));
  read();
}

void Link::note_end(ErrorCode error) {
  open_ = false;
  queue_.erase(writing_ && !queue_.empty() ? std::next(queue_.begin()) : queue_.begin(),
               queue_.end());
  if (closed_by_.code != 0) return;
  if (error == websocket::error::closed) {
    const auto& reason = ws_->reason();
    closed_by_ = {reason.code == websocket::close_code::none ? std::uint16_t{1005} : reason.code,
                  std::string(reason.reason.data(), reason.reason.size())};
  } else if (error == websocket::error::message_too_big) {
    closed_by_ = {ws_code::kTooBig, "message too big"};
  } else if (error == websocket::error::bad_frame_payload) {
    closed_by_ = {ws_code::kBadUtf8, "not UTF-8"};
  } else if (error == websocket::condition::protocol_violation) {
    closed_by_ = {ws_code::kProtocol, "protocol error"};
  } else {
    closed_by_ = {ws_code::kAbnormal, "connection lost"};
  }
}

bool Link::send(std::shared_ptr<const std::string> text) {
  if (!open_) return false;
  if (queued_bytes_ > 0 && queued_bytes_ + text->size() > limits_.queue_bytes) {
    refused_ = true;
    return false;
  }
  queued_bytes_ += text->size();
  queue_.push_back(std::move(text));
  if (!writing_) write();
  return true;
}

void Link::write() {
  writing_ = true;
  write_began_ = std::chrono::steady_clock::now();
  if (!watching_) watch(limits_.write_timeout_ms);
  ws_->text(true);
  ws_->async_write(
      asio::buffer(*queue_.front()),
      [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_write(error); });
}

void Link::on_write(ErrorCode error) {
  writing_ = false;
  queued_bytes_ -= std::min(queued_bytes_, queue_.front()->size());
  queue_.pop_front();
  if (error) {
    queue_.clear();
    queued_bytes_ = 0;
    cut();
  } else if (!queue_.empty()) {
    write();
  } else if (close_wanted_) {
    send_close();
  }
  if (open_ && refused_ && queued_bytes_ < limits_.queue_bytes / 4) {
    refused_ = false;
    if (on_drained_) {
      const auto callback = on_drained_;
      callback();
    }
  }
  settle();
}

void Link::close(std::uint16_t code, std::string reason) {
  if (!open_) return;
  inbound_.clear();
  begin_close(code, std::move(reason));
  changed_.cancel();
}

void Link::begin_close(std::uint16_t code, std::string reason) {
  if (!open_) return;
  open_ = false;
  close_wanted_ = true;
  closed_by_ = {code, std::move(reason)};
  watch(limits_.close_timeout_ms);
  if (!writing_) send_close();
}

void Link::send_close() {
  close_wanted_ = false;
  closing_ = true;
  websocket::close_reason reason(static_cast<websocket::close_code>(closed_by_.code));
  reason.reason.assign(closed_by_.reason.substr(0, 120));
  ws_->async_close(reason, [self = shared_from_this()](ErrorCode) {
    self->closing_ = false;
    self->close_socket();
    self->settle();
  });
}

void Link::watch(std::int64_t timeout_ms) {
  watching_ = true;
  watch_.expires_after(milliseconds(timeout_ms));
  watch_.async_wait([weak = weak_from_this()](ErrorCode error) {
    if (error) return;
    if (auto self = weak.lock()) self->on_watch();
  });
}

// Cuts what is overdue; one timer serves all writes, so that a write sets none.
void Link::on_watch() {
  watching_ = false;
  if (cut_) return abandon();
  if (!open_) return cut();
  if (!writing_) return;
  const auto since = std::chrono::steady_clock::now() - write_began_;
  const auto left = milliseconds(limits_.write_timeout_ms) - since;
  if (left <= milliseconds(0)) return cut();
  watch(std::chrono::duration_cast<milliseconds>(left).count() + 1);
}

void Link::cut() {
  open_ = false;
  close_wanted_ = false;
  if (closed_by_.code == 0) closed_by_ = {ws_code::kAbnormal, "connection lost"};
  close_socket();
  changed_.cancel();
  if (cut_ || is_finished()) return;
  cut_ = true;
  watch(limits_.stuck_ms);
}

// Beast can lock a read that fails and a close against each other; neither then has an operation on
// the socket that would end with it.
void Link::abandon() {
  const auto self = shared_from_this();  // the forgotten handlers held it
  ws_.reset();
  queue_.clear();
  reading_ = writing_ = closing_ = false;
  changed_.cancel();
}

void Link::settle() {
  if (!is_finished() || close_wanted_) return;
  watch_.cancel();
  close_socket();
  changed_.cancel();
}

io::Awaitable<std::optional<std::string>> Link::receive() {
  ErrorCode ignored;
  while (inbound_.empty()) {
    if (!open_) co_return std::nullopt;
    co_await changed_.async_wait(asio::redirect_error(io::use_awaitable, ignored));
  }
  std::string message = std::move(inbound_.front());
  inbound_.pop_front();
  if (open_) read();
  co_return message;
}

io::Awaitable<void> Link::finished() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  ErrorCode ignored;
  while (!is_finished())
    co_await changed_.async_wait(asio::redirect_error(io::use_awaitable, ignored));
}

}  // namespace

io::Awaitable<std::shared_ptr<WsLink>> accept_websocket(Transport transport, const Request& request,
                                                        std::string subprotocol, WsLimits limits) {
  auto link = std::make_shared<Link>(std::move(transport), limits);
  const bool accepted = co_await link->accept(request, std::move(subprotocol));
  if (!accepted) co_return nullptr;
  co_return link;
}

io::Awaitable<Result<std::shared_ptr<WsLink>>> open_websocket(Transport transport,
                                                              const WsOffer& offer,
                                                              WsLimits limits) {
  auto link = std::make_shared<Link>(std::move(transport), limits);
  auto refused = co_await link->open(offer);
  if (refused) co_return std::move(*refused);
  std::shared_ptr<WsLink> opened = std::move(link);
  co_return opened;
}

}  // namespace tandem::net
