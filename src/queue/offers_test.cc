#include "queue/claims_fixture.h"

// From the offer of a task to its acceptance.
namespace tandem::queue {
namespace {

using OffersTest = ClaimsTest;

TEST_F(OffersTest, AnOfferIsGivenAgainAsTheSameAttempt) {
  const TaskId id = submit();
  const auto lost = claim(1), other = claim(2);
  turns(2);
  const auto again = claim(1);
  turn();
  ASSERT_EQ((*again)->value().jobs.size(), 1u);
  EXPECT_EQ((*again)->value().jobs[0].task->task_id, id);
  EXPECT_EQ((*again)->value().jobs[0].task->attempt, 1u);
  EXPECT_TRUE((*other)->value().jobs.empty());
}

TEST_F(OffersTest, AnOfferThatItKnowsIsNotGivenAgain) {
  const TaskId first = submit();
  claim(1);
  turn();
  const auto stale = claim(1, 0, 1, {{first, 2}});
  turn();
  EXPECT_EQ((*stale)->value().jobs.size(), 1u);
  const auto next = claim(1, 1'000, 1, {{first, 1}});
  turn();
  EXPECT_FALSE(*next);
  const TaskId second = submit();
  turn();
  ASSERT_EQ((*next)->value().jobs.size(), 1u);
  EXPECT_EQ((*next)->value().jobs[0].task->task_id, second);
  pass(15'000);
  EXPECT_EQ(status(first), TaskStatus::pending);
}

TEST_F(OffersTest, WhatIsCancelledInThatTurnIsNotGivenAgain) {
  const TaskId id = submit();
  claim(1);
  turn();
  const auto again = claim(1);
  tell(Cancel{kActor, id, {}});
  turn();
  ASSERT_TRUE(*again);
  EXPECT_TRUE((*again)->value().jobs.empty());
  EXPECT_EQ(status(id), TaskStatus::cancelled);
}

TEST_F(OffersTest, WhatIsNotAcceptedInTimeGoesToAnother) {
  const TaskId id = submit();
  claim(1);
  turn();
  pass(14'999);
  EXPECT_EQ(status(id), TaskStatus::assigned);
  pass(1);
  const auto other = claim(2);
  turns(2);
  ASSERT_EQ((*other)->value().jobs.size(), 1u);
  EXPECT_EQ((*other)->value().jobs[0].task->attempt, 2u);
  const auto late = say(1, id, UpdateKind::running);
  turn();
  EXPECT_EQ((*late)->error().code, Errc::stale_attempt);
}

TEST_F(OffersTest, AnOfferIsNotGivenAgainForEver) {
  const TaskId id = submit();
  claim(1);
  turn();
  for (int i = 0; i < 3; ++i) {
    clock_.now_ms += 9'000;
    claim(1);
    turn();
    EXPECT_EQ(status(id), TaskStatus::assigned);
  }
  pass(3'000);
  EXPECT_EQ(status(id), TaskStatus::pending);
}

TEST_F(OffersTest, ToBeReadyIsNotToAccept) {
  open(1, 1);
  const TaskId id = submit();
  turn();
  for (int i = 0; i < 2; ++i) {
    clock_.now_ms += 7'000;
    tell(Ready{.worker_id = numbered<WorkerId>(1), .channel = channels_, .free = 0});
    turn();
  }
  pass(1'000);
  EXPECT_NE(status(id), TaskStatus::assigned);
}

TEST_F(OffersTest, AFinalUpdateMayFollowAnOffer) {
  const TaskId id = submit();
  claim(1);
  turn();
  const auto first = say(1, id, UpdateKind::completed), again = say(1, id, UpdateKind::completed);
  turn();
  EXPECT_EQ((*first)->value().status, TaskStatus::completed);
  EXPECT_EQ((*again)->value().status, TaskStatus::completed);
  EXPECT_EQ(status(id), TaskStatus::completed);
}

// From assigned to waiting_for_input there is no way in one step: it cost the others their turn.
TEST_F(OffersTest, AnAcceptanceAndAQuestionInOneTurnHurtNobodyElse) {
  const TaskId id = submit();
  claim(1);
  turn();
  const auto accepted = say(1, id, UpdateKind::running);
  const auto asked = say(1, id, UpdateKind::waiting_for_input);
  turn();
  EXPECT_TRUE((*accepted)->has_value());
  EXPECT_EQ((*asked)->error().code, Errc::conflict);
  const auto again = say(1, id, UpdateKind::waiting_for_input);
  turn();
  EXPECT_EQ((*again)->value().status, TaskStatus::waiting_for_input);
}

TEST_F(OffersTest, AWordBeforeItGoesGivesOffersBackAtOnce) {
  open(1, 1);
  const TaskId id = submit();
  turn();
  EXPECT_EQ(ordered<AssignOrder>(), 1);
  tell(CloseWorker{.worker_id = numbered<WorkerId>(1), .channel = channels_});
  turn();
  EXPECT_EQ(status(id), TaskStatus::pending);
}

}  // namespace
}  // namespace tandem::queue
