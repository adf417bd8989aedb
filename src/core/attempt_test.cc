#include "core/attempt.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace tandem {
namespace {

using enum TaskStatus;

constexpr WallTime kNow{1'000'000};
constexpr WallTime kLater{2'000'000};

Uuid uuid(std::uint8_t last) {
  Uuid id;
  id.bytes[15] = last;
  return id;
}

Task pending_task(int max_attempts = 1) {
  TaskSpec spec;
  spec.job_type = "render";
  spec.max_attempts = max_attempts;
  return make_task(TaskId(uuid(1)), ClientId(uuid(2)), std::move(spec), kNow);
}

void start(Task& task) {
  if (task.status == scheduled) become_pending(task, kNow);
  assign(task, WorkerId(uuid(3)), "w3", kNow);
  accept(task, kNow);
}

Task running_task(int max_attempts = 1) {
  Task task = pending_task(max_attempts);
  start(task);
  return task;
}

TaskError error(std::string_view code) { return {std::string(code), "It went wrong."}; }

TEST(MakeTask, IsPendingAtOnce) {
  const Task task = pending_task();
  EXPECT_EQ(task.status, pending);
  EXPECT_EQ(task.task_id, TaskId(uuid(1)));
  EXPECT_EQ(task.client_id, ClientId(uuid(2)));
  EXPECT_EQ(task.spec.job_type, "render");
  EXPECT_EQ(task.created_at, kNow);
  EXPECT_EQ(task.updated_at, kNow);
  EXPECT_EQ(task.queued_at, kNow);
  EXPECT_EQ(task.attempt, 0u);
  EXPECT_EQ(task.run_at, std::nullopt);
}

TEST(MakeTask, WaitsForATimeAhead) {
  TaskSpec spec;
  spec.run_at = kNow + 1;
  const Task task = make_task(TaskId(uuid(1)), ClientId(uuid(2)), spec, kNow);
  EXPECT_EQ(task.status, scheduled);
  EXPECT_EQ(task.run_at, kNow + 1);
  EXPECT_EQ(task.queued_at, std::nullopt);
}

TEST(MakeTask, DoesNotWaitForATimeThatHasCome) {
  for (std::int64_t ahead : {0, -5}) {
    TaskSpec spec;
    spec.run_at = kNow + ahead;
    EXPECT_EQ(make_task(TaskId(uuid(1)), ClientId(uuid(2)), spec, kNow).status, pending);
  }
}

TEST(MakeTask, ADelayCountsFromNow) {
  TaskSpec spec;
  spec.delay_ms = 500;
  const Task task = make_task(TaskId(uuid(1)), ClientId(uuid(2)), spec, kNow);
  EXPECT_EQ(task.status, scheduled);
  EXPECT_EQ(task.run_at, kNow + 500);
  spec.delay_ms = 0;
  EXPECT_EQ(make_task(TaskId(uuid(1)), ClientId(uuid(2)), spec, kNow).status, pending);
}

TEST(Attempt, GoesThroughItsLife) {
  TaskSpec spec;
  spec.delay_ms = 500;
  Task task = make_task(TaskId(uuid(1)), ClientId(uuid(2)), spec, kNow);
  become_pending(task, kNow + 500);
  EXPECT_EQ(task.status, pending);
  EXPECT_EQ(task.queued_at, kNow + 500);
  assign(task, WorkerId(uuid(3)), "w3", kNow + 501);
  EXPECT_EQ(task.status, assigned);
  EXPECT_EQ(task.attempt, 1u);
  EXPECT_EQ(task.worker_id, WorkerId(uuid(3)));
  EXPECT_EQ(task.worker_name, "w3");
  EXPECT_EQ(task.assigned_at, kNow + 501);
  EXPECT_EQ(task.started_at, std::nullopt);
  accept(task, kNow + 502);
  EXPECT_EQ(task.status, running);
  EXPECT_EQ(task.started_at, kNow + 502);
  task.input_request = InputRequest{.request_id = "r1"};
  complete(task, kNow + 503);
  EXPECT_EQ(task.status, completed);
  EXPECT_EQ(task.finished_at, kNow + 503);
  EXPECT_EQ(task.updated_at, kNow + 503);
  EXPECT_EQ(task.started_at, kNow + 502);
  EXPECT_EQ(task.input_request, std::nullopt);
}

TEST(Complete, OfAnOfferThatWasNeverAcceptedStartsItToo) {
  Task task = pending_task();
  assign(task, WorkerId(uuid(3)), "w3", kNow);
  complete(task, kLater);
  EXPECT_EQ(task.status, completed);
  EXPECT_EQ(task.started_at, kLater);
}

TEST(Assign, BeginsWithoutTheTotalsOfTheAttemptBefore) {
  Task task = pending_task(2);
  start(task);
  task.log = {.records = 3, .bytes = 30};
  fail_attempt(task, error("exit_status"), kLater);
  EXPECT_EQ(task.log.records, 3u);
  become_pending(task, kLater);
  assign(task, WorkerId(uuid(3)), "w3", kLater);
  EXPECT_EQ(task.log, LogTotals{});
}

TEST(MayHaveStarted, FromTheFirstAcceptanceOn) {
  Task task = pending_task(2);
  EXPECT_FALSE(may_have_started(task));
  assign(task, WorkerId(uuid(3)), "w3", kNow);
  EXPECT_FALSE(may_have_started(task));
  accept(task, kNow);
  EXPECT_TRUE(may_have_started(task));
  fail_attempt(task, error("exit_status"), kLater);
  EXPECT_TRUE(may_have_started(task));  // scheduled
  become_pending(task, kLater);
  EXPECT_TRUE(may_have_started(task));
  assign(task, WorkerId(uuid(3)), "w3", kLater);
  EXPECT_TRUE(may_have_started(task));
}

TEST(Release, UsesNoAttemptButNeverANumberTwice) {
  Task task = pending_task(1);
  for (std::uint32_t number = 1; number <= 5; ++number) {
    start(task);
    EXPECT_EQ(task.attempt, number);
    task.input_request = InputRequest{.request_id = "r1"};
    release(task, kLater);
    EXPECT_EQ(task.status, pending);
    EXPECT_EQ(task.queued_at, kLater);
    EXPECT_EQ(task.started_at, std::nullopt);
    EXPECT_EQ(task.input_request, std::nullopt);
  }
  start(task);
  EXPECT_FALSE(attempts_left(task));
  fail_attempt(task, error("exit_status"), kLater);
  EXPECT_EQ(task.status, failed);
  EXPECT_EQ(task.attempt, 6u);
}

TEST(Release, WithACancelAskedForIsCancelled) {
  Task task = running_task(3);
  task.cancel_requested = true;
  release(task, kLater);
  EXPECT_EQ(task.status, cancelled);
  EXPECT_EQ(task.finished_at, kLater);
}

TEST(FailAttempt, IsFinalWithTheLastAttempt) {
  Task task = running_task(1);
  fail_attempt(task, error("exit_status"), kLater);
  EXPECT_EQ(task.status, failed);
  EXPECT_EQ(task.error, error("exit_status"));
  EXPECT_EQ(task.finished_at, kLater);
}

TEST(FailAttempt, IsRetriedAfterItsDelayUntilNoAttemptIsLeft) {
  Task task = pending_task(3);
  task.spec.retry_delay_ms = 700;
  for (std::uint32_t number = 1; number <= 2; ++number) {
    start(task);
    EXPECT_TRUE(attempts_left(task));
    fail_attempt(task, error("exit_status"), kLater);
    EXPECT_EQ(task.status, scheduled);
    EXPECT_EQ(task.run_at, kLater + 700);
    EXPECT_EQ(task.error, error("exit_status"));
    EXPECT_EQ(task.finished_at, std::nullopt);
  }
  start(task);
  EXPECT_FALSE(attempts_left(task));
  fail_attempt(task, error("exit_status"), kLater);
  EXPECT_EQ(task.status, failed);
  EXPECT_EQ(task.attempt, 3u);
}

TEST(FailAttempt, WithACancelAskedForIsCancelledAndSaysWhy) {
  Task task = running_task(3);
  task.cancel_requested = true;
  fail_attempt(task, error("signal"), kLater);
  EXPECT_EQ(task.status, cancelled);
  EXPECT_EQ(task.error, error("signal"));
}

TEST(FailAttempt, WhatNoAttemptCanMendIsFinal) {
  for (std::string_view code : {error_code::kNoHandler, error_code::kRejected}) {
    Task task = running_task(5);
    fail_attempt(task, error(code), kLater);
    EXPECT_EQ(task.status, failed) << code;
  }
  Task task = pending_task(5);
  fail_attempt(task, error(error_code::kQueueTimeout), kLater);
  EXPECT_EQ(task.status, failed);
}

TEST(FailAttempt, AWorkerThatIsLostTooOftenFailsItForGood) {
  Task task = pending_task(limits::kMaxAttempts);
  for (int loss = 1; loss < limits::kMaxWorkerLosses; ++loss) {
    start(task);
    fail_attempt(task, error(error_code::kWorkerLost), kLater);
    EXPECT_EQ(task.status, scheduled) << loss;
  }
  start(task);
  fail_attempt(task, error(error_code::kWorkerLost), kLater);
  EXPECT_EQ(task.status, failed);
  EXPECT_EQ(task.worker_losses, static_cast<std::uint32_t>(limits::kMaxWorkerLosses));
  EXPECT_NE(task.error->message.find("has lost 3 workers and is not tried again."),
            std::string::npos);
  EXPECT_EQ(task.error->code, error_code::kWorkerLost);
}

TEST(FailAttempt, OtherFailuresDoNotCountAsLosses) {
  Task task = pending_task(limits::kMaxAttempts);
  for (int i = 0; i < 20; ++i) {
    start(task);
    fail_attempt(task, error(error_code::kExitStatus), kLater);
    ASSERT_EQ(task.status, scheduled);
  }
  EXPECT_EQ(task.worker_losses, 0u);
}

TEST(Cancel, FromEveryStatusThatIsNotFinal) {
  for (TaskStatus status : {scheduled, pending, assigned, running, waiting_for_input}) {
    Task task = pending_task();
    task.status = status;
    cancel(task, kLater);
    EXPECT_EQ(task.status, cancelled);
    EXPECT_EQ(task.finished_at, kLater);
  }
}

TEST(Retry, GivesFreshAttemptsAndForgetsTheOutcome) {
  Task task = running_task(2);
  task.progress = {.percent = 40, .message = "half"};
  task.outputs = {FileInfo{.name = "a"}};
  task.exit_code = 3;
  task.signal = 9;
  task.result = "{}";
  task.cancel_requested = true;
  task.worker_losses = 2;
  fail_attempt(task, error("signal"), kNow);
  retry(task, kLater);
  EXPECT_EQ(task.status, pending);
  EXPECT_EQ(task.queued_at, kLater);
  EXPECT_EQ(task.finished_at, std::nullopt);
  EXPECT_EQ(task.started_at, std::nullopt);
  EXPECT_EQ(task.error, std::nullopt);
  EXPECT_EQ(task.exit_code, std::nullopt);
  EXPECT_EQ(task.signal, std::nullopt);
  EXPECT_EQ(task.progress, Progress{});
  EXPECT_TRUE(task.result.empty());
  EXPECT_TRUE(task.outputs.empty());
  EXPECT_FALSE(task.cancel_requested);
  EXPECT_EQ(task.worker_losses, 0u);
  start(task);
  EXPECT_EQ(task.attempt, 2u);
  EXPECT_TRUE(attempts_left(task));
  fail_attempt(task, error("signal"), kLater);
  start(task);
  EXPECT_EQ(task.attempt, 3u);
  EXPECT_FALSE(attempts_left(task));
}

TEST(Assign, ForgetsTheOutcomeOfTheAttemptBefore) {
  Task task = running_task(2);
  task.exit_code = 1;
  task.progress.percent = 90;
  fail_attempt(task, error("exit_status"), kNow);
  become_pending(task, kLater);
  assign(task, WorkerId(uuid(4)), "w4", kLater);
  EXPECT_EQ(task.error, std::nullopt);
  EXPECT_EQ(task.exit_code, std::nullopt);
  EXPECT_EQ(task.progress, Progress{});
  EXPECT_EQ(task.worker_name, "w4");
}

TEST(IsRetryable, EveryCodeOfTheProduct) {
  const std::pair<std::string_view, bool> rows[] = {
      {error_code::kExitStatus, true},   {error_code::kSignal, true},
      {error_code::kTimeout, true},      {error_code::kQueueTimeout, false},
      {error_code::kOutOfMemory, true},  {error_code::kWorkerLost, true},
      {error_code::kNoHandler, false},   {error_code::kRejected, false},
      {error_code::kUploadFailed, true}, {error_code::kInputTimeout, true},
      {"of_the_job_itself", true}};
  for (const auto& [code, retryable] : rows) EXPECT_EQ(is_retryable(code), retryable) << code;
}

TEST(AttemptDeathTest, IllegalStepsAbort) {
  Task task = pending_task();
  EXPECT_DEATH(complete(task, kNow), "assertion failed");
  EXPECT_DEATH(become_pending(task, kNow), "assertion failed");
  EXPECT_DEATH(retry(task, kNow), "assertion failed");
  task = running_task();
  EXPECT_DEATH(retry(task, kNow), "assertion failed");
  EXPECT_DEATH(assign(task, WorkerId(uuid(3)), "w3", kNow), "assertion failed");
  complete(task, kNow);
  EXPECT_DEATH(cancel(task, kNow), "assertion failed");
  EXPECT_DEATH(release(task, kNow), "assertion failed");
  EXPECT_DEATH(fail_attempt(task, error("signal"), kNow), "assertion failed");
}

}  // namespace
}  // namespace tandem
