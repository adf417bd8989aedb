#include "net/server.h"

#include <gmock/gmock.h>

#include <boost/asio/redirect_error.hpp>
#include <future>

#include "io/task_group.h"
#include "net/http_client.h"
#include "net/test_server.h"

namespace tandem::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kGetA = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kLast = "GET /z HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

std::string answer_to(TestServer& server, const std::string& bytes) {
  RawClient client(server->port());
  client.send(bytes);
  return client.read_all();
}

TEST(Server, AnswersAndKeepsTheConnection) {
  TestServer server({}, 2);
  RawClient client(server->port());
  client.send(kGetA);
  const std::string first = client.read_until("GET /a ");
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(first, HasSubstr("\r\nContent-Length: 7\r\n"));
  EXPECT_THAT(first, HasSubstr("\r\nDate: "));
  EXPECT_THAT(first, HasSubstr("\r\nX-Request-Id: "));
  client.send(kLast);
  const std::string second = client.read_all();
  EXPECT_THAT(second, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(second, EndsWith("\r\n\r\nGET /z "));
}

TEST(Server, AnswersFiftyPipelinedRequestsInOrder) {
  TestServer server;
  std::string requests, expected;
  for (int i = 0; i < 50; ++i)
    requests += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx";
  const std::string all = answer_to(server, requests + kLast);
  EXPECT_EQ(occurrences(all, "HTTP/1.1 200 OK"), 51u);
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = all.find("POST /" + std::to_string(i) + " x", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST(Server, EarlierAnswersDoNotWaitForASlowHandler) {
  TestServer server;
  std::promise<void> asked;
  static io::Timer* gate = nullptr;
  server.handler.on_handle = [](Request& request) -> io::Awaitable<Response> {
    if (request.target.path == "/slow") {
      io::Timer timer(co_await boost::asio::this_coro::executor);
      timer.expires_at(io::Timer::time_point::max());
      gate = &timer;
      boost::system::error_code ignored;
      co_await timer.async_wait(boost::asio::redirect_error(io::use_awaitable, ignored));
    }
    if (request.target.path == "/open") gate->cancel();
    co_return Response::text("at " + request.target.path, "text/plain");
  };
  RawClient client(server->port());
  client.send("GET /fast HTTP/1.1\r\nHost: x\r\n\r\nGET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_until("at /fast"), HasSubstr("200 OK"));
  EXPECT_THAT(answer_to(server, "GET /open HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              HasSubstr("at /open"));
  EXPECT_THAT(client.read_until("at /slow"), EndsWith("at /slow"));
}

TEST(Server, TakesApartTheTarget) {
  TestServer server;
  server.handler.on_handle = [](Request& request) -> io::Awaitable<Response> {
    std::string text;
    for (const std::string& segment : request.target.segments) text += "[" + segment + "]";
    for (const auto& [name, value] : request.target.query.items()) text += name + "=" + value + ";";
    co_return Response::text(std::move(text), "text/plain");
  };
  EXPECT_THAT(answer_to(server,
                        "GET http://h:1/a%2Fb/%C3%A4/?q=1+2&q=%26&e HTTP/1.1\r\nHost: x\r\n"
                        "Connection: close\r\n\r\n"),
              EndsWith("\r\n\r\n[a/b][ä][]q=1 2;q=&;e=;"));
}

struct Malformed {
  const char* name;
  std::string bytes;
  int status;
};

std::vector<Malformed> malformed_requests() {
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  const std::string get = "GET / HTTP/1.1\r\n";
  return {
      {"CL+TE", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"two CL", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {"the same CL twice", post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
      {"CL list", post + "Content-Length: 1, 1\r\n\r\na", 400},
      {"CL sign", post + "Content-Length: +1\r\n\r\na", 400},
      {"CL negative", post + "Content-Length: -1\r\n\r\n", 400},
      {"CL huge", post + "Content-Length: 99999999999999999999\r\n\r\n", 400},
      {"CL empty", post + "Content-Length:\r\n\r\n", 400},
      {"TE other", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
      {"TE twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"TE xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
      {"TE in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"bare LF", "GET / HTTP/1.1\nHost: x\n\n", 400},
      {"bare LF in fields", get + "Host: x\nA: b\r\n\r\n", 400},
      {"bare CR", get + "Host: x\r\nA: b\rC: d\r\n\r\n", 400},
      {"folded", get + "Host: x\r\nA: b\r\n c\r\n\r\n", 400},
      {"folded first", get + " Host: x\r\n\r\n", 400},
      {"blank before colon", get + "Host : x\r\n\r\n", 400},
      {"no colon", get + "Host: x\r\nabc\r\n\r\n", 400},
      {"empty name", get + "Host: x\r\n: b\r\n\r\n", 400},
      {"NUL", get + "Host: x\r\nA: b" + std::string(1, '\0') + "\r\n\r\n", 400},
      {"control", get + "Host: x\r\nA: \x01\r\n\r\n", 400},
      {"no Host", get + "\r\n", 400},
      {"two Hosts", get + "Host: x\r\nHost: x\r\n\r\n", 400},
      {"odd Host", get + "Host: a/b\r\n\r\n", 400},
      {"Host with blank", get + "Host: a b\r\n\r\n", 400},
      {"empty line first", "\r\n" + get + "Host: x\r\n\r\n", 400},
      {"two blanks", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"blank in target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"tab", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"no version", "GET /\r\nHost: x\r\n\r\n", 400},
      {"version 2", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400},
      {"lower version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
      {"no slash", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"bad escape", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"cut escape", "GET /%4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"NUL escape", "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"not UTF-8", "GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"raw byte", "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"method", "G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\r\n\r\n", 10), 400},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
      {"lower method", "get / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"long field", get + "Host: x\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n", 431},
      {"endless line", "GET /" + std::string(20'000, 'a'), 431},
      {"too long", post + "Content-Length: 1025\r\n\r\n", 413},
  };
}

TEST(Server, RefusesMalformedRequestsAndCloses) {
  TestServer server;
  for (const Malformed& request : malformed_requests()) {
    const std::string all = answer_to(server, request.bytes + kGetA);
    const std::string start = "HTTP/1.1 " + std::to_string(request.status) + " ";
    EXPECT_THAT(all, StartsWith(start)) << request.name;
    EXPECT_THAT(all, HasSubstr("application/problem+json")) << request.name;
    EXPECT_THAT(all, HasSubstr("\"request_id\":\"")) << request.name;
    EXPECT_EQ(occurrences(all, "HTTP/1.1 "), 1u) << request.name << all;
    EXPECT_THAT(all, Not(HasSubstr("(still open)"))) << request.name;
  }
}

TEST(Server, RefusesChunkTricks) {
  TestServer server;
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string good = head + "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: t\r\n\r\n" + kLast;
  EXPECT_THAT(answer_to(server, good), HasSubstr("\r\n\r\nPOST / abcdeHTTP/1.1 200"));
  const std::vector<std::string> tricks = {"x\r\n\r\n",
                                           "-1\r\n\r\n",
                                           "+1\r\na\r\n",
                                           "0x1\r\na\r\n",
                                           "1\na\n0\n\n",
                                           "1\r\nab\r\n0\r\n\r\n",
                                           "1\r\na0\r\n\r\n",
                                           "fffffffffffffffff\r\n",
                                           "\r\na\r\n",
                                           "1 1\r\na\r\n0\r\n\r\n",
                                           "1\r\na\n0\r\n\r\n",
                                           "0\r\nA: b\n\r\n\r\n",
                                           "1\r\na\r\n0\n\r\n\r\n",
                                           "1;" + std::string(20'000, 'e')};
  for (const std::string& trick : tricks) {
    const std::string all = answer_to(server, head + trick + kGetA);
    EXPECT_THAT(all, StartsWith("HTTP/1.1 400 ")) << trick.substr(0, 40);
    EXPECT_EQ(occurrences(all, "HTTP/1.1 "), 1u) << trick.substr(0, 40);
  }
  EXPECT_THAT(answer_to(server, head + "401\r\n" + std::string(1025, 'a') + "\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
}

TEST(Server, SpeaksHttp10) {
  TestServer server;
  const std::string plain = answer_to(server, "GET /a HTTP/1.0\r\n\r\n");
  EXPECT_THAT(plain, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(plain, EndsWith("GET /a "));
  const std::string kept =
      answer_to(server, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
  EXPECT_THAT(kept, HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(kept, EndsWith("GET /b "));
}

TEST(Server, AnswersHeadWithoutABody) {
  TestServer server;
  const std::string all = answer_to(server, "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + kLast);
  EXPECT_THAT(all, HasSubstr("\r\nContent-Length: 8\r\n"));
  EXPECT_EQ(all.find("HEAD /a "), std::string::npos);
  EXPECT_THAT(all, EndsWith("GET /z "));
}

TEST(Server, EchoesSaneRequestIdsOnly) {
  TestServer server;
  const std::string all = answer_to(server,
                                    "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: my-id.1\r\n\r\n"
                                    "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: <odd>\r\n\r\n" +
                                        kLast);
  EXPECT_THAT(all, HasSubstr("\r\nX-Request-Id: my-id.1\r\n"));
  EXPECT_EQ(all.find("<odd>"), std::string::npos);
}

TEST(Server, SaysContinueOnlyWhereTheBodyIsWanted) {
  TestServer server;
  const std::string head =
      "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
      "Content-Length: ";
  {
    RawClient client(server->port());
    client.send(head + "3\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    EXPECT_THAT(client.read_all(), EndsWith("POST /a abc"));
  }
  EXPECT_THAT(answer_to(server, head + "5000\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
}

TEST(Server, RefusesBeforeTheBody) {
  TestServer server;
  server.handler.on_decide = [](const RequestHead& head) {
    RouteDecision decision;
    decision.refuse = Response::problem(fail(Errc::unauthenticated), head.request_id);
    return decision;
  };
  const std::string all =
      answer_to(server, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_THAT(all, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(all, HasSubstr("\"code\":\"unauthenticated\",\"status\":401"));
}

io::Awaitable<RouteDecision> decided_a_moment_later(const RequestHead& head) {
  co_await io::asio::post(io::use_awaitable);
  if (head.target.path == "/broken") throw std::runtime_error("secret");
  RouteDecision decision;
  if (head.target.path == "/closed")
    decision.refuse = Response::problem(fail(Errc::unauthenticated), head.request_id);
  decision.max_body_bytes = 1024;
  co_return decision;
}

TEST(Server, ADecisionMayComeLater) {
  TestServer server;
  server.handler.on_decide = [](const RequestHead& head) {
    RouteDecision decision;
    decision.refuse = Response::problem(fail(Errc::forbidden), head.request_id);
    decision.later = [&head] { return decided_a_moment_later(head); };
    return decision;
  };
  const std::string rest =
      " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
  EXPECT_THAT(answer_to(server, "POST /open" + rest), EndsWith("POST /open abc"));
  EXPECT_THAT(answer_to(server, "POST /closed" + rest), StartsWith("HTTP/1.1 401 "));
  const std::string broken = answer_to(server, "POST /broken" + rest);
  EXPECT_THAT(broken, StartsWith("HTTP/1.1 500 "));
  EXPECT_EQ(broken.find("secret"), std::string::npos);
}

TEST(Server, AnHandlersExceptionIsInternal) {
  TestServer server;
  server.handler.on_handle = [](Request&) -> io::Awaitable<Response> {
    throw std::runtime_error("secret");
    co_return Response{};
  };
  const std::string all = answer_to(server, kLast);
  EXPECT_THAT(all, StartsWith("HTTP/1.1 500 "));
  EXPECT_EQ(all.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace tandem::net
