#include <fcntl.h>
#include <gmock/gmock.h>

#include <boost/asio/redirect_error.hpp>
#include <cstdio>
#include <future>
#include <thread>

#include "net/http_client.h"
#include "net/server.h"
#include "net/test_server.h"

namespace tandem::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

// `count` pieces of `size` bytes.
class Pieces final : public BodySource {
 public:
  Pieces(int count, std::size_t size) : left_(count), size_(size) {}
  io::Awaitable<Result<bool>> next(std::string& chunk) override {
    chunk.clear();
    if (left_ == 0) co_return false;
    if (left_-- < 0) co_return fail(Errc::internal);
    chunk.assign(size_, 'p');
    co_return true;
  }

 private:
  int left_;
  std::size_t size_;
};

io::Awaitable<void> wait_for_ever() {
  io::Timer timer(co_await boost::asio::this_coro::executor);
  timer.expires_at(io::Timer::time_point::max());
  co_await timer.async_wait(io::use_awaitable);
}

TEST(ServerLimits, ClosesASlowHeadAtItsDeadline) {
  ServerOptions options;
  options.header_timeout_ms = 80;
  TestServer server(options);
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: ");
  const std::string all = client.read_all();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(all, Not(HasSubstr("(still open)")));
}

TEST(ServerLimits, DrippingBytesDoNotMoveTheDeadline) {
  ServerOptions options;
  options.header_timeout_ms = 150;
  TestServer server(options);
  RawClient client(server->port());
  const MonoTime began = SystemClock().mono();
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\n"));
  // Ends only when the server has closed: each send is one more field.
  while (client.send("A: b\r\n") && SystemClock().mono() - began < 5000) std::this_thread::yield();
  EXPECT_LT(SystemClock().mono() - began, 4000);
}

TEST(ServerLimits, ClosesSilentAndIdleConnections) {
  ServerOptions options;
  options.header_timeout_ms = 80;
  options.idle_timeout_ms = 80;
  TestServer server(options);
  RawClient silent(server->port()), idle(server->port());
  idle.send(kGet);
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_THAT(idle.read_all(), EndsWith("GET /a "));
}

TEST(ServerLimits, ClosesASlowBodyAtItsDeadline) {
  ServerOptions options;
  options.body_timeout_ms = 80;
  TestServer server(options);
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 408 "));
}

TEST(ServerLimits, CutsASlowReaderAtItsDeadline) {
  ServerOptions options;
  options.write_timeout_ms = 100;
  TestServer server(options);
  server.handler.on_handle = [](Request&) -> io::Awaitable<Response> {
    co_return Response::stream(std::make_unique<Pieces>(2000, 64 * 1024), "text/plain");
  };
  RawClient client(server->port(), 4096);
  client.send(kGet);
  client.read_until("\r\n\r\n");
  // Nothing more is read until the server has given up.
  while (server->connections() > 0) std::this_thread::yield();
  EXPECT_EQ(occurrences(client.read_all(), "\r\n0\r\n\r\n"), 0u);
}

TEST(ServerLimits, TellsTheCrowd) {
  ServerOptions options;
  options.max_connections = 1;
  TestServer server(options);
  RawClient first(server->port());
  first.send(kGet);
  first.read_until("GET /a ");
  RawClient second(server->port());
  second.send(kGet);
  const std::string all = second.read_all();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(all, HasSubstr("\"code\":\"overloaded\""));
}

TEST(ServerLimits, StreamsBothWays) {
  TestServer server;
  server.handler.on_decide = [](const RequestHead&) {
    RouteDecision decision;
    decision.stream_body = true;
    decision.max_body_bytes = 64 << 20;
    return decision;
  };
  server.handler.on_handle = [](Request& request) -> io::Awaitable<Response> {
    std::string chunk;
    std::size_t total = 0;
    while (true) {
      auto more = co_await request.body_stream->next(chunk);
      if (!more) co_return Response::problem(more.error(), request.request_id);
      if (!*more) break;
      total += chunk.size();
    }
    co_return Response::stream(std::make_unique<Pieces>(static_cast<int>(total >> 20), 100'000),
                               "text/plain");
  };
  HttpClient client;
  const auto answer = client.post(server.url(), std::string(5 << 20, 'x'));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->body.size(), 500'000u);
  EXPECT_EQ(answer->headers.get("transfer-encoding"), "chunked");
  RawClient old(server->port());
  old.send("POST / HTTP/1.0\r\nContent-Length: 1048576\r\n\r\n" + std::string(1 << 20, 'x'));
  const std::string all = old.read_all();
  EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, 100'000u);
  RawClient over(server->port());
  over.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4000001\r\n");
  EXPECT_THAT(over.read_all(), StartsWith("HTTP/1.1 413 "));
}

TEST(ServerLimits, ABrokenStreamDoesNotLookWhole) {
  TestServer server;
  server.handler.on_handle = [](Request&) -> io::Awaitable<Response> {
    co_return Response::stream(std::make_unique<Pieces>(-1, 10), "text/plain");
  };
  const auto answer = HttpClient().get(server.url());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::store_unavailable);
}

