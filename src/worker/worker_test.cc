#include "worker/worker.h"

#include <sys/stat.h>

#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <deque>
#include <fstream>

#include "tests/worker/worker_fixture.h"

namespace tandem::worker {
namespace {

// A server that a test plays: gives what it is told to give, and keeps what it is told.
class PlayedLink final : public ServerLink, public LogSink {
 public:
  void open(OnOrder on_order) override { give = std::move(on_order); }
  void ready(int slots) override { credits += slots; }
  void withdraw(std::function<void()> done) override { withdrawn = std::move(done); }
  void report(Report report, OnAnswer answer) override {
    if (is_final(report.kind)) finals.push_back(report);
    answers.push_back(std::move(answer));
  }
  void flush() override {}
  void close() override { is_closed = true; }
  void append(logs::LogAppend, Done done) override { done(logs::LogTail{}); }
  bool is_congested() const override { return false; }
  bool sees_leases_end() const override { return is_far; }

  bool is_far = true;
  OnOrder give;
  int credits = 0;
  bool is_closed = false;
  std::function<void()> withdrawn;
  std::vector<Report> finals;
  std::deque<OnAnswer> answers;
};

class PlayedWorkerTest : public WorkerTest {
 protected:
  void begin(WorkerSettings how, const std::function<void(HandlerRegistry&)>& add_handlers = {}) {
    launcher = std::make_unique<exec::Launcher>(loop.executor(), *guard);
    files = std::make_unique<BlobJobFiles>(*blobs);
    how.process = settings.process;
    how.handlers = settings.handlers;
    played = std::make_unique<Worker>(
        WorkerParts{loop.executor(), link, link, *files, launcher.get(), offload, clock},
        std::move(how));
    if (add_handlers) add_handlers(played->handlers());
    loop.post([this] { played->start(); });
    loop.start();
    on_loop([] {});
  }
  void TearDown() override {
    on_loop([this] { played->hurry(); });
    auto stopped = io::asio::co_spawn(loop.context(), played->stop(0), io::asio::use_future);
    while (stopped.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) settle();
    on_loop([this] {
      played.reset();
      launcher.reset();
    });
    WorkerTest::TearDown();
  }
  // Answers all that was told.
  void settle() {
    on_loop([this] {
      if (link.withdrawn) std::exchange(link.withdrawn, {})();
      for (const auto& answer : std::exchange(link.answers, {})) answer(ReportAnswer{});
    });
  }

  AssignOrder order_of(const std::string& script) {
    auto task = std::make_shared<Task>();
    task->task_id = ids.make<TaskId>();
    task->attempt = 1;
    task->spec = shell(script);
    return {.task = std::move(task)};
  }
  static bool is_there(const std::filesystem::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0;
  }
  template <class Condition>
  static bool comes(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }
  // Of an attempt whose lease is over: nothing is told, and its slot is free again.
  void expect_let_go() {
    ASSERT_TRUE(comes([this] {
      std::size_t running = 1;
      on_loop([&] { running = played->running(); });
      return running == 0;
    }));
    on_loop([this] {
      EXPECT_TRUE(link.finals.empty()) << "an attempt that is another's was told of";
      EXPECT_EQ(link.credits, 2);
    });
  }

