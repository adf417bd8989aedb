#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <future>
#include <thread>

#include "net/test_server.h"
#include "net/ws_client.h"

namespace tandem::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Text = std::shared_ptr<const std::string>;
Text text(std::string value) { return std::make_shared<const std::string>(std::move(value)); }

io::Awaitable<void> echo(std::shared_ptr<WsPeer> peer) {
  while (auto message = co_await peer->receive()) {
    if (*message == "leave") co_return;
    if (*message == "revoke") peer->close(4401, "revoked");
    if (*message == "throw") throw std::runtime_error("secret");
    peer->send(text("echo " + *message));
  }
}

io::Awaitable<Response> upgrade_to_echo(Request& request) {
  std::string chosen;
  for (const std::string& name : offered_subprotocols(request.headers))
    if (name == "tandem.v1") chosen = name;
  co_return Response::upgrade(chosen, echo);
}

const std::string kHandshake =
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

// A masked frame; the mask is zero, so that the payload reads as it is.
std::string frame(int first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 255);
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>((static_cast<std::uint64_t>(payload.size()) >> shift) & 255);
  }
  return out + std::string(4, '\0') + std::string(payload);
}

// The text messages that the server said, each with a ; behind it.
std::string messages_of(std::string_view bytes) {
  std::string all;
  while (bytes.size() >= 2) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const int kind = byte(0) & 15;
    std::size_t size = byte(1), head = size < 126 ? 2 : size == 126 ? 4 : 10;
    if (head > 2) size = 0;
    for (std::size_t i = 2; i < head; ++i) size = size << 8 | byte(i);
    if (kind == 1) all.append(bytes.substr(head, size)).append(";");
    bytes.remove_prefix(head + size);
  }
  return all;
}

