#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "base/encoding.h"
#include "integration/test_server.h"
#include "net/http_client.h"

namespace tandem::api {
namespace {

std::string login_body(const TestClient& client, const std::string& more = {}) {
  return "{\"grant_type\":\"client_credentials\",\"client_id\":\"" + to_string(client.id) +
         "\",\"client_secret\":\"" + client.secret + "\"" + more + "}";
}

std::string refresh_body(const std::string& token) {
  return "{\"refresh_token\":\"" + token + "\"}";
}

class ApiTokens : public testing::Test {
 protected:
  TestServer server_;
  const TestClient admin_ = server_.make_client("admin", "admin tasks workers");
  const TestClient alice_ = server_.make_client("alice", "tasks workers");
};

TEST_F(ApiTokens, jsonFormAndBasicGiveTheSame) {
  const Reply json = server_.post("/token", "", login_body(alice_));
  ASSERT_EQ(json.status, 200) << json.body;
  EXPECT_EQ(json.text("token_type"), "Bearer");
  EXPECT_EQ(json.text("scope"), "tasks workers");
  EXPECT_EQ(json.text("expires_in"), "900");
  EXPECT_EQ(json.headers.get("Cache-Control"), "no-store");
  EXPECT_EQ(server_.get("/api/v1/tasks", json.text("access_token")).status, 200);

  net::Headers form;
  form.set("Content-Type", "application/x-www-form-urlencoded");
  const Reply by_form = server_.request(
      "POST", "/token", "",
      "grant_type=client_credentials&scope=tasks&client_id=" + to_string(alice_.id) +
          "&client_secret=" + alice_.secret,
      form);
  ASSERT_EQ(by_form.status, 200) << by_form.body;
  EXPECT_EQ(by_form.text("scope"), "tasks");

  form.set("Authorization", "Basic " + to_base64(to_string(alice_.id) + ":" + alice_.secret));
  const Reply basic = server_.request("POST", "/token", "", "grant_type=client_credentials", form);
  EXPECT_EQ(basic.status, 200) << basic.body;
}

TEST_F(ApiTokens, refusals) {
  const Reply scope = server_.post("/token", "", login_body(alice_, ",\"scope\":\"admin\""));
  EXPECT_EQ(scope.status, 400);
  EXPECT_EQ(scope.code(), "invalid_scope");
  EXPECT_EQ(scope.text("error"), "invalid_scope");
  TestClient wrong = alice_;
  wrong.secret = admin_.secret;
  const Reply secret = server_.post("/token", "", login_body(wrong));
  EXPECT_EQ(secret.status, 401);
  EXPECT_EQ(secret.text("error"), "invalid_client");
  const Reply grant = server_.post("/token", "", "{\"grant_type\":\"password\"}");
  EXPECT_EQ(grant.text("error"), "unsupported_grant_type");
  EXPECT_EQ(server_.post("/token", "", "{}").status, 422);
  EXPECT_EQ(server_.post("/token", "", "{").status, 400);
}

TEST_F(ApiTokens, failedLoginsHaveToWait) {
  TestClient wrong = alice_;
  wrong.secret = "tds_wrong";
  Reply last;
  for (int i = 0; i < 8 && last.status != 429; ++i)
    last = server_.post("/token", "", login_body(wrong));
  EXPECT_EQ(last.status, 429);
  EXPECT_GE(std::stoi("0" + std::string(last.headers.get("Retry-After"))), 1);
  EXPECT_EQ(server_.post("/token", "", login_body(alice_)).status, 429);  // a right one too
  EXPECT_EQ(server_.post("/token", "", login_body(admin_)).status, 200);
}

TEST_F(ApiTokens, aRefreshRotatesAndARepeatGetsTheSame) {
  const std::string first = server_.post("/token", "", login_body(alice_)).text("refresh_token");
  const Reply one = server_.post("/token/refresh", "", refresh_body(first));
  ASSERT_EQ(one.status, 200) << one.body;
  EXPECT_NE(one.text("refresh_token"), first);
  const Reply two = server_.post("/token/refresh", "", refresh_body(first));
  ASSERT_EQ(two.status, 200) << two.body;
  EXPECT_EQ(two.text("refresh_token"), one.text("refresh_token"));
  EXPECT_EQ(server_.get("/api/v1/tasks", two.text("access_token")).status, 200);
}

TEST_F(ApiTokens, fiftyAtOnceGiveOneSuccessor) {
  const std::string first = server_.post("/token", "", login_body(alice_)).text("refresh_token");
  std::mutex mutex;
  std::set<std::string> successors;
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 10; ++t)
    threads.emplace_back([&] {
      net::HttpClient http;
      net::Headers headers;
      headers.set("Content-Type", "application/json");
      for (int i = 0; i < 5; ++i) {
        auto answer = http.post(server_.url() + "/token/refresh", refresh_body(first), headers);
        if (!answer || answer->status != 200) {
          ++failures;
          continue;
        }
        const std::lock_guard lock(mutex);
        successors.insert(Reply{*answer}.text("refresh_token"));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(successors.size(), 1u);
}

TEST_F(ApiTokens, revokedOnesAndNonsense) {
  const std::string token = server_.post("/token", "", login_body(alice_)).text("refresh_token");
  EXPECT_EQ(server_.post("/token/revoke", "", refresh_body(token)).status, 401);
  EXPECT_EQ(server_.post("/token/revoke", admin_.token, refresh_body(token)).status, 200);
  // It was not the admin's to revoke.
  EXPECT_EQ(server_.post("/token/refresh", "", refresh_body(token)).status, 200);
  EXPECT_EQ(server_.post("/token/revoke", alice_.token, refresh_body(token)).status, 200);
  const Reply revoked = server_.post("/token/refresh", "", refresh_body(token));
  EXPECT_EQ(revoked.status, 401);
  EXPECT_EQ(server_.post("/token/refresh", "", refresh_body("nonsense")).code(), "invalid_grant");
  EXPECT_EQ(server_.post("/token/refresh", "", refresh_body(alice_.token)).code(), "invalid_grant");
  EXPECT_EQ(server_.get("/api/v1/tasks", token).code(), "token_invalid");
}

TEST_F(ApiTokens, clientsAreMadeListedRotatedAndDeleted) {
  const Reply made =
      server_.post("/api/v1/clients", admin_.token, "{\"name\":\"carol\",\"scope\":\"tasks\"}");
  ASSERT_EQ(made.status, 201) << made.body;
  TestClient carol;
  carol.id = ClientId::parse(made.text("client_id")).value();
  carol.secret = made.text("client_secret");
  const Reply login = server_.post("/token", "", login_body(carol));
  ASSERT_EQ(login.status, 200) << login.body;
  const std::string token = login.text("access_token");
  EXPECT_EQ(server_.get("/api/v1/tasks", token).status, 200);
  EXPECT_EQ(server_.post("/api/v1/clients", admin_.token, "{\"name\":\"carol\"}").status, 409);
  const std::string odd_scope = "{\"name\":\"d\",\"scope\":\"x\"}";
  EXPECT_EQ(server_.post("/api/v1/clients", admin_.token, odd_scope).status, 422);

  const Reply page = server_.get("/api/v1/clients?limit=2", admin_.token);
  EXPECT_EQ(page.json().at("items").as_array().size(), 2u);
  const std::string next = "/api/v1/clients?cursor=" + page.text("next_cursor");
  const Reply rest = server_.get(next, admin_.token);
  EXPECT_EQ(rest.json().at("items").as_array().size(), 1u);
  EXPECT_TRUE(rest.json().at("next_cursor").is_null());
  EXPECT_EQ(page.body.find("secret"), std::string::npos);

  const std::string path = "/api/v1/clients/" + to_string(carol.id);
  const Reply rotated = server_.post(path + "/secret", admin_.token);
  ASSERT_EQ(rotated.status, 200) << rotated.body;
  EXPECT_EQ(server_.post("/token", "", login_body(carol)).status, 401);
  EXPECT_EQ(server_.post("/token/refresh", "", refresh_body(login.text("refresh_token"))).status,
            401);
  carol.secret = rotated.text("client_secret");
  EXPECT_EQ(server_.post("/token", "", login_body(carol)).status, 200);
  EXPECT_EQ(server_.request("DELETE", path, admin_.token).status, 204);
  EXPECT_EQ(server_.request("DELETE", path, admin_.token).status, 404);
  EXPECT_EQ(server_.get("/api/v1/tasks", token).status, 401);
  EXPECT_EQ(server_.post("/token", "", login_body(carol)).status, 401);
  const std::string self = "/api/v1/clients/" + to_string(admin_.id);
  EXPECT_EQ(server_.request("DELETE", self, admin_.token).status, 409);
}

}  // namespace
}  // namespace tandem::api