  PlayedLink link;
  std::unique_ptr<BlobJobFiles> files;
  std::unique_ptr<Worker> played;
};

TEST_F(PlayedWorkerTest, LeaseEndsTheJobAlsoWhereTheLoopStandsStill) {
  begin({.slots = 1});
  const auto mark = root / "alive";
  AssignOrder assign = order_of("echo $$ > " + mark.string() + "; exec sleep 600");
  assign.lease_until = clock.mono() + 3000;
  on_loop([&] { link.give(assign); });
  pid_t pid = 0;
  ASSERT_TRUE(comes([&] { return std::ifstream(mark) >> pid && pid > 0; }));
  on_loop([&] { EXPECT_TRUE(comes([&] { return ::kill(pid, 0) != 0; })); });
  EXPECT_GE(clock.mono(), *assign.lease_until);
  expect_let_go();
}

TEST_F(PlayedWorkerTest, RenewedLeaseKeepsTheJobAndACancelCannotOutliveIt) {
  settings.process.grace_ms = 600'000;
  begin({.slots = 1});
  const auto mark = root / "alive";
  AssignOrder assign =
      order_of("trap '' TERM; echo $$ > " + mark.string() + "; while :; do sleep 0.05; done");
  const TaskId id = assign.task->task_id;
  assign.lease_until = clock.mono() + 1500;
  on_loop([&] { link.give(assign); });
  pid_t pid = 0;
  ASSERT_TRUE(comes([&] { return std::ifstream(mark) >> pid && pid > 0; }));
  const MonoTime until = clock.mono() + 2500;
  on_loop([&] {
    link.give(CancelOrder{id, 1});
    link.give(LeaseOrder{id, 1, until});
  });
  ASSERT_TRUE(comes([&] { return ::kill(pid, 0) != 0; }));
  EXPECT_GE(clock.mono(), until);
}

std::atomic<bool> has_begun{false}, was_cancelled{false};

io::Awaitable<FunctionAnswer> watched_endless(JobContext& job) {
  io::Timer never(job.executor());
  never.expires_at(io::Timer::time_point::max());
  has_begun = true;
  boost::system::error_code woken;
  co_await never.async_wait(io::asio::redirect_error(io::use_awaitable, woken));
  was_cancelled = job.is_cancelled();
  co_return FunctionAnswer{};
}

TEST_F(PlayedWorkerTest, LeaseEndsAFunctionAndARenewedOneKeepsIt) {
  begin({.slots = 1}, [](HandlerRegistry& handlers) {
    handlers.add("endless", FunctionHandler(watched_endless));
  });
  AssignOrder assign = order_of("");
  auto task = std::make_shared<Task>(*assign.task);
  task->spec = spec("endless");
  assign.task = task;
  assign.lease_until = clock.mono() + 1500;
  const MonoTime until = clock.mono() + 2500;
  on_loop([&] { link.give(assign); });
  ASSERT_TRUE(comes([] { return has_begun.load(); }));
  on_loop([&] { link.give(LeaseOrder{task->task_id, 1, until}); });
  ASSERT_TRUE(comes([] { return was_cancelled.load(); }));
  EXPECT_GE(clock.mono(), until);
  expect_let_go();
}

// A server that stood still finds the order in its outbox.
TEST_F(PlayedWorkerTest, WhatComesBehindItsLeaseIsNotBegun) {
  link.is_far = false;
  std::atomic<int> runs = 0;
  begin({.slots = 1}, [&runs](HandlerRegistry& handlers) {
    handlers.add("quick", QuickFunction([&runs](const Task&) {
                   ++runs;
                   return FunctionAnswer{};
                 }));
  });
  AssignOrder assign = order_of("");
  auto task = std::make_shared<Task>(*assign.task);
  task->spec = spec("quick");
  assign.task = task;
  assign.lease_until = clock.mono();
  on_loop([&] { link.give(assign); });
  std::vector<Report> finals;
  ASSERT_TRUE(comes([&] {
    on_loop([&] { finals = link.finals; });
    return !finals.empty();
  }));
  EXPECT_EQ(finals[0].error.value().code, error_code::kWorkerLost);
  EXPECT_EQ(runs, 0);
}

TEST_F(PlayedWorkerTest, TheEndOfALeaseIsToldWhereTheServerDoesNotSeeIt) {
  link.is_far = false;
  begin({.slots = 1});
  const AssignOrder assign = order_of("exec sleep 600");
  const MonoTime until = clock.mono() + 300;
  on_loop([&] {
    link.give(assign);
    link.give(LeaseOrder{assign.task->task_id, 1, until});
  });
  on_loop([&] {
    EXPECT_TRUE(comes([&] { return clock.mono() > until; }));
    link.give(LeaseOrder{assign.task->task_id, 1, kNever});  // it comes too late
  });
  std::vector<Report> finals;
  ASSERT_TRUE(comes([&] {
    on_loop([&] { finals = link.finals; });
    return !finals.empty();
  }));
  EXPECT_EQ(finals[0].kind, ReportKind::failed);
  EXPECT_EQ(finals[0].error.value().code, error_code::kWorkerLost);
}

TEST_F(PlayedWorkerTest, OnceTakesOneTaskAndTellsItsEnd) {
  std::atomic<int> done = 0;
  begin({.slots = 4, .once = true});
  on_loop([&] {
    EXPECT_EQ(link.credits, 1);
    played->set_on_done([&] { ++done; });
    link.give(order_of("true"));
  });
  ASSERT_TRUE(comes([&] {
    settle();
    return done == 1;
  }));
  on_loop([&] {
    ASSERT_EQ(link.finals.size(), 1u);
    EXPECT_EQ(link.finals[0].kind, ReportKind::completed);
    EXPECT_EQ(link.credits, 1);
  });
}

TEST_F(PlayedWorkerTest, WhatComesWhileItDrainsIsGivenBack) {
  begin({.slots = 1});
  auto stopped = io::asio::co_spawn(loop.context(), played->stop(60'000), io::asio::use_future);
  on_loop([] {});
  on_loop([&] { link.give(order_of("true")); });
  ASSERT_TRUE(comes([&] {
    settle();
    return stopped.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }));
  ASSERT_EQ(link.finals.size(), 1u);
  EXPECT_EQ(link.finals[0].kind, ReportKind::released);
  EXPECT_TRUE(link.is_closed);
}

}  // namespace
}  // namespace tandem::worker
