#include "queue/claims_fixture.h"

namespace tandem::queue {
namespace {

class StandingsTest : public ClaimsTest {};

TEST_F(StandingsTest, ARevokedWorkerHoldsNothing) {
  const TaskId accepted = running(1);
  const TaskId offered = submit();
  claim(1);
  turn();
  const auto poll = claim(1, 10'000, 0);  // answered with the offer
  turn();
  const auto waits = claim(2, 10'000, 0);
  standings_[numbered<WorkerId>(1)] = standings_[numbered<WorkerId>(2)] = WorkerStanding::revoked;
  const auto reviewed = post<std::monostate>(ReviewWorkers{.workers = {}, .done = {}});
  turn();
  EXPECT_TRUE((*reviewed)->has_value());
  EXPECT_EQ((*waits)->error().code, Errc::token_revoked);
  for (TaskId id : {accepted, offered}) {
    EXPECT_EQ(status(id), TaskStatus::pending);
    const auto late = say(1, id, UpdateKind::completed);
    turn();
    EXPECT_EQ((*late)->error().code, Errc::stale_attempt);
    EXPECT_EQ(store_.reader().find(id).value()->first_attempt, 2u);  // none was used up
  }
}

TEST_F(StandingsTest, ADrainingWorkerIsGivenNothingNew) {
  open(1, 1);
  set_standing(1, WorkerStanding::draining);
  submit();
  turns(2);
  EXPECT_EQ(ordered<DrainOrder>(), 1);
  EXPECT_EQ(ordered<AssignOrder>(), 0);
  set_standing(1, WorkerStanding::good);
  turns(2);
  EXPECT_EQ(ordered<AssignOrder>(), 1);
}

TEST_F(StandingsTest, WhoWasRevokedOnTheWayIsNotLetIn) {
  submit();
  standings_[numbered<WorkerId>(1)] = WorkerStanding::revoked;
  open(1, 1);
  const auto poll = claim(2, 10'000);
  standings_[numbered<WorkerId>(2)] = WorkerStanding::revoked;
  turns(2);
  ASSERT_EQ(orders_.size(), 1u);
  EXPECT_EQ(std::get<CloseOrder>(orders_[0]).reason, CloseReason::revoked);
  EXPECT_EQ((*poll)->error().code, Errc::token_revoked);
}

TEST_F(StandingsTest, TheRecordCountsBeforeAnOlderProfile) {
  standings_[numbered<WorkerId>(1)] = WorkerStanding::draining;
  open(1, 1);  // as if it did not drain
  const TaskId id = submit();
  turns(2);
  EXPECT_EQ(status(id), TaskStatus::pending);
}

TEST_F(StandingsTest, WhatTheRevokedHoldGoesBackWhenMemoryIsReadAgain) {
  const TaskId held = running(1), kept = running(2);
  standings_[numbered<WorkerId>(1)] = WorkerStanding::revoked;
  Dispatcher restarted(store_, clock_, settings_);
  Deliveries out;
  restarted.turn({}, out);
  EXPECT_EQ(status(held), TaskStatus::pending);
  EXPECT_EQ(status(kept), TaskStatus::running);
}

}  // namespace
}  // namespace tandem::queue