// The code of the close frame that ends what the server said; 0 where there is none.
int close_code(const std::string& bytes) {
  const std::size_t at = bytes.find('\x88');
  if (at == std::string::npos || at + 4 > bytes.size()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
  return byte(2) * 256 + byte(3);
}

class WebSocket : public ::testing::Test {
 public:
  ~WebSocket() override { client_loop_.stop(); }

 protected:
  void serve(ServerOptions options = {}) {
    server_ = std::make_unique<TestServer>(std::move(options));
    server_->handler.on_handle = upgrade_to_echo;
    client_loop_.start();
  }

  template <class T>
  T on_client_loop(io::Awaitable<T> work) {
    std::promise<T> done;
    boost::asio::co_spawn(client_loop_.executor(), std::move(work),
                          [&done](std::exception_ptr error, T value) {
                            if (error) {
                              done.set_exception(error);
                            } else {
                              done.set_value(std::move(value));
                            }
                          });
    return done.get_future().get();
  }

  std::string raw_conversation(std::string_view bytes) {
    RawClient client((*server_)->port());
    client.send(kHandshake + "\r\n");
    EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 101 "));
    client.send(bytes);
    return client.read_all();
  }

  io::Loop client_loop_{"client"};
  std::unique_ptr<TestServer> server_;
};

io::Awaitable<std::string> talk(WsClientOptions options) {
  auto peer = co_await connect_websocket(std::move(options));
  if (!peer) co_return std::string(to_string(peer.error().code));
  std::string all;
  for (const char* word : {"one", "two"}) {
    (*peer)->send(text(word));
    const auto answer = co_await (*peer)->receive();
    all += answer ? *answer + ";" : "closed;";
  }
  (*peer)->send(text(std::string(200'000, 'x')));
  const auto big = co_await (*peer)->receive();
  all += std::to_string(big ? big->size() : 0);
  (*peer)->send(text("leave"));
  const auto last = co_await (*peer)->receive();
  all += last ? "more" : ";" + std::to_string((*peer)->closed_by().code);
  co_return all;
}

TEST_F(WebSocket, EchoesOverPlain) {
  serve();
  WsClientOptions options;
  options.url = server_->url("/ws");
  EXPECT_EQ(on_client_loop(talk(options)), "echo one;echo two;200005;1000");
}

TEST_F(WebSocket, EchoesOverTls) {
  const TestCertificate certificate;
  ServerOptions server_options;
  server_options.tls_cert_file = certificate.cert_file;
  server_options.tls_key_file = certificate.key_file;
  serve(server_options);
  WsClientOptions options;
  options.url = server_->url("/ws");
  EXPECT_EQ(on_client_loop(talk(options)), "store_unavailable");  // the certificate is not trusted
  options.ca_file = certificate.cert_file;
  EXPECT_EQ(on_client_loop(talk(options)), "echo one;echo two;200005;1000");
}

TEST_F(WebSocket, ChoosesASubprotocol) {
  serve();
  RawClient client((*server_)->port());
  client.send(kHandshake +
              "Sec-WebSocket-Protocol: bearer.abc, tandem.v1\r\n"
              "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("\r\nSec-WebSocket-Protocol: tandem.v1\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_EQ(head.find("Extensions"), std::string::npos);
}

TEST_F(WebSocket, TakesFramesSentWithTheHandshake) {
  serve();
  RawClient client((*server_)->port());
  client.send(kHandshake + "\r\n" + frame(0x81, "early"));
  EXPECT_THAT(client.read_until("echo early"), EndsWith("echo early"));
}

TEST_F(WebSocket, TakesMessagesOfAnySizeInAnyPieces) {
  serve();
  std::string bytes, expected;
  for (const std::size_t size : {0, 1, 125, 127, 128, 129, 1535, 1536, 1537, 70'000}) {
    const std::string payload(size, 'x');
    bytes += frame(0x81, payload);
    bytes += frame(0x01, payload) + frame(0x00, "") + frame(0x89, "ping") + frame(0x80, payload);
    expected += "echo " + payload + ";echo " + payload + payload + ";";
  }
  RawClient client((*server_)->port());
  client.send(kHandshake + "\r\n");
  client.read_until("\r\n\r\n");
  client.send(bytes + frame(0x81, "end"));
  EXPECT_EQ(messages_of(client.read_until("echo end")), expected + "echo end;");
}

TEST_F(WebSocket, RefusesBadHandshakes) {
  serve();
  const std::string start = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, upgrade\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::vector<std::pair<std::string, int>> rows = {
      {start + key + "Sec-WebSocket-Version: 13\r\n\r\n", 426},
      {start + key + "Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n\r\n", 426},
      {start + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n", 400},
      {start + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n\r\n",
       400},
  };
  for (const auto& [bytes, status] : rows) {
    RawClient client((*server_)->port());
    client.send(bytes);
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 " + std::to_string(status) + " ")) << bytes;
  }
}

TEST_F(WebSocket, ClosesBrokenPeersWithTheRightCode) {
  serve();
  std::string unmasked = "\x81\x02hi";
  EXPECT_EQ(close_code(raw_conversation(unmasked)), 1002);
  EXPECT_EQ(close_code(raw_conversation(frame(0xC1, "hi"))), 1002);  // a reserved bit
  EXPECT_EQ(close_code(raw_conversation(frame(0x83, "hi"))), 1002);  // a reserved opcode
  EXPECT_EQ(close_code(raw_conversation(frame(0x80, "hi"))), 1002);  // continues nothing
  EXPECT_EQ(close_code(raw_conversation(frame(0x09, "hi"))), 1002);  // a ping in pieces
  EXPECT_EQ(close_code(raw_conversation(frame(0x81, "\xff\xfe"))), 1007);
  EXPECT_EQ(close_code(raw_conversation(frame(0x01, "\xe2\x82") + frame(0x80, ""))), 1007);
  EXPECT_EQ(close_code(raw_conversation(frame(0x82, "hi") + frame(0x88, "\x03\xe8"))), 1003);
  EXPECT_EQ(close_code(raw_conversation(frame(0x81, std::string(256 * 1024 + 1, 'x')))), 1009);
  std::string fragments = frame(0x01, std::string(200'000, 'x'));
  fragments += frame(0x00, std::string(200'000, 'x'));
  EXPECT_EQ(close_code(raw_conversation(fragments)), 1009);
  EXPECT_EQ(close_code(raw_conversation(frame(0x81, "revoke") + frame(0x88, "\x11\x31"))), 4401);
  EXPECT_EQ(close_code(raw_conversation(frame(0x81, "throw") + frame(0x88, "\x03\xf3"))), 1011);
  EXPECT_EQ(close_code(raw_conversation(frame(0x88, "\x03\xe8"))), 1000);
}

TEST_F(WebSocket, KeepsWhatCameBeforeAWrongMessage) {
  serve();
  std::promise<std::string> heard;
  server_->handler.on_handle = [&heard](Request&) -> io::Awaitable<Response> {
    const auto listen = [&heard](std::shared_ptr<WsPeer> peer) -> io::Awaitable<void> {
      std::string all;
      while (auto message = co_await peer->receive()) all += *message + ";";
      heard.set_value(all);
    };
    co_return Response::upgrade("", listen);
  };
  EXPECT_EQ(close_code(raw_conversation(frame(0x81, "a") + frame(0x81, "b") + frame(0x82, "c") +
                                        frame(0x88, "\x03\xe8"))),
            1003);
  EXPECT_EQ(heard.get_future().get(), "a;b;");
}

TEST_F(WebSocket, ASlowReaderIsBoundedAndToldOfTheDrain) {
  serve();
  static std::promise<std::size_t>* filled = nullptr;
  static std::promise<void>* drained = nullptr;
  std::promise<std::size_t> filled_promise;
  std::promise<void> drained_promise;
  filled = &filled_promise;
  drained = &drained_promise;
  server_->handler.on_handle = [](Request&) -> io::Awaitable<Response> {
    WsSession session = [](std::shared_ptr<WsPeer> peer) -> io::Awaitable<void> {
      const Text block = text(std::string(64 * 1024, 'b'));
      peer->set_on_drained([] { drained->set_value(); });
      while (true) {
        std::size_t sent = 0;
        while (peer->send(block)) ++sent;
        if (peer->queued_bytes() > limits::kMaxWebSocketQueueBytes - 64 * 1024) break;
      }
      filled->set_value(peer->queued_bytes());
      while (co_await peer->receive()) {
      }
    };
    co_return Response::upgrade("", std::move(session));
  };
  RawClient client((*server_)->port(), 4096);
  client.send(kHandshake + "\r\n");
  EXPECT_LE(filled_promise.get_future().get(), limits::kMaxWebSocketQueueBytes);
  auto told = drained_promise.get_future();
  while (told.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
    ASSERT_NE(client.read_some(), "(still open)");
}

TEST_F(WebSocket, PingsAndDropsASilentPeer) {
  ServerOptions options;
  options.ws_silence_ms = 100;
  serve(options);
  RawClient client((*server_)->port());
  client.send(kHandshake + "\r\n");
  client.read_until("\r\n\r\n");
  const std::string all = client.read_all();
  EXPECT_THAT(all, StartsWith(std::string("\x89\x00", 2)));
  EXPECT_EQ(all.find("(still open)"), std::string::npos);
}

TEST_F(WebSocket, IsClosedWith1001WhenTheServerStops) {
  serve();
  auto client = std::make_unique<RawClient>((*server_)->port());
  client->send(kHandshake + "\r\n" + frame(0x81, "a"));
  client->read_until("echo a");
  auto stopping = std::async(std::launch::async, [&] { (*server_)->stop(10'000); });
  EXPECT_EQ(client->read_until("shutting down").substr(2, 2), "\x03\xe9");
  client->send(frame(0x88, "\x03\xe9"));
  EXPECT_EQ(client->read_all(), "");
  client.reset();
  stopping.wait();
  EXPECT_EQ((*server_)->connections(), 0u);
}

TEST_F(WebSocket, AMessageThatBreaksWhileItCloses) {
  serve();
  RawClient client((*server_)->port());
  // A text of four bytes, of which three come while the server begins to close.
  const std::string whole = frame(0x81, "ab\xff\xff");
  client.send(kHandshake + "\r\n" + frame(0x81, "revoke") + whole.substr(0, whole.size() - 2));
  client.read_until("revoked");
  client.send(whole.substr(whole.size() - 2));
  (*server_)->stop(50);
  EXPECT_EQ((*server_)->connections(), 0u);
}

io::Awaitable<std::string> refused_code(WsClientOptions options) {
  auto peer = co_await connect_websocket(std::move(options));
  co_return peer ? "open" : std::string(to_string(peer.error().code));
}

// Beast, which reads for itself behind a close, took the rest of such a message away from a read.
TEST_F(WebSocket, AMessageThatIsStillComingWhileItCloses) {
  serve();
  for (std::size_t size = 100; size < 8000; size += 53) {
    const std::string rest = frame(0x81, std::string(size, 'x'));
    const std::string bytes = frame(0x81, "revoke") + rest + rest + rest + frame(0x88, "\x03\xe8");
    EXPECT_EQ(close_code(raw_conversation(bytes)), 4401) << size;
  }
}

TEST_F(WebSocket, AClientLearnsWhyItWasRefused) {
  serve();
  server_->handler.on_decide = [](const RequestHead& head) {
    RouteDecision decision;
    const Errc code =
        head.headers.get("authorization") == "Bearer t" ? Errc::not_found : Errc::token_expired;
    decision.refuse = Response::problem(fail(code), head.request_id);
    return decision;
  };
  WsClientOptions options;
  options.url = server_->url("/ws");
  EXPECT_EQ(on_client_loop(refused_code(options)), "token_expired");
  options.headers.add("Authorization", "Bearer t");
  EXPECT_EQ(on_client_loop(refused_code(options)), "not_found");
  options.url = "ws://127.0.0.1:1/";
  EXPECT_EQ(on_client_loop(refused_code(options)), "store_unavailable");
  options.url = "nonsense";
  EXPECT_EQ(on_client_loop(refused_code(options)), "bad_request");
}

}  // namespace
}  // namespace tandem::net
