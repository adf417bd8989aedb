#include "worker/remote/poll_plan.h"

#include <gtest/gtest.h>

#include "base/constant_random.h"

namespace tandem::worker::remote {
namespace {

using enum Channel;

constexpr MonoTime poll_at(std::int64_t ms) { return MonoTime{ms}; }
constexpr std::int64_t kIntervalMs = 5000;

class PollPlanTest : public testing::Test {
 protected:
  void serve(bool is_tandem, std::int64_t max_wait_ms) {
    service::Terms terms;
    terms.config.interval_ms = kIntervalMs;
    terms.config.max_wait_ms = max_wait_ms;
    if (is_tandem) terms.config.config_version = "1";
    plan.set_terms(terms);
  }
  // The rest behind a poll of 100 ms that brought nothing.
  std::int64_t rest_behind(Channel channel, std::int64_t took_ms) {
    const PollPlan::Step step = plan.next(channel, 1, poll_at(1000));
    plan.asked(poll_at(1000));
    return plan.answered(step, false, poll_at(1000 + took_ms));
  }
  ConstantRandom chance{0};
  PollPlan plan{chance};
};

TEST_F(PollPlanTest, AsksForAsManyAsThereAreSlotsButNotForTooMany) {
  EXPECT_EQ(plan.next(long_poll, 7, poll_at(0)).channel, long_poll);
  EXPECT_EQ(plan.next(long_poll, 7, poll_at(0)).most, 7);
  EXPECT_EQ(plan.next(plain_poll, 5000, poll_at(0)).channel, plain_poll);
  EXPECT_EQ(plan.next(plain_poll, 5000, poll_at(0)).most, 100);
}

TEST_F(PollPlanTest, AsksNobodyWithoutSlotsOrOverAnotherChannelOrWhileItDrains) {
  EXPECT_EQ(plan.next(long_poll, 0, poll_at(0)).channel, none);
  EXPECT_EQ(plan.next(websocket, 4, poll_at(0)).channel, none);
  EXPECT_EQ(plan.next(none, 4, poll_at(0)).channel, none);
  EXPECT_EQ(plan.next(none, 4, poll_at(0)).look_again_at, kNever);
  plan.drain();
  EXPECT_EQ(plan.next(long_poll, 4, poll_at(0)).channel, none);
}

TEST_F(PollPlanTest, WaitsASecondForASocketThatIsBeingOpened) {
  plan.socket_is_opening(poll_at(100));
  EXPECT_EQ(plan.next(long_poll, 4, poll_at(200)).channel, none);
  EXPECT_EQ(plan.next(long_poll, 4, poll_at(200)).look_again_at, poll_at(1100));
  EXPECT_EQ(plan.next(long_poll, 4, poll_at(1100)).channel, long_poll);
  plan.socket_is_opening(poll_at(2000));
  plan.socket_was_tried();
  EXPECT_EQ(plan.next(long_poll, 4, poll_at(2001)).channel, long_poll);
}

TEST_F(PollPlanTest, AsksAgainAtOnceWhereThereWereJobs) {
  serve(false, 0);
  const auto step = plan.next(plain_poll, 1, poll_at(0));
  plan.asked(poll_at(0));
  EXPECT_TRUE(plan.is_under_way());
  EXPECT_EQ(plan.answered(step, true, poll_at(3)), 0);
  EXPECT_FALSE(plan.is_under_way());
}

TEST_F(PollPlanTest, RestsForTheIntervalBehindAPlainPoll) {
  serve(true, 30'000);
  EXPECT_EQ(rest_behind(plain_poll, 100), kIntervalMs - kIntervalMs / 10);
}

TEST_F(PollPlanTest, DoesNotRestBehindALongPollThatWaited) {
  serve(true, 30'000);
  EXPECT_EQ(rest_behind(long_poll, 30'000), 0);
  EXPECT_EQ(rest_behind(long_poll, 6), 0) << "ended early: there was news";
  EXPECT_EQ(rest_behind(long_poll, 1), 5);
}

TEST_F(PollPlanTest, RestsWhereAServiceDoesNotWait) {
  serve(true, 0);
  EXPECT_EQ(rest_behind(long_poll, 100), kIntervalMs - kIntervalMs / 10 - 100);
  serve(false, 30'000);
  EXPECT_EQ(rest_behind(long_poll, 1000), kIntervalMs - kIntervalMs / 10 - 1000);
  EXPECT_EQ(rest_behind(long_poll, 30'000), 0) << "it did, after all";
}

TEST_F(PollPlanTest, RestsLongerAfterEachFailureUntilOneWorks) {
  serve(true, 30'000);
  plan.asked(poll_at(0));
  const std::int64_t first = plan.failed(0), second = plan.failed(0);
  EXPECT_FALSE(plan.is_under_way());
  EXPECT_GT(second, first);
  EXPECT_GE(plan.failed(60'000), 60'000) << "what the service asks for";
  rest_behind(long_poll, 10);
  EXPECT_EQ(plan.failed(0), first);
}

TEST_F(PollPlanTest, HearsNewsOfTasksWhileItAsksForNone) {
  EXPECT_TRUE(plan.is_news_due(long_poll, true));
  EXPECT_FALSE(plan.is_news_due(long_poll, false));
  EXPECT_FALSE(plan.is_news_due(plain_poll, true));
  EXPECT_FALSE(plan.is_news_due(websocket, true));
  plan.asked(poll_at(0));
  EXPECT_FALSE(plan.is_news_due(long_poll, true)) << "that poll brings the news";
  EXPECT_EQ(plan.heard_news(poll_at(0), poll_at(199)), 200);
  EXPECT_EQ(plan.heard_news(poll_at(0), poll_at(200)), 0);
  const std::int64_t first = plan.missed_news(0);
  EXPECT_GT(plan.missed_news(0), first);
  plan.heard_news(poll_at(0), poll_at(200));
  EXPECT_EQ(plan.missed_news(0), first);
}

TEST_F(PollPlanTest, TakesAPollForCutOnlyWhereItHadWaited) {
  const Error broken = fail(Errc::request_timeout), refused = fail(Errc::forbidden);
  EXPECT_TRUE(PollPlan::was_cut(broken, poll_at(0), poll_at(1000)));
  EXPECT_FALSE(PollPlan::was_cut(broken, poll_at(0), poll_at(999)));
  EXPECT_FALSE(PollPlan::was_cut(refused, poll_at(0), poll_at(5000)));
}

}  // namespace
}  // namespace tandem::worker::remote
