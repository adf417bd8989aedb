#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <map>
#include <stdexcept>
#include <thread>

#include "tests/worker/worker_fixture.h"

namespace tandem::worker {
namespace {

using testing::HasSubstr;

class EmbeddedWorkerTest : public WorkerTest {
 protected:
  // Breaks a commit of the store, from the thread that may touch it.
  void break_commit(std::uint64_t n, store::CommitFault when) {
    queue::Transact command;
    command.run = [this, n, when](store::Store&) -> Result<void> {
      store.fail_commit(n, when);
      return {};
    };
    thread->post({&outbox, std::move(command)});
  }

  std::vector<TaskId> submit_many(int count, const std::string& job_type) {
    queue::Submit command;
    command.client_id = client;
    std::vector<TaskId> made;
    for (int i = 0; i < count; ++i) {
      made.push_back(ids.make<TaskId>());
      command.tasks.push_back({made.back(), spec(job_type), {}});
    }
    EXPECT_TRUE(ask<queue::Submitted>(std::move(command)));
    return made;
  }
};

TEST_F(EmbeddedWorkerTest, QuickFunctionsRunOnceEach) {
  std::map<std::string, int> runs;  // the loop's, until it stands still
  start([&](HandlerRegistry& handlers) {
    handlers.add("noop", QuickFunction([&](const Task& task) {
                   ++runs[to_string(task.task_id)];
                   return FunctionAnswer{.result = "{\"ok\":true}"};
                 }));
  });
  const auto tasks = submit_many(1000, "noop");
  for (TaskId id : tasks) EXPECT_EQ(finished(id).status, TaskStatus::completed);
  EXPECT_EQ(finished(tasks[0]).result, "{\"ok\":true}");
  on_loop([&] {
    EXPECT_EQ(runs.size(), tasks.size());
    for (const auto& [id, count] : runs) EXPECT_EQ(count, 1) << id;
  });
}

TEST_F(EmbeddedWorkerTest, NothingIsLostOrRunTwiceWhenCommitsFail) {
  std::map<std::string, int> runs;
  start([&](HandlerRegistry& handlers) {
    handlers.add("noop", QuickFunction([&](const Task& task) {
                   ++runs[to_string(task.task_id) + "-" + std::to_string(task.attempt)];
                   return FunctionAnswer{};
                 }));
  });
  const auto tasks = submit_many(300, "noop");
  for (int i = 0; i < 20; ++i)
    break_commit(1 + i % 3, i % 2 == 0 ? store::CommitFault::before : store::CommitFault::after);
  for (TaskId id : tasks) EXPECT_EQ(finished_in_store(id).status, TaskStatus::completed);
  on_loop([&] {
    EXPECT_EQ(runs.size(), tasks.size());
    for (const auto& [key, count] : runs) EXPECT_EQ(count, 1) << key;
  });
}

TEST_F(EmbeddedWorkerTest, FunctionThatThrowsFails) {
  start([](HandlerRegistry& handlers) {
    handlers.add("quick", QuickFunction([](const Task&) -> FunctionAnswer {
                   throw std::runtime_error("out of paper");
                 }));
    handlers.add("slow", FunctionHandler([](JobContext&) -> io::Awaitable<FunctionAnswer> {
                   throw std::runtime_error("out of ink");
                   co_return FunctionAnswer{};
                 }));
  });
  EXPECT_THAT(finished(submit(spec("quick"))).error->message, HasSubstr("out of paper"));
  EXPECT_THAT(finished(submit(spec("slow"))).error->message, HasSubstr("out of ink"));
}

io::Awaitable<FunctionAnswer> greet(JobContext& job) {
  job.log("hello\n");
  job.progress({.percent = 50, .message = "half"});
  std::string prompt = "Name?";
  const Result<std::string> name = co_await job.ask_input(std::move(prompt), false);
  FunctionAnswer answer;
  if (name)
    answer.result = "\"" + *name + "\"";
  else
    answer.error = TaskError{"unanswered", name.error().detail};
  co_return answer;
}

TEST_F(EmbeddedWorkerTest, CoroutineAsksLogsAndAnswers) {
  start([](HandlerRegistry& handlers) { handlers.add("greet", FunctionHandler(greet)); });
  const TaskId id = submit(spec("greet"));
  EXPECT_EQ(wait_for(id, TaskStatus::waiting_for_input).input_request->prompt, "Name?");
  ASSERT_TRUE(answer(id, "Ada"));
  const Task task = finished(id);
  EXPECT_EQ(task.result, "\"Ada\"");
  EXPECT_EQ(task.progress.message, "half");
  EXPECT_EQ(log_of(id), "hello\n");
  EXPECT_EQ(task.log.records, 1u);
}

io::Awaitable<FunctionAnswer> endless(JobContext& job) {
  io::Timer never(job.executor());
  never.expires_at(io::Timer::time_point::max());
  co_await never.async_wait(io::use_awaitable);
  co_return FunctionAnswer{};
}

TEST_F(EmbeddedWorkerTest, CoroutineIsCancelledAndTimesOut) {
  start([](HandlerRegistry& handlers) {
    handlers.add("greet", FunctionHandler(greet));
    handlers.add("endless", FunctionHandler(endless));
  });
  TaskSpec unanswered = spec("greet");
  unanswered.input_timeout_ms = 20;
  EXPECT_EQ(finished(submit(unanswered)).error->code, "input_timeout");
  TaskSpec slow = spec("endless");
  slow.timeout_ms = 20;
  EXPECT_EQ(finished(submit(slow)).error->code, "timeout");
  const TaskId id = submit(spec("endless"));
  wait_for(id, TaskStatus::running);
  cancel(id);
  EXPECT_EQ(finished(id).status, TaskStatus::cancelled);
}

TEST_F(EmbeddedWorkerTest, QuestionIsAskedAgainWhereTheStoreWasAway) {
  start([](HandlerRegistry& handlers) { handlers.add("greet", FunctionHandler(greet)); });
  const TaskId id = submit(spec("greet"));
  for (std::uint64_t n : {1, 2, 3}) break_commit(n, store::CommitFault::before);
  while (!answer(id, "Ada")) std::this_thread::yield();  // not_waiting, or the store is away
  EXPECT_EQ(finished_in_store(id).result, "\"Ada\"");
}

TEST_F(EmbeddedWorkerTest, UnknownJobTypeHasNoHandler) {
  start();
  const Task task = finished(submit(spec("no-such-job")));
  EXPECT_EQ(task.status, TaskStatus::failed);
  EXPECT_EQ(task.error->code, "no_handler");
  EXPECT_THAT(task.error->message, HasSubstr("no-such-job"));
}

TEST_F(EmbeddedWorkerTest, DrainWaitsForWhatRunsAndTakesNothingNew) {
  start([](HandlerRegistry& handlers) { handlers.add("greet", FunctionHandler(greet)); });
  const TaskId running = submit(spec("greet"));
  wait_for(running, TaskStatus::waiting_for_input);
  auto stopped = io::asio::co_spawn(loop.context(), worker->stop(600'000), io::asio::use_future);
  on_loop([] {});  // the stop has begun
  const TaskId late = submit(spec("greet"));
  ASSERT_TRUE(answer(running, "Ada"));
  ASSERT_EQ(stopped.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(finished(running).status, TaskStatus::completed);
  EXPECT_EQ(wait_for(late, [](const Task&) { return true; }).status, TaskStatus::pending);
}

TEST_F(EmbeddedWorkerTest, HardStopEndsWhatRunsAsWorkerLost) {
  start();
  const TaskId id = submit(shell("sleep 600"));
  wait_for(id, TaskStatus::running);
  stop(0);
  const Task task = wait_for(id, TaskStatus::failed);
  EXPECT_EQ(task.error->code, "worker_lost");
}

std::atomic<int> now_running{0}, most_running{0};

io::Awaitable<FunctionAnswer> brief(JobContext& job) {
  most_running = std::max(most_running.load(), ++now_running);
  for (int turn = 0; turn < 20; ++turn) co_await io::asio::post(job.executor(), io::use_awaitable);
  --now_running;
  co_return FunctionAnswer{};
}

TEST_F(EmbeddedWorkerTest, SlotsAreKept) {
  settings.slots = 2;
  start([](HandlerRegistry& handlers) { handlers.add("brief", FunctionHandler(brief)); });
  for (TaskId id : submit_many(40, "brief")) finished(id);
  EXPECT_EQ(most_running, 2);
}

}  // namespace
}  // namespace tandem::worker
