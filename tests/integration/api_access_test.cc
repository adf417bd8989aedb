#include <gtest/gtest.h>

#include <map>

#include "api/routes.h"
#include "integration/test_server.h"

namespace tandem::api {
namespace {

// A path of the route, with `id` in it.
std::string path_of(const Route& route, const std::string& id) {
  std::string path = "/" + std::string(route.pattern);
  if (const std::size_t place = path.find("{id}"); place != std::string::npos)
    path.replace(place, 4, id);
  if (const std::size_t place = path.find("{name}"); place != std::string::npos)
    path.replace(place, 6, "a%20name");
  return path;
}

std::string without_last(std::string text) {
  text.back() = text.back() == 'A' ? 'B' : 'A';
  return text;
}

class ApiAccess : public testing::Test {
 protected:
  TestServer server_;
  const TestClient admin_ = server_.make_client("admin", "admin tasks workers");
  const TestClient alice_ = server_.make_client("alice", "tasks");
  const TestClient bob_ = server_.make_client("bob", "tasks");
  const TestClient wally_ = server_.make_client("wally", "workers");
};

TEST_F(ApiAccess, everyRouteButTheOpenOnesWantsAGoodToken) {
  const std::string task = server_.submit(alice_.token);
  const std::string expired = server_.token_for(alice_.id, "admin tasks", -3600);
  const std::string forged = without_last(alice_.token.substr(0, alice_.token.size() - 1));
  for (const Route& route : route_table()) {
    if (route.access == Access::open) continue;
    const std::string path = path_of(route, task);
    const std::string method(route.method);
    SCOPED_TRACE(method + " " + path);
    const Reply none = server_.request(method, path, "");
    EXPECT_EQ(none.status, 401);
    EXPECT_EQ(none.code(), "unauthenticated");
    EXPECT_EQ(none.headers.get("Content-Type"), "application/problem+json");
    EXPECT_TRUE(none.headers.get("WWW-Authenticate").starts_with("Bearer"));
    EXPECT_EQ(server_.request(method, path, "nonsense").code(), "token_invalid");
    EXPECT_EQ(server_.request(method, path, forged).code(), "token_invalid");
    EXPECT_EQ(server_.request(method, path, expired).code(), "token_expired");
    const Reply in_url = server_.request(method, path + "?access_token=" + admin_.token, "");
    EXPECT_EQ(in_url.status, 401);
    EXPECT_EQ(in_url.code(), "token_in_url");
  }
}

// Every kind of route with every kind of credential that is good, but not for it.
TEST_F(ApiAccess, scopes) {
  const std::string task = server_.submit(alice_.token);
  const std::string worker =
      server_.post("/api/v1/polling/register", wally_.token, R"({"name":"w"})")
          .text("worker_token");
  const std::map<Access, std::vector<std::string>> refused = {
      {Access::any, {worker}},
      {Access::tasks, {wally_.token, worker}},
      {Access::workers, {alice_.token, worker}},
      {Access::admin, {alice_.token, wally_.token, worker}},
      {Access::worker, {alice_.token, wally_.token, admin_.token}},
  };
  for (const Route& route : route_table()) {
    const std::string path = path_of(route, task);
    SCOPED_TRACE(std::string(route.method) + " " + path);
    const auto tokens = refused.find(route.access);
    if (tokens == refused.end()) continue;
    for (const std::string& token : tokens->second) {
      const Reply reply = server_.request(std::string(route.method), path, token);
      EXPECT_EQ(reply.status, 403);
      EXPECT_EQ(reply.code(), "forbidden");
    }
  }
}

TEST_F(ApiAccess, whatIsOfWorkersAndClientsTakesBoth) {
  const std::string worker =
      server_.post("/api/v1/workers/register", admin_.token, R"({"name":"w"})")
          .text("worker_token");
  for (const char* path : {"/api/v1/polling/config", "/api/v1/workers/config/statuses"})
    for (const std::string& token : {worker, alice_.token, wally_.token, admin_.token})
      EXPECT_EQ(server_.get(path, token).status, 200) << path;
}

TEST_F(ApiAccess, aTaskOfAnotherIsLikeOneThatIsNotThere) {
  const std::string task = server_.submit(alice_.token);
  const std::string nowhere = "01890000-0000-7000-8000-000000000000";
  for (const Route& route : route_table()) {
    if (route.access != Access::tasks || route.pattern.find("{id}") == std::string_view::npos ||
        route.kind == RouteKind::websocket)
      continue;
    const std::string method(route.method);
    const std::string body = route.body == BodyKind::json ? "{\"data\":\"x\"}" : "";
    SCOPED_TRACE(method + " " + std::string(route.pattern));
    const Reply others = server_.request(method, path_of(route, task), bob_.token, body);
    const Reply absent = server_.request(method, path_of(route, nowhere), bob_.token, body);
    EXPECT_EQ(others.status, 404);
    EXPECT_EQ(others.code(), "not_found");
    EXPECT_EQ(absent.status, 404);
    EXPECT_EQ(absent.text("detail"), others.text("detail"));
  }
  EXPECT_EQ(server_.get("/api/v1/tasks/" + task, alice_.token).status, 200);
  EXPECT_EQ(server_.get("/api/v1/tasks/" + task, admin_.token).status, 200);
}

TEST_F(ApiAccess, onlyTheExactPathsAreOpen) {
  EXPECT_EQ(server_.get("/health", "").status, 200);
  for (const char* path : {"/x/health", "/health/", "//health", "/api/v1/tasks/health", "/token/",
                           "/Health", "/health%2F", "/", "/api/v1/polling"}) {
    EXPECT_EQ(server_.get(path, "").status, 401) << path;
    EXPECT_EQ(server_.get(path, alice_.token).status, 404) << path;
  }
}

TEST_F(ApiAccess, wrongMethodsAndIds) {
  const Reply put = server_.request("PUT", "/api/v1/tasks", alice_.token, "{}");
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(put.headers.get("Allow"), "POST, GET, HEAD");
  EXPECT_EQ(server_.request("DELETE", "/health", "").status, 405);
  EXPECT_EQ(server_.get("/api/v1/tasks/not-an-id", alice_.token).status, 404);
  EXPECT_EQ(server_.get("/api/v1/tasks/01890000-0000-7000-8000-00000000000A", alice_.token).status,
            404);
  const Reply socket = server_.get("/ws/01890000-0000-7000-8000-000000000000", alice_.token);
  EXPECT_EQ(socket.status, 426);
}

TEST_F(ApiAccess, mediaTypes) {
  net::Headers xml;
  xml.set("Content-Type", "application/xml");
  EXPECT_EQ(server_.request("POST", "/api/v1/tasks", alice_.token, "<a/>", xml).status, 415);
  net::Headers zipped;
  zipped.set("Content-Type", "application/json");
  zipped.set("Content-Encoding", "gzip");
  EXPECT_EQ(server_.request("POST", "/api/v1/tasks", alice_.token, "{}", zipped).status, 415);
  EXPECT_EQ(server_.post("/api/v1/tasks", alice_.token, std::string(2'000'000, ' ')).status, 413);
}

TEST_F(ApiAccess, aDeletedClientsTokenIsWorthless) {
  EXPECT_EQ(server_.get("/api/v1/tasks", bob_.token).status, 200);
  EXPECT_EQ(server_.request("DELETE", "/api/v1/clients/" + to_string(bob_.id), admin_.token).status,
            204);
  const Reply refused = server_.get("/api/v1/tasks", bob_.token);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.code(), "token_revoked");
}

TEST(AccessModes, pollingModeTakesNoSubmissions) {
  TestServer server([](config::Settings& settings) {
    settings.assignment_mode = config::AssignmentMode::polling;
  });
  const TestClient client = server.make_client("a", "tasks");
  const Reply one = server.post("/api/v1/tasks", client.token, "{}");
  EXPECT_EQ(one.status, 403);
  EXPECT_EQ(one.code(), "mode_disabled");
  EXPECT_EQ(server.post("/api/v1/tasks/batch", client.token, "{}").code(), "mode_disabled");
  EXPECT_EQ(server.get("/api/v1/tasks", client.token).status, 200);
}

}  // namespace
}  // namespace tandem::api
