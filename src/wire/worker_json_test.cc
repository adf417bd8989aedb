#include "wire/worker_json.h"

#include <gtest/gtest.h>

#include "wire/raw_json.h"
#include "wire/update_json.h"

namespace tandem::wire {
namespace {

constexpr std::string_view kTaskId = "01890a5d-ac96-774b-bcce-b302099a8057";

TEST(Registration, ComesBackAndIsStrict) {
  Registration registration;
  registration.name = "w";
  registration.mode = WorkerMode::polling;
  registration.labels = {{"gpu", ""}};
  registration.job_types = {"a", "b"};
  registration.slots = 4;
  const auto back = decode_registration(encode_registration(registration));
  ASSERT_TRUE(back) << back.error().error.detail;
  EXPECT_EQ(back->mode, WorkerMode::polling);
  EXPECT_EQ(back->labels, registration.labels);
  EXPECT_EQ(back->job_types, registration.job_types);
  for (const char* body : {R"({})", R"({"name":"w","mode":"x"})", R"({"name":"w","slots":0})",
                           R"({"name":"w","job_types":["../x"]})", R"({"name":"w","x":1})"})
    EXPECT_FALSE(decode_registration(body)) << body;
}

TEST(Claim, HasBounds) {
  EXPECT_EQ(decode_claim("")->max, 1);
  EXPECT_EQ(decode_claim(R"({"max":3,"wait_s":0.5})")->wait_ms, 500);
  for (const char* body : {R"({"wait_s":61})", R"({"max":-1})", R"({"wait":1})", R"({"known":[1]})",
                           R"({"known":[{"task_id":"x","attempt":1}]})"})
    EXPECT_FALSE(decode_claim(body)) << body;
}

TEST(Claim, SaysWhichOffersItKnows) {
  const Claim claim{.max = 2, .known = {{std::string(kTaskId), 1}, {std::string(kTaskId), 2}}};
  EXPECT_EQ(decode_claim(encode_claim(claim))->known, claim.known);
}

TEST(Job, ComesBack) {
  Task task;
  task.task_id = *TaskId::parse(kTaskId);
  task.attempt = 2;
  task.spec.payload = R"({"job_type":"x","n":1.0})";
  task.spec.job_type = "x";
  task.spec.env = {{"A", "b"}};
  task.spec.timeout_ms = 1500;
  task.inputs = {{"f", 3, std::string(64, '0'), ""}};
  std::string text;
  encode_job(task, WallTime{1'700'000'000'000}, text);
  const auto job = decode_job(text);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->task_id, kTaskId);
  EXPECT_EQ(job->payload, task.spec.payload);
  EXPECT_EQ(job->env, task.spec.env);
  EXPECT_EQ(job->timeout_ms, 1500);
  EXPECT_EQ(job->inputs, task.inputs);
  EXPECT_EQ(job->lease_expires_at, WallTime{1'700'000'000'000});
}

TEST(Jobs, TakeWhatAForeignServiceAnswers) {
  EXPECT_TRUE(decode_jobs("")->empty());
  EXPECT_TRUE(decode_jobs(R"({"job":null,"jobs":[]})")->empty());
  EXPECT_EQ(decode_jobs(R"({"task_id":"task-789","payload":{"job_type":"x"}})")->at(0).task_id,
            "task-789");
  EXPECT_EQ(decode_jobs(R"({"task_id":789,"payload":{"job_type":"x"}})")->at(0).task_id, "789");
  EXPECT_EQ(decode_jobs(R"({"job":{"task_id":"a","payload":{"job_type":"x"}}})")->size(), 1u);
  EXPECT_FALSE(decode_jobs(R"({"task_id":"a","payload":{"job_type":"../x"}})"));
  EXPECT_FALSE(decode_jobs("<html>"));
}

TEST(PollingConfig, ComesBackAndTakesTheSixSeedFieldsAlone) {
  PollingConfig config;
  config.polling_url = "https://a/p";
  config.lease_ms = 1500;
  config.push_url = "wss://a/ws";
  config.reconnect_ms = 2500;
  const auto back = decode_polling_config(encode_polling_config(config, {}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->lease_ms, 1500);
  EXPECT_EQ(back->push_url, "wss://a/ws");
  EXPECT_EQ(back->reconnect_ms, 2500);
  const auto seed = decode_polling_config(
      R"({"registration_url":"r","polling_url":"p","job_update_url":"u","status_schema_url":"s",
      "authentication":{"method":"api_key","header":"X-Key","prefix":""},
      "job_response_template":{}})");
  ASSERT_TRUE(seed);
  EXPECT_EQ(seed->auth_header, "X-Key");
  EXPECT_EQ(seed->auth_prefix, "");
  EXPECT_EQ(seed->claim_url, "");
  EXPECT_FALSE(decode_polling_config("{}"));
  const std::vector<std::string> jobs = {"{\"a\":1}", "{\"a\":2}"};
  const std::string text = encode_polling_config(config, jobs);
  ASSERT_TRUE(check_json(text)) << text;
  EXPECT_EQ(raw_member(text, "job"), "{\"a\":1}");
}

TEST(Update, ComesBack) {
  Update update;
  update.task_id = kTaskId;
  update.attempt = 3;
  update.status = UpdateStatus::failed;
  update.progress = Progress{50.0, "m"};
  update.result = R"({"x":1.0})";
  update.error = TaskError{"exit_status", "why"};
  update.exit_code = 3;
  update.input_request = InputRequest{"r", "p", true, {}};
  std::string text;
  encode_update(update, text);
  const auto back = decode_updates(text);
  ASSERT_TRUE(back) << back.error().error.detail;
  EXPECT_FALSE(back->is_batch);
  const Update& one = back->updates.at(0);
  EXPECT_EQ(one.status, UpdateStatus::failed);
  EXPECT_EQ(one.progress, update.progress);
  EXPECT_EQ(one.result, update.result);
  EXPECT_EQ(one.error, update.error);
  EXPECT_EQ(one.exit_code, 3);
  EXPECT_EQ(one.input_request->prompt, "p");
}

TEST(Update, RefusesWhatIsWrongAndNamesTheEntry) {
  const std::string good = R"({"task_id":")" + std::string(kTaskId) + R"(","attempt":1,"status":)";
  for (const std::string& body : std::vector<std::string>{
           good + "\"pending\"}", good + "\"running\",\"x\":1}",
           good + "\"running\",\"exit_code\":256}",
           good + "\"running\",\"progress\":{\"percent\":101}}", R"({"status":"running"})",
           R"({"task_id":"x","attempt":1,"status":"running"})",
           R"({"task_id":")" + std::string(kTaskId) + R"(","attempt":0,"status":"running"})",
           R"({"updates":[]})"})
    EXPECT_FALSE(decode_updates(body)) << body;
  const auto batch = decode_updates("{\"updates\":[" + good + "\"running\"}," + good + "\"x\"}]}");
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().fields.at(0).field, "updates[1].status");
}

TEST(UpdateAnswers, ComeBack) {
  UpdateAnswer one;
  one.task_id = kTaskId;
  one.status = "running";
  one.cancel_requested = true;
  one.lease_expires_at = WallTime{1'700'000'000'000};
  one.input = {{1, "x", false}, {2, "", true}};
  UpdateAnswer two;
  two.task_id = kTaskId;
  two.error = fail(Errc::stale_attempt, "old");
  const auto back = decode_update_answers(encode_update_answers(std::vector{one, two}));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 2u);
  EXPECT_TRUE(back->at(0).cancel_requested);
  EXPECT_TRUE(back->at(0).input.at(1).eof);
  EXPECT_EQ(back->at(1).error->code, Errc::stale_attempt);
}

}  // namespace
}  // namespace tandem::wire
