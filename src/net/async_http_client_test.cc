#include "net/async_http_client.h"

#include <boost/asio/use_future.hpp>
#include <future>
#include <optional>

#include "io/task_group.h"
#include "net/test_server.h"

namespace tandem::net {
namespace {

class AsyncHttpClientTest : public testing::Test {
 protected:
  void SetUp() override {
    server_.handler.on_handle = [this](Request& request) -> io::Awaitable<Response> {
      co_return co_await answer(request);
    };
    loop_.start();
  }
  void TearDown() override {
    on_loop([this] { client_.reset(); });
    loop_.stop();
  }
  io::Awaitable<Response> answer(Request& request) {
    const std::string path(request.target.path);
    if (path == "/slow") {
      io::Timer never(co_await io::asio::this_coro::executor, io::Timer::time_point::max());
      co_await never.async_wait(io::use_awaitable);
    }
    Response response;
    response.body = path == "/big" ? std::string(100'000, 'x') : path + " " + request.body;
    co_return response;
  }
  template <class Function>
  void on_loop(Function function) {
    std::promise<void> done;
    loop_.post([&] {
      function();
      done.set_value();
    });
    done.get_future().get();
  }
  void make(HttpClientOptions options = {}) {
    on_loop([&] { client_.emplace(loop_.executor(), std::move(options)); });
  }
  static HttpCall call_of(std::string url, std::string body = "") {
    HttpCall call;
    call.url = std::move(url);
    if (!body.empty()) call.method = "POST";
    call.body = std::move(body);
    return call;
  }
  std::future<Result<HttpAnswer>> start(HttpCall call) {
    auto work = [](AsyncHttpClient& client, HttpCall what) -> io::Awaitable<Result<HttpAnswer>> {
      co_return co_await client.perform(std::move(what));
    };
    return io::asio::co_spawn(loop_.executor(), work(*client_, std::move(call)),
                              io::asio::use_future);
  }
  Result<HttpAnswer> perform(HttpCall call) { return start(std::move(call)).get(); }

  TestServer server_;
  io::Loop loop_{"client"};
  std::optional<AsyncHttpClient> client_;
};

TEST_F(AsyncHttpClientTest, ManyCallsAreUnderWayAtOnceAndOneAfterTheOther) {
  make();
  for (int round = 0; round < 20; ++round) {
    std::vector<std::future<Result<HttpAnswer>>> answers;
    for (int i = 0; i < 10; ++i)
      answers.push_back(start(call_of(server_.url("/echo"), std::to_string(i))));
    for (int i = 0; i < 10; ++i) {
      const auto answer = answers.at(static_cast<std::size_t>(i)).get();
      ASSERT_TRUE(answer) << answer.error().detail;
      EXPECT_EQ(answer->body, "/echo " + std::to_string(i));
    }
  }
}

TEST_F(AsyncHttpClientTest, AConnectionServesTheNextCallToo) {
  make();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(perform(call_of(server_.url())));
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(AsyncHttpClientTest, WhatTakesTooLongEnds) {
  make();
  HttpCall call = call_of(server_.url("/slow"));
  call.timeout_ms = 50;
  EXPECT_EQ(perform(std::move(call)).error().code, Errc::request_timeout);
  EXPECT_TRUE(perform(call_of(server_.url("/again"))));
}

TEST_F(AsyncHttpClientTest, AnAnswerHasABound) {
  make({.max_answer_bytes = 10'000});
  EXPECT_EQ(perform(call_of(server_.url("/big"))).error().code, Errc::too_large);
  EXPECT_TRUE(perform(call_of(server_.url("/small"))));
}

TEST_F(AsyncHttpClientTest, WhereNobodyListensItSaysSo) {
  make();
  EXPECT_EQ(perform(call_of("http://127.0.0.1:1/")).error().code, Errc::store_unavailable);
  EXPECT_EQ(perform(call_of("nonsense://x")).error().code, Errc::bad_request);
}

TEST_F(AsyncHttpClientTest, WhatIsCutEndsAtOnceAsDoesWhatComesLater) {
  make();
  auto slow = start(call_of(server_.url("/slow")));
  auto other = start(call_of(server_.url("/slow")));
  on_loop([this] { client_->cut(); });
  EXPECT_EQ(slow.get().error().code, Errc::shutting_down);
  EXPECT_EQ(other.get().error().code, Errc::shutting_down);
  EXPECT_EQ(perform(call_of(server_.url())).error().code, Errc::shutting_down);
}

TEST_F(AsyncHttpClientTest, ACancelledCallLeavesTheOthersAlone) {
  make();
  auto slow = [](AsyncHttpClient& client, HttpCall call) -> io::Awaitable<void> {
    const auto answer = co_await client.perform(std::move(call));
    ADD_FAILURE() << "it was cancelled" << answer.has_value();
  };
  std::optional<io::TaskGroup> group;
  on_loop([&] {
    group.emplace(loop_.executor());
    group->spawn("slow", slow(*client_, call_of(server_.url("/slow"))));
  });
  EXPECT_TRUE(perform(call_of(server_.url("/first"))));
  on_loop([&] { group->cancel(); });
  EXPECT_TRUE(perform(call_of(server_.url("/second"))));
  io::asio::co_spawn(loop_.executor(), group->join(), io::asio::use_future).get();
  on_loop([&] { group.reset(); });
}

}  // namespace
}  // namespace tandem::net
