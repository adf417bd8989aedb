#include "queue/claims_fixture.h"

// What costs the store nothing, however many workers say it and however often.
namespace tandem::queue {
namespace {

class QuietTurnsTest : public ClaimsTest {
 protected:
  Answer<HeartbeatAnswer> beat(std::uint8_t worker, std::vector<Lease> leases) {
    return post<HeartbeatAnswer>(
        Heartbeat{.worker_id = numbered<WorkerId>(worker), .leases = std::move(leases)});
  }
  // The store calls of a turn in which `what` is said, a while after the one before.
  template <class What>
  std::uint64_t calls_of(What what) {
    turns(3);
    const std::uint64_t before = store_.calls();
    what();
    pass(1000);
    return store_.calls() - before;
  }
};

TEST_F(QuietTurnsTest, AHeartbeatCostsNoStoreCallAndRenewsTheLease) {
  const TaskId first = running(1), second = running(1);
  for (int i = 0; i < 60; ++i) {  // two leases long
    Answer<HeartbeatAnswer> answer;
    EXPECT_EQ(calls_of([&] { answer = beat(1, {{first, 1, 0}, {second, 1, 0}}); }), 0u);
    ASSERT_EQ((*answer)->value().renewed.size(), 2u);
  }
  EXPECT_EQ(status(first), TaskStatus::running);
  EXPECT_EQ(status(second), TaskStatus::running);
}

TEST_F(QuietTurnsTest, AHeartbeatTellsWhatItHasNotRenewed) {
  const TaskId held = running(1), of_another = running(2), offered = submit();
  claim(1);
  turn();
  ASSERT_EQ(status(offered), TaskStatus::assigned);
  const auto answer = beat(1, {{held, 1}, {of_another, 1}, {offered, 1}, {held, 2}});
  turn();
  const HeartbeatAnswer& said = (*answer)->value();
  ASSERT_EQ(said.renewed.size(), 1u);
  EXPECT_EQ(said.renewed[0].task_id, held);
  ASSERT_EQ(said.lost.size(), 2u);
  EXPECT_EQ(said.lost[0].task_id, of_another);
  EXPECT_EQ(said.lost[1].attempt, 2u);
}

TEST_F(QuietTurnsTest, AnUpdateThatChangesNothingCostsNoStoreCall) {
  const TaskId id = running(1);
  for (const UpdateKind kind : {UpdateKind::running, UpdateKind::progress}) {
    Answer<UpdateAnswer> answer;
    EXPECT_EQ(calls_of([&] { answer = say(1, id, kind); }), 0u);
    EXPECT_EQ((*answer)->value().status, TaskStatus::running);
  }
  Update news = update(1, id, UpdateKind::progress);
  news.progress.emplace().percent = 50;
  EXPECT_GT(calls_of([&] { tell(news); }), 0u) << "or the calls are not counted";
}

TEST_F(QuietTurnsTest, AnIdleTurnCostsNoStoreCallWithWorkersThatWait) {
  running(1);
  open(2, 4);
  open(3, 1);
  const auto polls = std::vector{claim(4, 60'000, 3), claim(5, 60'000), claim(1, 60'000, 0)};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(calls_of([] {}), 0u) << i;
  for (const auto& poll : polls) EXPECT_FALSE(*poll);
}

}  // namespace
}  // namespace tandem::queue
