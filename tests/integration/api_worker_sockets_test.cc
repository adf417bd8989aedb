#include <gtest/gtest.h>

#include "base/limits.h"
#include "integration/test_server.h"

namespace tandem::api {
namespace {

constexpr std::int64_t kHeartbeatMs = 1000;  // a socket is looked at after two of them

class ApiWorkerSockets : public testing::Test {
 protected:
  std::string registered(const std::string& name) {
    const Reply reply =
        server_.post("/api/v1/workers/register", admin_.token, R"({"name":")" + name + R"("})");
    EXPECT_EQ(reply.status, 201) << reply.body;
    return reply.text("worker_token");
  }
  std::string changed(const std::string& token) {
    const Reply reply = server_.post("/api/v1/workers/token", token, "{}");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.text("worker_token");
  }
  // What the server closes a silent socket with.
  static int end_of(TestSocket& socket) {
    while (socket.receive()) {
    }
    return socket.close_code();
  }

  TestServer server_{[](config::Settings& settings) { settings.heartbeat_ms = kHeartbeatMs; }};
  const TestClient admin_ = server_.make_client("admin", "admin tasks workers");
};

TEST_F(ApiWorkerSockets, endWithTheTokenThatOpenedThem) {
  const std::string first = registered("changed"), kept = registered("kept");
  TestSocket ends(server_, "/api/v1/workers/ws", first);
  TestSocket stays(server_, "/api/v1/workers/ws", kept);
  const std::string second = changed(first);
  server_.shift_wall_clock(limits::kPreviousTokenMs);
  EXPECT_EQ(server_.get("/api/v1/workers/config", first).code(), "token_expired");
  EXPECT_EQ(end_of(ends), 4401);
  EXPECT_EQ(end_of(stays), 4408);  // nothing but its silence was wrong
  TestSocket again(server_, "/api/v1/workers/ws", second);
  EXPECT_TRUE(again.receive());
}

TEST_F(ApiWorkerSockets, stayWhileTheReplacedTokenIsGood) {
  const std::string first = registered("changed");
  TestSocket socket(server_, "/api/v1/workers/ws", first);
  changed(first);
  server_.shift_wall_clock(limits::kPreviousTokenMs - 60'000);
  EXPECT_EQ(end_of(socket), 4408);
}

TEST_F(ApiWorkerSockets, endWhereTheTokenWasReplacedTwice) {
  const std::string first = registered("changed");
  TestSocket socket(server_, "/api/v1/workers/ws", first);
  changed(changed(first));
  EXPECT_EQ(end_of(socket), 4401);
}

}  // namespace
}  // namespace tandem::api
