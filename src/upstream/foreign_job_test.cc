#include "upstream/foreign_job.h"

#include <gtest/gtest.h>

namespace tandem::upstream {
namespace {

const Origin kOrigin{"jobs.example.org/discover", "night"};

wire::Job job_of(const std::string& task_id) {
  wire::Job job;
  job.task_id = task_id;
  job.payload = R"({"job_type":"greet"})";
  job.job_type = "greet";
  return job;
}

TEST(ForeignJob, IsKnownAgainByItsTask) {
  for (const ForeignJob& job : {ForeignJob{"order 7/ä:1", 0}, ForeignJob{"a", 4'000'000'000}}) {
    const auto back = job_of_report_url(report_url(job));
    ASSERT_TRUE(back) << job.task_id;
    EXPECT_EQ(*back, job);
  }
  for (const char* other : {"https://example.org/1:a", "upstream:", "upstream:1",
                            "upstream:1:", "upstream:-1:a", "upstream::a", "upstream:5000000000:a"})
    EXPECT_FALSE(job_of_report_url(other)) << other;
}

TEST(ForeignJob, ServiceIsNamedWithoutWhatMayBeSecret) {
  EXPECT_EQ(service_name("https://u:p@jobs.example.org/discover?key=k#x"),
            "jobs.example.org/discover");
  EXPECT_EQ(service_name("http://127.0.0.1:80/a@b"), "127.0.0.1:80/a@b");
  EXPECT_EQ(service_name("http://h/" + std::string(999, 'x')).size(), 256u);
}

TEST(ForeignJob, BecomesATaskOfItsService) {
  wire::Job job = job_of("18");
  job.timeout_ms = 5000;
  const auto spec = spec_of(job, kOrigin);
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->payload, job.payload);
  EXPECT_EQ(spec->queue, "night");
  EXPECT_EQ(spec->timeout_ms, 5000);
  EXPECT_EQ(spec->labels.at(kServiceLabel), kOrigin.service);
  EXPECT_EQ(spec->labels.at(kJobLabel), "18");
  EXPECT_EQ(job_of_report_url(spec->callback_url), (ForeignJob{"18", 0}));
}

TEST(ForeignJob, IsHeldToTheBoundsOfATask) {
  wire::Job large = job_of("1"), greedy = job_of("2"), fed = job_of("3");
  large.payload = R"({"job_type":"greet","x":")" + std::string(2 << 20, 'x') + "\"}";
  greedy.env = {{"LD_PRELOAD", "/tmp/x.so"}};
  fed.inputs = {{.name = "a.txt"}};
  EXPECT_NE(spec_of(large, kOrigin).error().detail.find("payload"), std::string::npos);
  EXPECT_NE(spec_of(greedy, kOrigin).error().detail.find("env.LD_PRELOAD"), std::string::npos);
  EXPECT_NE(spec_of(fed, kOrigin).error().detail.find("input files"), std::string::npos);
}

TEST(ForeignJob, KeyIsItsOwn) {
  const std::string key = idempotency_key_of({"a", 0}, "s");
  EXPECT_EQ(key, idempotency_key_of({"a", 0}, "s"));
  EXPECT_NE(key, idempotency_key_of({"b", 0}, "s"));
  EXPECT_NE(key, idempotency_key_of({"a", 1}, "s"));
  EXPECT_NE(key, idempotency_key_of({"a", 0}, "t"));
}

TEST(ForeignJob, UpdateSaysHowItsTaskIs) {
  Task task;
  task.status = TaskStatus::failed;
  task.error = TaskError{"exit_status", "3"};
  task.exit_code = 3;
  const wire::Update update = update_of(task, {"18", 2});
  EXPECT_EQ(update.task_id, "18");
  EXPECT_EQ(update.attempt, 2u);
  EXPECT_EQ(update.status, wire::UpdateStatus::failed);
  EXPECT_EQ(update.error->code, "exit_status");
  EXPECT_EQ(update.exit_code, 3);
  EXPECT_FALSE(update.progress);
  task.status = TaskStatus::pending;
  EXPECT_EQ(update_of(task, {"18", 2}).status, wire::UpdateStatus::running);
}

}  // namespace
}  // namespace tandem::upstream
