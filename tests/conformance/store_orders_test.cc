#include <algorithm>

#include "engine.h"

namespace tandem::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using enum TaskStatus;

using StoreOrdersTest = StoreTest;
TANDEM_FOR_EACH_ENGINE(StoreOrdersTest);

TEST_P(StoreOrdersTest, PendingTasksComeByPriorityThenAge) {
  const Task a = pending_task(kNow, "q", 0), b = pending_task(kNow, "q", 5),
             c = pending_task(kNow, "q", 0), d = pending_task(kNow, "q", -1),
             elsewhere = pending_task(kNow, "other", 9), busy = running_task();
  insert({a, b, c, d, elsewhere, busy});
  const LaneKey lane = lane_of(a);
  EXPECT_THAT(ids_of(store().load_pending(lane, nullptr, 9).value()),
              ElementsAre(b.task_id, a.task_id, c.task_id, d.task_id));
  EXPECT_THAT(ids_of(store().load_pending(lane, nullptr, 2).value()),
              ElementsAre(b.task_id, a.task_id));
  const LanePosition behind_a{.priority = 0, .task_id = a.task_id};
  EXPECT_THAT(ids_of(store().load_pending(lane, &behind_a, 9).value()),
              ElementsAre(c.task_id, d.task_id));
  EXPECT_THAT(ids_of(store().load_pending(lane, &behind_a, 1).value()), ElementsAre(c.task_id));
  const LanePosition behind_all{.priority = -1, .task_id = d.task_id};
  EXPECT_THAT(store().load_pending(lane, &behind_all, 9).value(), IsEmpty());
  EXPECT_THAT(store().load_pending(lane, nullptr, 0).value(), IsEmpty());
}

TEST_P(StoreOrdersTest, LanesDifferInEachMemberAndEmptyOnesAreLeftOut) {
  std::vector<Task> tasks;
  const auto add = [&](auto alter) {
    Task task = pending_task();
    alter(task);
    tasks.push_back(task);
  };
  add([](Task&) {});
  add([&](Task& task) { task.client_id = other_client_; });
  add([](Task& task) { task.spec.queue = "x"; });
  add([](Task& task) { task.spec.job_type = "x"; });
  add([](Task& task) { task.spec.assignment = Assignment::push; });
  add([](Task& task) { task.spec.requires_labels = {"a", "b"}; });
  add([](Task& task) { task.spec.requires_labels = {"a,b"}; });
  insert(tasks);
  std::vector<LaneKey> wanted;
  for (const Task& task : tasks) {
    wanted.push_back(lane_of(task));
    EXPECT_THAT(ids_of(store().load_pending(lane_of(task), nullptr, 9).value()),
                ElementsAre(task.task_id));
  }
  EXPECT_THAT(store().pending_lanes().value(), testing::UnorderedElementsAreArray(wanted));
  Task taken = tasks.front();
  cancel(taken, kNow + 1);
  ASSERT_TRUE(change(taken, 0, {pending}));
  wanted.erase(wanted.begin());
  EXPECT_THAT(store().pending_lanes().value(), testing::UnorderedElementsAreArray(wanted));
  EXPECT_THAT(store().load_pending(lane_of(taken), nullptr, 9).value(), IsEmpty());
  LaneKey unknown = lane_of(taken);
  unknown.queue = "nobody";
  EXPECT_THAT(store().load_pending(unknown, nullptr, 9).value(), IsEmpty());
}

TEST_P(StoreOrdersTest, ALaneMadeInARolledBackTransactionIsMadeAgain) {
  const Task task = pending_task();
  TaskBatch batch;
  batch.inserts = {&task};
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(store().apply(batch));
  EXPECT_EQ(store().pending_lanes().value().size(), 1u);
  store().rollback();
  insert({task});
  EXPECT_THAT(store().pending_lanes().value(), ElementsAre(lane_of(task)));
  EXPECT_EQ(store().load_pending(lane_of(task), nullptr, 9).value().size(), 1u);
}

TEST_P(StoreOrdersTest, LeasedTasksAreThoseWithAWorker) {
  Task offered = pending_task(), waiting = running_task(), done = running_task();
  assign(offered, worker_, "w", kNow);
  waiting.status = waiting_for_input;
  complete(done, kNow);
  const Task busy = running_task(), idle = pending_task();
  insert({offered, waiting, done, busy, idle});
  EXPECT_THAT(ids_of(store().load_leased().value()),
              UnorderedElementsAre(offered.task_id, waiting.task_id, busy.task_id));
}

