#include "net/ws_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/url/parse.hpp>

#include "io/timeout.h"
#include "net/websocket.h"

namespace tandem::net {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, io::Executor>;

struct Place {
  bool tls = false;
  std::string host, port;
  WsOffer offer;
};

Result<Place> place_of(const WsClientOptions& options) {
  const auto url = boost::urls::parse_uri(options.url);
  if (!url || url->host().empty() || url->has_userinfo())
    return fail(Errc::bad_request, "The address of the WebSocket is not a URL.");
  const std::string scheme(url->scheme());
  Place place;
  place.tls = scheme == "wss" || scheme == "https";
  if (!place.tls && scheme != "ws" && scheme != "http")
    return fail(Errc::bad_request, "A WebSocket's address begins with ws:// or wss://.");
  place.host = url->host_address();
  place.port = url->has_port() ? std::string(url->port()) : std::string(place.tls ? "443" : "80");
  place.offer.host = std::string(url->encoded_host_and_port());
  place.offer.target = std::string(url->encoded_path());
  if (place.offer.target.empty()) place.offer.target = "/";
  if (url->has_query()) place.offer.target += "?" + std::string(url->encoded_query());
  place.offer.headers = options.headers;
  place.offer.subprotocols = options.subprotocols;
  return place;
}

io::Awaitable<Result<TcpSocket>> connect_to(const Place& place) {
  const io::Executor executor = co_await asio::this_coro::executor;
  Resolver resolver(executor);
  ErrorCode error;
  const auto found = co_await resolver.async_resolve(
      place.host, place.port, asio::redirect_error(io::use_awaitable, error));
  TcpSocket socket(executor);
  if (!error) {
    co_await asio::async_connect(socket, found, asio::redirect_error(io::use_awaitable, error));
  }
  if (error)
    co_return fail(Errc::store_unavailable, "The server can't be reached: " + error.message());
  co_return std::move(socket);
}

Error refusal_of(const Transport& transport) {
  const std::string_view why =
      transport.distrusts_peer() ? kDistrusted : "The server's TLS was refused.";
  return fail(Errc::store_unavailable, std::string(why));
}

io::Awaitable<Result<std::shared_ptr<WsPeer>>> connect_in_time(const WsClientOptions& options) {
  auto place = place_of(options);
  if (!place) co_return place.error();
  auto socket = co_await connect_to(*place);
  if (!socket) co_return socket.error();
  TlsSession session;
  if (place->tls) {
    auto tls = TlsContext::for_client(options.ca_file, options.verify_tls);
    if (!tls) co_return tls.error();
    session = tls->connect_on(socket->native_handle(), place->host);
  }
  Transport transport(std::move(*socket), std::move(session));
  const bool secure = co_await transport.handshake();
  if (!secure) co_return refusal_of(transport);
  WsLimits limits;
  limits.max_message_bytes = options.max_message_bytes;
  limits.silence_ms = options.silence_ms;
  auto link = co_await open_websocket(std::move(transport), place->offer, limits);
  if (!link) co_return link.error();
  std::shared_ptr<WsPeer> peer = std::move(*link);
  co_return peer;
}

}  // namespace

io::Awaitable<Result<std::shared_ptr<WsPeer>>> connect_websocket(WsClientOptions options) {
  const std::int64_t timeout_ms = options.timeout_ms;
  auto work = connect_in_time(options);
  co_return co_await io::with_timeout(std::move(work), timeout_ms);
}

}  // namespace tandem::net
