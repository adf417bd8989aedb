#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <stdexcept>
#include <thread>

#include "io/ask.h"
#include "io/loop.h"
#include "io/offload.h"
#include "io/task_group.h"
#include "io/timeout.h"

namespace tandem::io {
namespace {

class IoTest : public testing::Test {
 protected:
  void SetUp() override { loop.start(); }
  template <class T>
  T run(Awaitable<T> work) {
    return asio::co_spawn(loop.executor(), std::move(work), asio::use_future).get();
  }
  Loop loop{"test"};
};

Awaitable<int> answer_of(std::int64_t delay_ms, int value) {
  co_await sleep_for(delay_ms);
  co_return value;
}
Awaitable<Result<int>> result_of(Result<int> value) { co_return value; }
Awaitable<void> throws() {
  throw std::runtime_error("on purpose");
  co_return;
}
Awaitable<void> wait_for_ever(int& ended) {
  try {
    co_await sleep_for(3'600'000);
  } catch (const boost::system::system_error& error) {
    EXPECT_EQ(error.code(), asio::error::operation_aborted);
    ++ended;
    throw;
  }
}

TEST_F(IoTest, OutboxDeliversABatchInOrderOnTheLoopsThread) {
  LoopOutbox outbox(loop.executor());
  std::promise<void> done;
  std::string order;
  std::vector<Outbox::Delivery> batch;
  batch.push_back([&] { order += loop.is_this_thread() ? "a" : "?"; });
  batch.push_back([&] { order += "b"; });
  batch.push_back([&] { done.set_value(); });
  outbox.post(std::move(batch));
  done.get_future().get();
  EXPECT_EQ(order, "ab");
}

TEST_F(IoTest, TimeoutGivesTheValueOrRequestTimeout) {
  EXPECT_EQ(*run(with_timeout(answer_of(0, 7), 60'000)), 7);
  const auto late = run(with_timeout(answer_of(3'600'000, 7), 1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::request_timeout);
  EXPECT_EQ(*run(with_timeout(result_of(3), 60'000)), 3);
  const auto refused = run(with_timeout(result_of(fail(Errc::conflict)), 60'000));
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_TRUE(run(with_timeout(sleep_for(0), 60'000)));
  EXPECT_FALSE(run(with_timeout(sleep_for(3'600'000), 0)));
  EXPECT_THROW(run(with_timeout(throws(), 60'000)), std::runtime_error);
}

TEST_F(IoTest, GroupCancelsAndJoinsAllAndLogsExceptions) {
  TaskGroup group(loop.executor());
  int ended = 0;
  auto body = [](TaskGroup& tasks, int& count) -> Awaitable<void> {
    tasks.spawn("thrower", throws());
    for (int i = 0; i < 10; ++i) tasks.spawn("waiter", wait_for_ever(count));
    co_await sleep_for(1);
    EXPECT_EQ(tasks.size(), 10u);
    tasks.cancel();
    tasks.spawn("late", wait_for_ever(count));
    co_await tasks.join();
  };
  run(body(group, ended));
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(ended, 10);  // the late one never reached its first line
}

Awaitable<void> timed_wait(int& ended) {
  const auto result = co_await with_timeout(wait_for_ever(ended), 3'600'000);
  EXPECT_TRUE(result.has_error()) << "a cancelled caller must not come here";
  ended += 100;
}

TEST_F(IoTest, CancellingTheGroupReachesThroughATimeout) {
  TaskGroup group(loop.executor());
  int ended = 0;
  auto body = [](TaskGroup& tasks, int& count) -> Awaitable<void> {
    tasks.spawn("timed", timed_wait(count));
    co_await sleep_for(1);
    tasks.cancel();
    co_await tasks.join();
  };
  run(body(group, ended));
  EXPECT_EQ(ended, 1);
}

TEST_F(IoTest, OffloadRunsElsewhereAndResumesHere) {
  OffloadPool pool("pool", 2);
  auto body = [](Loop& home, OffloadPool& threads) -> Awaitable<int> {
    auto work = [&home] { return home.is_this_thread() ? 0 : 5; };
    const auto got = co_await offload(threads, work);
    EXPECT_TRUE(home.is_this_thread());
    auto thrower = []() -> int { throw std::runtime_error("on purpose"); };
    const auto failed = co_await offload(threads, thrower);
    EXPECT_EQ(failed.error().code, Errc::internal);
    auto refuses = []() -> Result<int> { return fail(Errc::not_found); };
    const auto refused = co_await offload(threads, refuses);
    EXPECT_EQ(refused.error().code, Errc::not_found);
    auto nothing = [] {};
    const Result<void> done = co_await offload(threads, nothing);
    EXPECT_TRUE(done);
    threads.stop();
    const auto stopped = co_await offload(threads, work);
    EXPECT_EQ(stopped.error().code, Errc::too_many_requests);
    co_return *got;
  };
  EXPECT_EQ(run(body(loop, pool)), 5);
}

TEST_F(IoTest, AskTakesTheFirstAnswerFromAnyThread) {
  LoopOutbox outbox(loop.executor());
  auto body = [](Outbox& door) -> Awaitable<int> {
    int sum = 0;
    std::thread answering;
    auto elsewhere = [&answering](Outbox&, std::function<void(Result<int>)> answer) {
      answering = std::thread([answer] { answer(1), answer(100); });
    };
    auto inside = [](Outbox&, std::function<void(Result<int>)> answer) { answer(10), answer(5); };
    for (int i = 0; i < 100; ++i) {
      sum += *co_await ask<Result<int>>(door, elsewhere);
      answering.join();
      sum += *co_await ask<Result<int>>(door, inside);
    }
    auto drops = [](Outbox&, std::function<void(Result<int>)>) {};
    const auto dropped = co_await ask<Result<int>>(door, drops);
    EXPECT_EQ(dropped.error().code, Errc::shutting_down);
    co_return sum;
  };
  EXPECT_EQ(run(body(outbox)), 1100);
}

TEST_F(IoTest, AnAbandonedQuestionEndsAtOnceAndItsLateAnswerIsDropped) {
  LoopOutbox outbox(loop.executor());
  std::function<void(Result<int>)> kept;
  auto body = [](Outbox& door, std::function<void(Result<int>)>& late) -> Awaitable<Errc> {
    auto keeps = [&late](Outbox&, std::function<void(Result<int>)> answer) { late = answer; };
    const auto got = co_await with_timeout(ask<Result<int>>(door, keeps, OnCancel::abandon), 1);
    late(9);
    co_return got.error().code;
  };
  EXPECT_EQ(run(body(outbox, kept)), Errc::request_timeout);
}

}  // namespace
}  // namespace tandem::io