TEST(ServerLimits, SendsAPartOfAFile) {
  TestServer server;
  server.handler.on_handle = [](Request&) -> io::Awaitable<Response> {
    std::FILE* file = std::tmpfile();
    std::string data(300'000, 'f');
    data[100'000] = 'A';
    data[299'999] = 'Z';
    std::fwrite(data.data(), 1, data.size(), file);
    std::fflush(file);
    FileRange range{file_of(UniqueFd(::dup(::fileno(file))), 300'000), 100'000, 200'000};
    std::fclose(file);
    co_return Response::file(std::move(range), "application/octet-stream", 206);
  };
  const auto answer = HttpClient().get(server.url());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 206);
  ASSERT_EQ(answer->body.size(), 200'000u);
  EXPECT_EQ(answer->body.front(), 'A');
  EXPECT_EQ(answer->body.back(), 'Z');
}

TEST(ServerLimits, SpeaksTls) {
  const TestCertificate certificate;
  ServerOptions options;
  options.tls_cert_file = certificate.cert_file;
  options.tls_key_file = certificate.key_file;
  TestServer server(options);
  HttpClientOptions trusting;
  trusting.ca_file = certificate.cert_file;
  HttpClient client(trusting);
  for (const std::size_t size : {3u, 1000u, 1000u}) {
    const auto answer = client.put(server.url("/t"), std::string(size, 'x'));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->body, "PUT /t " + std::string(size, 'x'));
  }
  EXPECT_FALSE(HttpClient().get(server.url()));
  RawClient plain(server->port());
  plain.send(kGet);
  plain.finish_sending();
  EXPECT_THAT(plain.read_all(), Not(HasSubstr("HTTP/1.1 200")));
}

TEST(ServerLimits, TellsTheHandlerOfALostPeer) {
  TestServer server;
  static std::promise<void>* lost = nullptr;
  std::promise<void> told, asked;
  lost = &told;
  static std::promise<void>* started = nullptr;
  started = &asked;
  server.handler.on_handle = [](Request& request) -> io::Awaitable<Response> {
    request.on_disconnect = [] { lost->set_value(); };
    started->set_value();
    co_await wait_for_ever();
    co_return Response{};
  };
  {
    RawClient client(server->port());
    client.send(kGet);
    asked.get_future().wait();
  }
  EXPECT_EQ(told.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(ServerStop, FinishesWhatIsInFlightAndClosesTheIdle) {
  TestServer server;
  static std::promise<io::Timer*>* working = nullptr;
  std::promise<io::Timer*> entered;
  working = &entered;
  server.handler.on_handle = [](Request&) -> io::Awaitable<Response> {
    io::Timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_at(io::Timer::time_point::max());
    working->set_value(&timer);
    boost::system::error_code ignored;
    co_await timer.async_wait(boost::asio::redirect_error(io::use_awaitable, ignored));
    co_return Response::text("finished", "text/plain");
  };
  RawClient busy(server->port()), idle(server->port());
  busy.send(kGet);
  io::Timer* timer = entered.get_future().get();
  auto stopping = std::async(std::launch::async, [&] { server->stop(10'000); });
  EXPECT_EQ(idle.read_all(), "");
  boost::asio::post(timer->get_executor(), [timer] { timer->cancel(); });
  const std::string all = busy.read_all();
  EXPECT_THAT(all, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(all, EndsWith("finished"));
  stopping.wait();
  EXPECT_EQ(server->connections(), 0u);
}

TEST(ServerStop, CutsWhatIsLeftAfterTheDrain) {
  TestServer server;
  static std::promise<void>* entered = nullptr;
  std::promise<void> asked;
  entered = &asked;
  server.handler.on_handle = [](Request&) -> io::Awaitable<Response> {
    entered->set_value();
    co_await wait_for_ever();
    co_return Response{};
  };
  RawClient busy(server->port());
  busy.send(kGet);
  asked.get_future().wait();
  server->stop(50);
  EXPECT_EQ(busy.read_all(), "");
  EXPECT_EQ(server->connections(), 0u);
}

TEST(ServerStart, RefusesAPortInUseAndBadSettings) {
  TestServer server;
  SystemClock clock;
  io::Loop loop("other");
  ScriptedHandler handler;
  ServerOptions options;
  options.port = server->port();
  Server second({{&loop}, handler, clock, nullptr}, options);
  EXPECT_EQ(second.start().error().code, Errc::conflict);
  options.address = "not an address";
  Server third({{&loop}, handler, clock, nullptr}, options);
  EXPECT_EQ(third.start().error().code, Errc::validation_failed);
  options.address = "127.0.0.1";
  options.tls_cert_file = options.tls_key_file = "/nonexistent";
  Server fourth({{&loop}, handler, clock, nullptr}, options);
  EXPECT_EQ(fourth.start().error().code, Errc::validation_failed);
}

TEST(HttpClient, UploadsPartsAndStreamsDownloads) {
  TestServer server;
  server.handler.on_decide = [](const RequestHead&) {
    RouteDecision decision;
    decision.max_body_bytes = 1 << 20;
    return decision;
  };
  server.handler.on_handle = [](Request& request) -> io::Awaitable<Response> {
    const bool multipart =
        request.headers.get("content-type").starts_with("multipart/form-data; boundary=");
    co_return Response::text(multipart ? request.body : "?", "text/plain");
  };
  HttpCall call;
  call.method = "POST";
  call.url = server.url();
  call.parts.push_back({"task", "application/json", "{}", "", ""});
  call.parts.push_back({"file", "", "data", "", "in.txt"});
  std::string streamed;
  call.sink = [&](std::string_view piece) {
    streamed += piece;
    return true;
  };
  const auto answer = HttpClient().perform(call);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "");
  EXPECT_THAT(streamed, HasSubstr("filename=\"in.txt\""));
  EXPECT_THAT(streamed, HasSubstr("application/json\r\n\r\n{}"));
}

TEST(HttpClient, SaysWhatWentWrong) {
  HttpClient client;
  EXPECT_EQ(client.get("ftp://x/").error().code, Errc::bad_request);
  Headers odd;
  odd.add("A", "b\r\nC: d");
  EXPECT_EQ(client.get("http://127.0.0.1:1/", odd).error().code, Errc::bad_request);
  EXPECT_EQ(client.get("http://127.0.0.1:1/").error().code, Errc::store_unavailable);
}

}  // namespace
}  // namespace tandem::net
