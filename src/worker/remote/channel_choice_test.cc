#include "worker/remote/channel_choice.h"

#include <gtest/gtest.h>

#include "base/constant_random.h"

namespace tandem::worker::remote {
namespace {

constexpr MonoTime at(std::int64_t ms) { return MonoTime{ms}; }

class ChannelChoiceTest : public testing::Test {
 protected:
  void offer(bool websocket, bool long_poll, bool plain) {
    choice.set_offer({.websocket = websocket, .long_poll = long_poll, .plain_poll = plain}, at(0));
  }
  ConstantRandom chance{0};
  ChannelChoice choice{chance};
};

TEST_F(ChannelChoiceTest, TakesTheBestThatIsOffered) {
  EXPECT_EQ(choice.current(at(0)), Channel::none);
  offer(false, false, true);
  EXPECT_EQ(choice.current(at(0)), Channel::plain_poll);
  EXPECT_EQ(choice.next_socket_try(), kNever);
  offer(false, true, true);
  EXPECT_EQ(choice.current(at(0)), Channel::long_poll);
  offer(true, true, true);
  EXPECT_EQ(choice.current(at(0)), Channel::websocket);
  EXPECT_EQ(choice.next_socket_try(), at(0));
}

TEST_F(ChannelChoiceTest, PollsWhileTheSocketFailsAndTriesItAgain) {
  offer(true, true, true);
  choice.socket_failed(at(0));
  EXPECT_EQ(choice.current(at(0)), Channel::long_poll);
  const MonoTime first = choice.next_socket_try();
  EXPECT_GT(first, at(0));
  choice.socket_failed(first);
  EXPECT_GT(choice.next_socket_try() - first, first - at(0));
  choice.socket_opened(at(10'000));
  EXPECT_EQ(choice.current(at(10'000)), Channel::websocket);
  EXPECT_EQ(choice.next_socket_try(), kNever);
}

TEST_F(ChannelChoiceTest, SteadySocketIsOpenedAgainAtOnceAndAShakyOneIsNot) {
  offer(true, true, true);
  choice.socket_opened(at(0));
  choice.socket_ended(at(60'000));
  EXPECT_EQ(choice.next_socket_try(), at(60'000));
  EXPECT_EQ(choice.current(at(60'000)), Channel::long_poll);
  choice.socket_opened(at(60'000));
  choice.socket_ended(at(60'001));
  EXPECT_GT(choice.next_socket_try(), at(60'001));
}

TEST_F(ChannelChoiceTest, PollsPlainlyWhereLongPollsAreUnknownOrCutAndComesBack) {
  offer(false, true, true);
  choice.long_poll_failed(false, at(0));
  choice.long_poll_failed(false, at(1));
  EXPECT_EQ(choice.current(at(1)), Channel::long_poll);
  choice.long_poll_failed(false, at(2));
  EXPECT_EQ(choice.current(at(2)), Channel::plain_poll);
  EXPECT_EQ(choice.current(at(60'000)), Channel::long_poll);
  choice.long_poll_worked();
  choice.long_poll_failed(true, at(60'001));
  EXPECT_EQ(choice.current(at(60'001)), Channel::plain_poll);
}

TEST_F(ChannelChoiceTest, PushAloneHasNoOtherChannel) {
  offer(true, false, false);
  choice.socket_failed(at(0));
  EXPECT_EQ(choice.current(at(0)), Channel::none);
}

TEST_F(ChannelChoiceTest, ChangedOfferStartsAfresh) {
  offer(true, true, true);
  for (int i = 0; i < 20; ++i) choice.socket_failed(at(0));
  offer(true, false, true);
  EXPECT_EQ(choice.next_socket_try(), at(0));
}

TEST(BackOffTest, GrowsToItsBoundAndNeverGivesUp) {
  SystemRandom random;
  service::BackOff pause(random, {.first_ms = 100, .longest_ms = 5000});
  for (int i = 0; i < 200; ++i) {
    const std::int64_t span = std::min<std::int64_t>(100ll << std::min(i, 10), 5000);
    const std::int64_t ms = pause.next_ms();
    EXPECT_GE(ms, span / 2);
    EXPECT_LE(ms, span);
  }
  pause.reset();
  EXPECT_LE(pause.next_ms(), 100);
}

}  // namespace
}  // namespace tandem::worker::remote
