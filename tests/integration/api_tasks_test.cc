#include <gtest/gtest.h>

#include <thread>

#include "integration/test_server.h"

namespace tandem::api {
namespace {

constexpr std::string_view kEcho = "{\"payload\":{\"job_type\":\"echo\"}}";

class ApiTasks : public testing::Test {
 protected:
  Reply submit_with_key(const std::string& key, std::string body) {
    net::Headers headers;
    headers.set("Idempotency-Key", key);
    return server_.request("POST", "/api/v1/tasks", alice_.token, std::move(body), headers);
  }
  std::string path(const std::string& id, const std::string& more = {}) {
    return "/api/v1/tasks/" + id + more;
  }

  TestServer server_;
  const TestClient admin_ = server_.make_client("admin", "admin tasks workers");
  const TestClient alice_ = server_.make_client("alice", "tasks");
};

TEST_F(ApiTasks, aTaskIsMadeAndRead) {
  const Reply made = server_.post("/api/v1/tasks", alice_.token, std::string(kEcho));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.headers.get("Location"), path(made.text("task_id")));
  EXPECT_EQ(made.text("status"), "pending");
  EXPECT_EQ(made.text("job_type"), "echo");
  EXPECT_EQ(made.text("client_id"), to_string(alice_.id));
  const Reply read = server_.get(path(made.text("task_id")), alice_.token);
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, made.body);
}

TEST_F(ApiTasks, wrongBodies) {
  EXPECT_EQ(server_.post("/api/v1/tasks", alice_.token, "{").code(), "bad_json");
  EXPECT_EQ(server_.post("/api/v1/tasks", alice_.token, " ").status, 400);
  const Reply unknown = server_.post("/api/v1/tasks", alice_.token,
                                     "{\"payload\":{\"job_type\":\"a\"},\"status\":\"completed\"}");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_EQ(unknown.json().at("errors").at(0).at("field").as_string(), "status");
  const Reply batch = server_.post("/api/v1/tasks/batch", alice_.token,
                                   "{\"tasks\":[" + std::string(kEcho) +
                                       ",{\"payload\":{\"job_type\":\"a\"},\"priority\":101}]}");
  EXPECT_EQ(batch.status, 422);
  EXPECT_EQ(batch.json().at("errors").at(0).at("field").as_string(), "tasks[1].priority");
  EXPECT_EQ(server_.get("/api/v1/tasks", alice_.token).json().at("items").as_array().size(), 0u);
}

TEST_F(ApiTasks, idempotencyKeys) {
  const Reply one = submit_with_key("k1", std::string(kEcho));
  const Reply two = submit_with_key("k1", std::string(kEcho));
  EXPECT_EQ(one.status, 201);
  EXPECT_EQ(two.status, 200);
  EXPECT_EQ(two.text("task_id"), one.text("task_id"));
  EXPECT_EQ(two.headers.get("Idempotent-Replayed"), "true");
  const Reply other = submit_with_key("k1", "{\"payload\":{\"job_type\":\"x\"}}");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.code(), "idempotency_key_reused");
  EXPECT_EQ(submit_with_key(std::string(256, 'k'), std::string(kEcho)).status, 422);
  const std::string forced = path(one.text("task_id"), "?force=true");
  EXPECT_EQ(server_.request("DELETE", forced, alice_.token).status, 204);
  EXPECT_EQ(submit_with_key("k1", std::string(kEcho)).code(), "conflict");
}

TEST_F(ApiTasks, batches) {
  const std::string body = "{\"tasks\":[" + std::string(kEcho) + "," + std::string(kEcho) + "]}";
  net::Headers headers;
  headers.set("Idempotency-Key", "b1");
  const Reply made = server_.request("POST", "/api/v1/tasks/batch", alice_.token, body, headers);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json().at("tasks").as_array().size(), 2u);
  const Reply again = server_.request("POST", "/api/v1/tasks/batch", alice_.token, body, headers);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, made.body);
}

