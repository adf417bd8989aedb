#include "worker/remote/lease_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::worker::remote {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr MonoTime at(std::int64_t ms) { return MonoTime{ms}; }

AttemptKey key_of(std::uint8_t number) {
  AttemptKey key{.task_id = {}, .attempt = 1};
  key.task_id.bytes[0] = number;
  return key;
}

class LeaseKeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    keeper.set_terms({.lease_ms = 10'000, .heartbeat_ms = 3000, .reconnect_ms = 1500});
  }
  static constexpr std::int64_t kLeaseMs = 9000, kReconnectMs = 1350;  // less their margins
  LeaseKeeper keeper;
  const AttemptKey key = key_of(1);
};

TEST_F(LeaseKeeperTest, EndIsCountedFromBeforeTheRequestAndLiesBeforeTheServers) {
  EXPECT_EQ(keeper.renewed(key, at(100)), at(100 + kLeaseMs));
  EXPECT_THAT(keeper.take_expired(at(99 + kLeaseMs)), IsEmpty());
  EXPECT_THAT(keeper.take_expired(at(100 + kLeaseMs)), ElementsAre(key));
  EXPECT_FALSE(keeper.holds(key));
}

TEST_F(LeaseKeeperTest, LateAnswersDoNotShortenIt) {
  keeper.renewed(key, at(5000));
  EXPECT_EQ(keeper.renewed(key, at(1000)), at(5000 + kLeaseMs));
}

TEST_F(LeaseKeeperTest, IsRenewedOnceForEachHeartbeat) {
  keeper.renewed(key, at(0));
  EXPECT_EQ(keeper.next_event(), at(3000));
  EXPECT_THAT(keeper.take_due(at(2999)), IsEmpty());
  EXPECT_THAT(keeper.take_due(at(3000)), ElementsAre(key));
  EXPECT_THAT(keeper.take_due(at(3001)), IsEmpty());
  EXPECT_THAT(keeper.take_due(at(6000)), ElementsAre(key));  // no answer came
  keeper.renewed(key, at(6000));
  EXPECT_EQ(keeper.next_event(), at(9000));
}

TEST_F(LeaseKeeperTest, AllAreToldOfTogetherWhateverIsDue) {
  const AttemptKey other = key_of(2);
  keeper.renewed(key, at(0));
  keeper.renewed(other, at(1000));
  EXPECT_THAT(keeper.take_all(at(3000)), testing::UnorderedElementsAre(key, other));
  EXPECT_THAT(keeper.take_due(at(5999)), IsEmpty());
  EXPECT_THAT(keeper.take_due(at(6000)), testing::UnorderedElementsAre(key, other));
  EXPECT_THAT(keeper.take_expired(at(kLeaseMs)), ElementsAre(key)) << "telling renews nothing";
}

TEST_F(LeaseKeeperTest, BrokenSocketLeavesLittleTime) {
  keeper.renewed(key, at(0));
  const auto earlier = keeper.socket_broke(at(2000));
  ASSERT_EQ(earlier.size(), 1u);
  EXPECT_EQ(earlier[0].until, at(2000 + kReconnectMs));
  EXPECT_THAT(keeper.take_due(at(2000)), ElementsAre(key));  // told at once
  EXPECT_THAT(keeper.take_expired(at(2000 + kReconnectMs)), ElementsAre(key));
}

TEST_F(LeaseKeeperTest, OnlyWhatWasSentAfterTheBreakMendsIt) {
  keeper.renewed(key, at(0));
  keeper.socket_broke(at(2000));
  EXPECT_EQ(keeper.renewed(key, at(1999)), at(2000 + kReconnectMs));
  EXPECT_EQ(keeper.renewed(key, at(2001)), at(2001 + kLeaseMs));
}

TEST_F(LeaseKeeperTest, BreakNeverLengthensALease) {
  keeper.renewed(key, at(0));
  EXPECT_THAT(keeper.socket_broke(at(8500)), IsEmpty());
  EXPECT_THAT(keeper.take_expired(at(kLeaseMs)), ElementsAre(key));
}

TEST_F(LeaseKeeperTest, NothingIsDueWithoutLeases) {
  EXPECT_EQ(keeper.next_event(), kNever);
  keeper.renewed(key, at(0));
  keeper.ended(key);
  EXPECT_EQ(keeper.next_event(), kNever);
  EXPECT_THAT(keeper.socket_broke(at(0)), IsEmpty());
}

}  // namespace
}  // namespace tandem::worker::remote
