#include "worker/remote/lease_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/remote/attempt_key_fixture.h"

namespace tandem::worker::remote {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr MonoTime after(std::int64_t ms) { return MonoTime{ms}; }

class LeaseKeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    keeper.set_terms({.lease_ms = 10'000, .heartbeat_ms = 3000, .reconnect_ms = 1500});
  }
  static constexpr std::int64_t kLeaseMs = 9000, kReconnectMs = 1350;  // less their margins
  LeaseKeeper keeper;
  const AttemptKey key = numbered_key(1);
};

TEST_F(LeaseKeeperTest, EndIsCountedFromBeforeTheRequestAndLiesBeforeTheServers) {
  EXPECT_EQ(keeper.renewed(key, after(100)), after(100 + kLeaseMs));
  EXPECT_THAT(keeper.take_expired(after(99 + kLeaseMs)), IsEmpty());
  EXPECT_THAT(keeper.take_expired(after(100 + kLeaseMs)), ElementsAre(key));
  EXPECT_FALSE(keeper.holds(key));
}

TEST_F(LeaseKeeperTest, LateAnswersDoNotShortenIt) {
  keeper.renewed(key, after(5000));
  EXPECT_EQ(keeper.renewed(key, after(1000)), after(5000 + kLeaseMs));
}

TEST_F(LeaseKeeperTest, IsRenewedOnceForEachHeartbeat) {
  keeper.renewed(key, after(0));
  EXPECT_EQ(keeper.next_event(), after(3000));
  EXPECT_THAT(keeper.take_due(after(2999)), IsEmpty());
  EXPECT_THAT(keeper.take_due(after(3000)), ElementsAre(key));
  EXPECT_THAT(keeper.take_due(after(3001)), IsEmpty());
  EXPECT_THAT(keeper.take_due(after(6000)), ElementsAre(key));  // no answer came
  keeper.renewed(key, after(6000));
  EXPECT_EQ(keeper.next_event(), after(9000));
}

TEST_F(LeaseKeeperTest, AllAreToldOfTogetherWhateverIsDue) {
  const AttemptKey other = numbered_key(2);
  keeper.renewed(key, after(0));
  keeper.renewed(other, after(1000));
  EXPECT_THAT(keeper.take_all(after(3000)), testing::UnorderedElementsAre(key, other));
  EXPECT_THAT(keeper.take_due(after(5999)), IsEmpty());
  EXPECT_THAT(keeper.take_due(after(6000)), testing::UnorderedElementsAre(key, other));
  EXPECT_THAT(keeper.take_expired(after(kLeaseMs)), ElementsAre(key)) << "telling renews nothing";
}

TEST_F(LeaseKeeperTest, BrokenSocketLeavesLittleTime) {
  keeper.renewed(key, after(0));
  const auto earlier = keeper.socket_broke(after(2000));
  ASSERT_EQ(earlier.size(), 1u);
  EXPECT_EQ(earlier[0].until, after(2000 + kReconnectMs));
  EXPECT_THAT(keeper.take_due(after(2000)), ElementsAre(key));  // told at once
  EXPECT_THAT(keeper.take_expired(after(2000 + kReconnectMs)), ElementsAre(key));
}

TEST_F(LeaseKeeperTest, OnlyWhatWasSentAfterTheBreakMendsIt) {
  keeper.renewed(key, after(0));
  keeper.socket_broke(after(2000));
  EXPECT_EQ(keeper.renewed(key, after(1999)), after(2000 + kReconnectMs));
  EXPECT_EQ(keeper.renewed(key, after(2001)), after(2001 + kLeaseMs));
}

TEST_F(LeaseKeeperTest, BreakNeverLengthensALease) {
  keeper.renewed(key, after(0));
  EXPECT_THAT(keeper.socket_broke(after(8500)), IsEmpty());
  EXPECT_THAT(keeper.take_expired(after(kLeaseMs)), ElementsAre(key));
}

TEST_F(LeaseKeeperTest, NothingIsDueWithoutLeases) {
  EXPECT_EQ(keeper.next_event(), kNever);
  keeper.renewed(key, after(0));
  keeper.ended(key);
  EXPECT_EQ(keeper.next_event(), kNever);
  EXPECT_THAT(keeper.socket_broke(after(0)), IsEmpty());
}

}  // namespace
}  // namespace tandem::worker::remote