TEST_P(StoreOrdersTest, ScheduledTasksFallDueByTheirTime) {
  EXPECT_FALSE(store().next_due().value());
  const auto scheduled_for = [&](std::int64_t in_ms) {
    Task task = pending_task();
    return make_task(
        task.task_id, client_,
        [&] {
          TaskSpec spec = task.spec;
          spec.delay_ms = in_ms;
          return spec;
        }(),
        kNow);
  };
  const Task late = scheduled_for(300), early = scheduled_for(100), middle = scheduled_for(200);
  Task had_run_at = running_task();
  had_run_at.run_at = kNow;
  insert({late, early, middle, had_run_at});
  EXPECT_EQ(store().next_due().value(), kNow + 100);
  EXPECT_THAT(store().load_due(kNow + 99, 9).value(), IsEmpty());
  EXPECT_THAT(ids_of(store().load_due(kNow + 200, 9).value()),
              ElementsAre(early.task_id, middle.task_id));
  EXPECT_THAT(ids_of(store().load_due(kNow + 999, 2).value()),
              ElementsAre(early.task_id, middle.task_id));
  Task now_pending = early;
  become_pending(now_pending, kNow + 100);
  ASSERT_TRUE(change(now_pending, 0, {scheduled}));
  EXPECT_EQ(store().next_due().value(), kNow + 200);
}

TEST_P(StoreOrdersTest, QueueTimeoutsRunWhilePendingOnly) {
  EXPECT_FALSE(store().next_queue_expiry().value());
  const auto expiring = [&](std::int64_t timeout_ms) {
    Task task = pending_task();
    task.spec.queue_timeout_ms = timeout_ms;
    return task;
  };
  const Task late = expiring(500), early = expiring(100), never = pending_task();
  Task busy = expiring(10);
  assign(busy, worker_, "w", kNow);
  Task again = expiring(20);
  assign(again, worker_, "w", kNow);
  fail_attempt(again, {"exit_status", "x"}, kNow);
  Task waits = again;
  waits.task_id = id_at(kNow);
  waits.status = scheduled;
  waits.run_at = kNow + 1000;
  waits.finished_at.reset();
  insert({late, early, never, busy, waits});
  EXPECT_EQ(store().next_queue_expiry().value(), kNow + 100);
  EXPECT_THAT(store().load_queue_expired(kNow + 99, 9).value(), IsEmpty());
  EXPECT_THAT(ids_of(store().load_queue_expired(kNow + 100, 9).value()),
              ElementsAre(early.task_id));
  EXPECT_THAT(ids_of(store().load_queue_expired(kNow + 900, 9).value()),
              ElementsAre(early.task_id, late.task_id));
  EXPECT_EQ(store().load_queue_expired(kNow + 900, 1).value().size(), 1u);
  Task released = busy;
  release(released, kNow + 40);
  ASSERT_TRUE(change(released, 1, {assigned}));
  EXPECT_EQ(store().next_queue_expiry().value(), kNow + 50) << "counts from queued_at";
  become_pending(waits, kNow + 25);
  ASSERT_TRUE(change(waits, 1, {scheduled}));
  EXPECT_EQ(store().next_queue_expiry().value(), kNow + 45);
}

TEST_P(StoreOrdersTest, AUniqueKeyIsHeldUntilTheTaskHasFinished) {
  Task first = pending_task(), second = pending_task(), foreign = pending_task();
  first.spec.unique_key = second.spec.unique_key = foreign.spec.unique_key = "k";
  foreign.client_id = other_client_;
  insert({second, first, foreign, pending_task()});
  EXPECT_EQ(store().find_unique(client_, "k").value(), first.task_id);
  EXPECT_EQ(store().find_unique(other_client_, "k").value(), foreign.task_id);
  EXPECT_FALSE(store().find_unique(client_, "other").value());
  EXPECT_FALSE(store().find_unique(client_, "").value());
  Task first_gone = first, second_gone = second;
  cancel(first_gone, kNow);
  cancel(second_gone, kNow);
  ASSERT_TRUE(change(first_gone, 0, {pending}));
  EXPECT_EQ(store().find_unique(client_, "k").value(), second.task_id);
  ASSERT_TRUE(change(second_gone, 0, {pending}));
  EXPECT_FALSE(store().find_unique(client_, "k").value());
  retry(first_gone, kNow + 1);
  ASSERT_TRUE(change(first_gone, 0, {cancelled}));
  EXPECT_EQ(store().find_unique(client_, "k").value(), first.task_id);
}

TEST_P(StoreOrdersTest, FinishedTasksAreNamedOldestFirst) {
  std::vector<Task> done;
  for (const int at : {30, 10, 20}) {
    done.push_back(running_task());
    complete(done.back(), kNow + at);
  }
  insert(done);
  insert({running_task()});
  const auto finished_before = [&](WallTime before, int limit) {
    store().begin().value();
    auto found = store().load_finished_before(before, limit).value();
    store().commit().value();
    return found;
  };
  EXPECT_THAT(finished_before(kNow + 30, 9), ElementsAre(done[1].task_id, done[2].task_id));
  EXPECT_THAT(finished_before(kNow + 99, 1), ElementsAre(done[1].task_id));
  retry(done[1], kNow + 40);
  ASSERT_TRUE(change(done[1], 1, {completed}));
  EXPECT_THAT(finished_before(kNow + 30, 9), ElementsAre(done[2].task_id));
}

}  // namespace
}  // namespace tandem::store
