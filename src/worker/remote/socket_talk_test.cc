#include "worker/remote/socket_talk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/remote/attempt_key_fixture.h"

namespace tandem::worker::remote {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Beat = SocketTalk::Beat;

constexpr std::int64_t kHeartbeatMs = 3000, kPatienceMs = 10'000;
constexpr MonoTime talk_at(std::int64_t ms) { return MonoTime{ms}; }

class SocketTalkTest : public testing::Test {
 protected:
  SocketTalkTest() {
    talk.set_heartbeat(kHeartbeatMs);
    talk.open(talk_at(0));
  }
  Beat next_beat(bool has_due, std::int64_t ms) { return talk.next_beat(has_due, talk_at(ms)); }
  void beat(std::vector<AttemptKey> leases, std::int64_t ms) {
    talk.sent_beat(std::move(leases), talk_at(ms));
  }
  SocketTalk talk;
  const AttemptKey one = numbered_key(1), other = numbered_key(2);
};

TEST_F(SocketTalkTest, SaysHowManySlotsAreFreeWhenTheServerCountsOthers) {
  EXPECT_TRUE(talk.must_say_ready(0)) << "the server knows nothing yet";
  talk.said_ready(4);
  EXPECT_FALSE(talk.must_say_ready(4));
  talk.assigned(3);
  EXPECT_FALSE(talk.must_say_ready(1)) << "it counts what it has given";
  EXPECT_TRUE(talk.must_say_ready(2));
  talk.assigned(9);
  EXPECT_FALSE(talk.must_say_ready(0));
  talk.close();
  EXPECT_FALSE(talk.must_say_ready(2));
  talk.open(talk_at(1));
  EXPECT_TRUE(talk.must_say_ready(0)) << "over each socket anew";
}

TEST_F(SocketTalkTest, AnswersBelongToWhatWasSent) {
  EXPECT_FALSE(talk.report_answered(one));
  talk.sent_report(one, talk_at(5));
  talk.sent_logs(one, 17, talk_at(6));
  EXPECT_EQ(talk.report_answered(one), talk_at(5));
  EXPECT_FALSE(talk.report_answered(one));
  EXPECT_EQ(talk.logs_answered(one), 17u);
  EXPECT_FALSE(talk.logs_answered(one));
  talk.sent_report(one, talk_at(7));
  talk.sent_logs(one, 18, talk_at(7));
  talk.forget(one);
  EXPECT_FALSE(talk.report_answered(one));
  EXPECT_FALSE(talk.logs_answered(one));
}

TEST_F(SocketTalkTest, WhatWasOnItsWayIsHandedBackAtTheEnd) {
  talk.sent_report(one, talk_at(1));
  talk.sent_logs(other, 3, talk_at(1));
  const auto unheard = talk.close();
  EXPECT_THAT(unheard.reports, UnorderedElementsAre(one));
  EXPECT_THAT(unheard.logs, UnorderedElementsAre(other));
  EXPECT_THAT(talk.close().reports, IsEmpty());
  EXPECT_EQ(talk.next_event(), kNever);
}

TEST_F(SocketTalkTest, ReportsOfAMessageThatWasRefusedUnreadAreTaken) {
  talk.sent_report(one, talk_at(1));
  talk.sent_report(other, talk_at(1));
  EXPECT_THAT(talk.take_reports(), UnorderedElementsAre(one, other));
  EXPECT_THAT(talk.take_reports(), IsEmpty());
}

TEST_F(SocketTalkTest, BeatsAtOnceAndThenAtTheHeartbeat) {
  EXPECT_EQ(next_beat(false, 0), Beat::leases);
  beat({}, 0);
  EXPECT_EQ(next_beat(false, kHeartbeatMs - 1), Beat::none);
  EXPECT_EQ(talk.next_event(), talk_at(kHeartbeatMs));
  EXPECT_EQ(next_beat(false, kHeartbeatMs), Beat::leases);
}

TEST_F(SocketTalkTest, ALeaseThatIsDueDoesNotWaitForTheHeartbeat) {
  EXPECT_EQ(next_beat(false, 0), Beat::leases);
  beat({}, 0);
  EXPECT_EQ(next_beat(true, 10), Beat::leases);
}

TEST_F(SocketTalkTest, OneHeartbeatWithLeasesIsUnderWayAtMost) {
  next_beat(false, 0);
  beat({one}, 0);
  EXPECT_EQ(next_beat(true, 10), Beat::none);
  EXPECT_EQ(next_beat(true, kHeartbeatMs), Beat::alive);
  const auto answered = talk.beat_answered();
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->sent_at, talk_at(0));
  EXPECT_THAT(answered->leases, UnorderedElementsAre(one));
  EXPECT_FALSE(talk.beat_answered());
  EXPECT_EQ(next_beat(true, kHeartbeatMs + 1), Beat::leases);
}

TEST_F(SocketTalkTest, LeasesOfAHeartbeatWithoutAnswerAreToldEachForItself) {
  next_beat(false, 0);
  beat({one, other}, 0);
  EXPECT_THAT(talk.take_overdue(talk_at(kHeartbeatMs / 2 - 1)), IsEmpty());
  EXPECT_EQ(talk.next_event(), talk_at(kHeartbeatMs / 2));
  EXPECT_THAT(talk.take_overdue(talk_at(kHeartbeatMs / 2)), UnorderedElementsAre(one, other));
  EXPECT_THAT(talk.take_overdue(talk_at(kHeartbeatMs)), IsEmpty());
  const auto late = talk.beat_answered();
  ASSERT_TRUE(late);
  EXPECT_THAT(late->leases, IsEmpty());
}

TEST_F(SocketTalkTest, ASilentPeerIsDeadOnlyWhereAnAnswerIsDue) {
  EXPECT_FALSE(talk.is_dead(talk_at(kPatienceMs * 9)));
  talk.sent_report(one, talk_at(50'000));
  EXPECT_FALSE(talk.is_dead(talk_at(50'000 + kPatienceMs - 1)));
  EXPECT_TRUE(talk.is_dead(talk_at(50'000 + kPatienceMs)));
  talk.heard(talk_at(55'000));
  EXPECT_FALSE(talk.is_dead(talk_at(50'000 + kPatienceMs)));
  EXPECT_TRUE(talk.is_dead(talk_at(55'000 + kPatienceMs)));
}

TEST_F(SocketTalkTest, MoreThatIsSentDoesNotProlongThePatience) {
  talk.sent_report(one, talk_at(1000));
  talk.sent_report(other, talk_at(8000));
  beat({one}, 9000);
  EXPECT_TRUE(talk.is_dead(talk_at(1000 + kPatienceMs)));
}

TEST_F(SocketTalkTest, AHeartbeatThatAnythingWasHeardBehindIsNotWaitedFor) {
  beat({one}, 1000);
  EXPECT_TRUE(talk.is_dead(talk_at(1000 + kPatienceMs)));
  talk.heard(talk_at(1500));
  EXPECT_FALSE(talk.is_dead(talk_at(1500 + kPatienceMs)));
}

}  // namespace
}  // namespace tandem::worker::remote