TEST_F(ApiTasks, listsPagesAndFilters) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(
        server_.submit(alice_.token, i % 2 ? ",\"queue\":\"odd\",\"labels\":{\"n\":\"1\"}" : ""));
  std::vector<std::string> seen;
  std::string query = "/api/v1/tasks?limit=2";
  for (int pages = 0; pages < 3; ++pages) {
    const Reply page = server_.get(query, alice_.token);
    const boost::json::object answer = page.json();
    for (const auto& item : answer.at("items").as_array())
      seen.emplace_back(item.at("task_id").as_string());
    query = "/api/v1/tasks?limit=2&cursor=" + page.text("next_cursor");
    EXPECT_EQ(page.json().at("next_cursor").is_null(), pages == 2);
  }
  EXPECT_EQ(seen, std::vector<std::string>(ids.rbegin(), ids.rend()));
  const auto count = [&](const std::string& filter) {
    const Reply reply = server_.get("/api/v1/tasks?" + filter, alice_.token);
    return reply.status == 200 ? int(reply.json().at("items").as_array().size()) : -reply.status;
  };
  EXPECT_EQ(count("queue=odd"), 2);
  EXPECT_EQ(count("label=n:1"), 2);
  EXPECT_EQ(count("status=pending&status=running"), 5);
  EXPECT_EQ(count("status=completed"), 0);
  EXPECT_EQ(count("search=" + ids[0]), 1);
  EXPECT_EQ(count("created_after=2999-01-01T00:00:00Z"), 0);
  for (const char* wrong :
       {"limit=0", "limit=501", "limit=x", "cursor=abc", "status=done", "label=n", "nonsense=1",
        "worker_id=1", "created_after=now", "limit=1&limit=2"})
    EXPECT_EQ(count(wrong), -422) << wrong;
}

