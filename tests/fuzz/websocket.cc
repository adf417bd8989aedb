// The frames of a WebSocket client: the real session on one end of a socket pair, its bytes in
// pieces on the other, compared with a model of the protocol.
#include "net/websocket.h"

#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>

#include "base/unique_fd.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/websocket_model.h"

namespace tandem::fuzz {
namespace {

constexpr std::size_t kMaxMessageBytes = 600, kMaxInputBytes = 16 * 1024;

struct Seen {
  std::vector<std::string> messages;
  net::WsClose closed_by;
  bool accepted = false, over = false;
};

net::Request handshake() {
  net::Request request;
  request.method = "GET";
  request.headers.add("Host", "x");
  request.headers.add("Connection", "Upgrade");
  request.headers.add("Upgrade", "websocket");
  request.headers.add("Sec-WebSocket-Version", "13");
  request.headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  return request;
}

io::Awaitable<void> session(net::Transport transport, Seen& seen) {
  const net::Request request = handshake();
  net::WsLimits limits;
  limits.max_message_bytes = kMaxMessageBytes;
  limits.close_timeout_ms = 5;
  limits.stuck_ms = 1;
  const auto link = co_await net::accept_websocket(std::move(transport), request, "", limits);
  if (!link) co_return;  // the machine was too slow for the handshake's time
  seen.accepted = true;
  while (auto message = co_await link->receive()) seen.messages.push_back(std::move(*message));
  link->close(net::ws_code::kNormal, "");
  co_await link->finished();
  seen.closed_by = link->closed_by();
  seen.over = true;
}

Seen run(std::string_view input) {
  int ends[2];
  TANDEM_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const UniqueFd client(ends[1]);
  boost::asio::io_context loop{1};
  net::TcpSocket socket(loop.get_executor(), boost::asio::ip::tcp::v4(), ends[0]);
  Seen seen;
  boost::asio::co_spawn(loop, session(net::Transport(std::move(socket)), seen),
                        [](std::exception_ptr error) { TANDEM_ASSERT(!error); });
  for (Pieces pieces(input); !pieces.at_end();) {
    const std::string_view piece = pieces.next();
    ::send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL);  // it may be closed by now
    loop.poll();
  }
  ::shutdown(client.get(), SHUT_WR);
  loop.run();
  TANDEM_ASSERT(seen.over == seen.accepted);
  return seen;
}

}  // namespace

void check(std::string_view input) {
  if (input.size() > kMaxInputBytes) return;
  const Seen seen = run(input);
  if (!seen.accepted) return;
  const WebSocketModel model = websocket_model(input, kMaxMessageBytes);
  TANDEM_ASSERT(seen.messages == model.messages);
  const std::uint16_t code = seen.closed_by.code;
  TANDEM_ASSERT(code == model.code || (model.may_be_bad_utf8 && code == net::ws_code::kBadUtf8));
}

}  // namespace tandem::fuzz