TEST_F(ApiTasks, eachFilterFindsItsOwn) {
  const auto made_at = [&](const std::string& id) {
    return server_.get(path(id), alice_.token).text("created_at");
  };
  server_.open_worker(1);
  const std::string taken = server_.submit(alice_.token);
  const Task task = server_.await_assignment();
  server_.shift_wall_clock(60'000);
  const Reply other = server_.post(
      "/api/v1/tasks", alice_.token,
      R"({"payload":{"job_type":"blur"},"labels":{"team":"vision","n":"1"},"delay_s":3600})");
  server_.shift_wall_clock(60'000);
  const std::string last = server_.submit(alice_.token, R"(,"labels":{"n":"1"},"queue":"night")");
  server_.submit(admin_.token);  // not alice's
  const auto found = [&](const std::string& filter) {
    const Reply reply = server_.get("/api/v1/tasks?" + filter, alice_.token);
    EXPECT_EQ(reply.status, 200) << filter << reply.body;
    std::vector<std::string> ids;
    const auto list = reply.json();
    for (const auto& item : list.at("items").as_array())
      ids.emplace_back(item.at("task_id").as_string());
    return ids;
  };
  using Ids = std::vector<std::string>;
  const std::string blur = other.text("task_id");
  EXPECT_EQ(found(""), (Ids{last, blur, taken}));
  EXPECT_EQ(found("job_type=blur"), Ids{blur});
  EXPECT_EQ(found("job_type=blu"), Ids{});
  EXPECT_EQ(found("worker_id=" + to_string(task.worker_id)), Ids{taken});
  EXPECT_EQ(found("worker_id=01890000-0000-7000-8000-000000000000"), Ids{});
  EXPECT_EQ(found("created_before=" + made_at(blur)), Ids{taken});
  EXPECT_EQ(found("created_after=" + made_at(blur)), Ids{last});
  EXPECT_EQ(found("created_after=" + made_at(taken) + "&created_before=" + made_at(last)),
            Ids{blur});
  EXPECT_EQ(found("search=blu"), Ids{blur});
  EXPECT_EQ(found("search=" + taken), Ids{taken});
  EXPECT_EQ(found("search=nothing"), Ids{});
  EXPECT_EQ(found("label=n:1"), (Ids{last, blur}));
  EXPECT_EQ(found("label=n:1&label=team:vision"), Ids{blur});
  EXPECT_EQ(found("label=n:2"), Ids{});
  EXPECT_EQ(found("status=scheduled&status=pending"), (Ids{last, blur}));
  EXPECT_EQ(found("status=scheduled&queue=night"), Ids{});
}

TEST_F(ApiTasks, stats) {
  server_.submit(alice_.token);
  server_.submit(admin_.token);
  const auto pending = [&](const TestClient& who) {
    const Reply reply = server_.get("/api/v1/tasks/stats", who.token);
    return reply.json().at("statuses").at("pending").as_int64();
  };
  EXPECT_EQ(pending(alice_), 1);
  EXPECT_EQ(pending(admin_), 2);
}

TEST_F(ApiTasks, statsTellOfQueuesAgesAndRates) {
  const auto stats = [&](const TestClient& who = TestClient()) {
    return server_.get("/api/v1/tasks/stats", who.token.empty() ? alice_.token : who.token).json();
  };
  EXPECT_TRUE(stats().at("oldest_pending_age_s").is_null());
  EXPECT_TRUE(stats().at("queues").as_object().empty());
  const std::string first = server_.submit(alice_.token, R"(,"queue":"night")");
  server_.shift_wall_clock(30'000);
  server_.submit(alice_.token);
  server_.submit(admin_.token);
  const double age_s = stats().at("oldest_pending_age_s").to_number<double>();
  EXPECT_TRUE(age_s >= 30 && age_s < 60) << age_s;
  EXPECT_EQ(stats().at("queues").at("night").at("pending").as_int64(), 1);
  EXPECT_EQ(stats().at("queues").at("default").at("pending").as_int64(), 1);
  EXPECT_EQ(stats(admin_).at("queues").at("default").at("pending").as_int64(), 2);
  EXPECT_EQ(stats().at("created_last_minute").as_int64(), 2);
  EXPECT_EQ(stats().at("finished_last_minute").as_int64(), 0);
  EXPECT_EQ(server_.post(path(first, "/cancel"), alice_.token).status, 200);
  EXPECT_EQ(stats().at("finished_last_minute").as_int64(), 1);
  EXPECT_EQ(stats().at("queues").at("night").at("cancelled").as_int64(), 1);
  EXPECT_LT(stats().at("oldest_pending_age_s").to_number<double>(), 30);
  server_.shift_wall_clock(31'000);
  EXPECT_EQ(stats().at("created_last_minute").as_int64(), 1);
  server_.shift_wall_clock(60'000);
  EXPECT_EQ(stats().at("finished_last_minute").as_int64(), 0);
}

TEST_F(ApiTasks, cancelBeforeAndWhileItRuns) {
  const std::string queued = server_.submit(alice_.token);
  EXPECT_EQ(server_.post(path(queued, "/cancel"), alice_.token).status, 200);
  const Reply again = server_.post(path(queued, "/cancel"), alice_.token);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "already_finished");

  server_.open_worker(1);
  const std::string running = server_.submit(alice_.token);
  const Task task = server_.await_assignment();
  const Reply stopping = server_.post(path(running, "/cancel"), alice_.token, "{}");
  EXPECT_EQ(stopping.status, 202);
  EXPECT_EQ(stopping.text("cancel_requested"), "true");
  EXPECT_TRUE(std::holds_alternative<queue::CancelOrder>(server_.await_order()));
  server_.update(task, queue::UpdateKind::cancelled).value();
  EXPECT_EQ(server_.get(path(running), alice_.token).text("status"), "cancelled");
}

TEST_F(ApiTasks, waitHoldsUntilTheEnd) {
  server_.open_worker(1);
  const std::string id = server_.submit(alice_.token);
  const Task task = server_.await_assignment();
  EXPECT_EQ(server_.get(path(id, "?wait_s=0.05"), alice_.token).text("status"), "running");
  std::thread finisher([&] { server_.update(task, queue::UpdateKind::completed).value(); });
  const Reply done = server_.get(path(id, "?wait_s=60"), alice_.token);
  finisher.join();
  EXPECT_EQ(done.text("status"), "completed");
  EXPECT_EQ(server_.get(path(id, "?wait_s=61"), alice_.token).status, 422);
}

TEST_F(ApiTasks, retryOnlyWhatHasFinished) {
  const std::string id = server_.submit(alice_.token);
  EXPECT_EQ(server_.post(path(id, "/retry"), alice_.token).code(), "task_active");
  server_.post(path(id, "/cancel"), alice_.token);
  const Reply retried = server_.post(path(id, "/retry"), alice_.token);
  EXPECT_EQ(retried.status, 202);
  EXPECT_EQ(retried.text("status"), "pending");
}

TEST_F(ApiTasks, inputReachesTheJobThatAsks) {
  server_.open_worker(1);
  const std::string id = server_.submit(alice_.token);
  const Task task = server_.await_assignment();
  const Reply early = server_.post(path(id, "/input"), alice_.token, "{\"data\":\"x\"}");
  EXPECT_EQ(early.code(), "not_waiting");
  server_
      .update(task, queue::UpdateKind::waiting_for_input,
              [](queue::Update& update) {
                update.input_request = InputRequest{
                    .request_id = "q1", .prompt = "Name?", .password = false, .asked_at = {}};
              })
      .value();
  const std::string wrong = "{\"data\":\"x\",\"request_id\":\"q2\"}";
  EXPECT_EQ(server_.post(path(id, "/input"), alice_.token, wrong).status, 409);
  const std::string right = "{\"data\":\"Ada\",\"request_id\":\"q1\"}";
  EXPECT_EQ(server_.post(path(id, "/input"), alice_.token, right).status, 202);
  EXPECT_EQ(std::get<store::InputPiece>(server_.await_order()).data, "Ada");
  EXPECT_EQ(server_.post(path(id, "/input"), alice_.token, "{\"datum\":1}").status, 422);
}

TEST_F(ApiTasks, deleteLeavesNothing) {
  server_.open_worker(2);
  const std::string id = server_.submit(alice_.token);
  const Task task = server_.await_assignment();
  server_.log(task, 1, {"hello\n"});
  EXPECT_EQ(server_.request("DELETE", path(id), alice_.token).code(), "task_active");
  std::thread stopper([&] {
    server_.await_order();  // cancel
    server_.update(task, queue::UpdateKind::cancelled).value();
  });
  EXPECT_EQ(server_.request("DELETE", path(id, "?force=true"), alice_.token).status, 204);
  stopper.join();
  EXPECT_EQ(server_.get(path(id), alice_.token).status, 404);
  EXPECT_EQ(server_.log_records(task.task_id), 0u);
  EXPECT_EQ(server_.request("DELETE", path(id), alice_.token).status, 404);
}

TEST_F(ApiTasks, healthAndMetrics) {
  const Reply health = server_.get("/health", "");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.text("status"), "ok");
  EXPECT_EQ(health.text("version"), "1.2.3");
  EXPECT_EQ(health.text("store"), "ready");
  server_.submit(alice_.token);
  const Reply metrics = server_.get("/metrics", admin_.token);
  EXPECT_EQ(metrics.status, 200);
  EXPECT_NE(metrics.body.find("tandem_tasks{queue=\"default\",status=\"pending\"} 1"),
            std::string::npos)
      << metrics.body;
  EXPECT_NE(metrics.body.find("tandem_tasks_submitted_total 1"), std::string::npos);
  EXPECT_NE(metrics.body.find("route=\"/api/v1/tasks\",status=\"201\""), std::string::npos);
}

}  // namespace
}  // namespace tandem::api
