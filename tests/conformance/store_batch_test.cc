#include "engine.h"

namespace tandem::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using enum TaskStatus;

using StoreBatchTest = StoreTest;
TANDEM_FOR_EACH_ENGINE(StoreBatchTest);

TEST_P(StoreBatchTest, EveryMemberComesBack) {
  const Task full = full_task(id_at(kNow), client_, kNow);
  const Task plain = pending_task();
  insert({full, plain});
  expect_same(stored(full.task_id), full);
  expect_same(stored(plain.task_id), plain);
  expect_same(*reader().find(full.task_id).value(), full);
}

TEST_P(StoreBatchTest, AChangeWritesEveryMemberOfTheStateAndNoneOfTheSpec) {
  Task wanted = full_task(id_at(kNow), client_, kNow);
  Task before = make_task(wanted.task_id, client_, wanted.spec, kNow);
  before.inputs = wanted.inputs;
  before.status = running;
  before.attempt = 1;
  before.worker_id = worker_;
  insert({before});
  Task image = wanted;
  image.spec = {};
  image.inputs.clear();
  image.client_id = other_client_;
  image.created_at = kNow + 99;
  EXPECT_TRUE(change(image, 1, {running}));
  expect_same(stored(wanted.task_id), wanted);
}

TEST_P(StoreBatchTest, AChangeTakesMembersAwayAgain) {
  Task task = full_task(id_at(kNow), client_, kNow);
  insert({task});
  task.cancel_requested = false;
  fail_attempt(task, {"worker_lost", "gone"}, kNow + 50);
  become_pending(task, kNow + 60);
  EXPECT_FALSE(change(task, 3, {running}));
  Task scheduled_again = task;
  scheduled_again.status = scheduled;
  ASSERT_TRUE(change(scheduled_again, 3, {waiting_for_input}));
  ASSERT_TRUE(change(task, 3, {scheduled}));
  assign(task, worker_, "other", kNow + 70);
  ASSERT_TRUE(change(task, 3, {pending}));
  const Task now = stored(task.task_id);
  expect_same(now, task);
  EXPECT_FALSE(now.error || now.exit_code || now.signal || now.input_request || now.started_at);
  EXPECT_TRUE(now.outputs.empty() && now.result.empty());
}

TEST_P(StoreBatchTest, AGuardThatDoesNotHoldWritesNothingAndTheOthersStand) {
  const Task first = running_task(), second = running_task(), absent = running_task();
  insert({first, second});
  Task first_done = first, second_done = second;
  complete(first_done, kNow + 1);
  complete(second_done, kNow + 1);
  TaskBatch batch;
  batch.changes = {{&first_done, 2, {running}},
                   {&first_done, 1, {assigned, waiting_for_input}},
                   {&absent, 1, {running}},
                   {&second_done, 1, {assigned, running}},
                   {&second_done, 1, {running}}};
  EXPECT_THAT(write(batch).value(), ElementsAre(0, 0, 0, 1, 0));
  expect_same(stored(first.task_id), first);
  expect_same(stored(second.task_id), second_done);
}

TEST_P(StoreBatchTest, InsertsComeBeforeChangesBeforeRemovals) {
  const Task task = running_task(), removed = running_task();
  Task done = task, removed_done = removed;
  complete(done, kNow + 1);
  complete(removed_done, kNow + 1);
  TaskBatch batch;
  batch.inserts = {&task, &removed};
  batch.changes = {{&done, 1, {running}}, {&removed_done, 1, {running}}};
  batch.removals = {removed.task_id, id_at(kNow)};
  EXPECT_THAT(write(batch).value(), ElementsAre(1, 1, 1, 0)) << "the last row was never there";
  expect_same(stored(task.task_id), done);
  EXPECT_FALSE(reader().find(removed.task_id).value());
}

TEST_P(StoreBatchTest, EveryPairOfStatusesIsAllowedAsCoreSays) {
  for (const TaskStatus from : kAllStatuses)
    for (const TaskStatus to : kAllStatuses) {
      Task task = running_task();
      task.run_at = kNow;
      const auto set = [](Task& image, TaskStatus status) {
        image.status = status;
        image.finished_at.reset();
        if (is_terminal(status)) image.finished_at = kNow;
      };
      set(task, from);
      insert({task});
      set(task, to);
      TaskBatch batch;
      batch.changes = {{&task, 1, {from}}};
      const auto written = write(batch);
      const bool legal = from == to || may_follow(from, to);
      EXPECT_EQ(written.has_value(), legal) << to_string(from) << " to " << to_string(to);
      EXPECT_EQ(stored(task.task_id).status, legal ? to : from);
      if (!legal) {
        EXPECT_EQ(written.error().code, Errc::illegal_transition);
      }
    }
}

TEST_P(StoreBatchTest, WhatBreaksARuleIsRefused) {
  const auto refused = [&](Task task) {
    TaskBatch batch;
    batch.inserts = {&task};
    const auto written = write(batch);
    return !written && written.error().code == Errc::internal &&
           !reader().find(task.task_id).value();
  };
  Task task = pending_task();
  task.status = scheduled;
  EXPECT_TRUE(refused(task)) << "no run_at";
  task = pending_task();
  task.queued_at.reset();
  EXPECT_TRUE(refused(task)) << "no queued_at";
  task = running_task();
  task.worker_id = {};
  EXPECT_TRUE(refused(task)) << "no worker";
  task = running_task();
  task.status = completed;
  EXPECT_TRUE(refused(task)) << "no finished_at";
  EXPECT_TRUE(refused(pending_task(kNow, "default", 101))) << "priority";
  const Task good = pending_task();
  insert({good});
  TaskBatch again;
  again.inserts = {&good};
  EXPECT_EQ(write(again).error().code, Errc::conflict);
}

TEST_P(StoreBatchTest, RollbackBringsEverythingBack) {
  const Task kept = running_task(), gone = running_task(), fresh = pending_task();
  insert({kept, gone});
  TaskBatch input;
  input.inputs = {{gone.task_id, 1, 1, "x", false}};
  write(input).value();
  Task done = kept;
  complete(done, kNow + 1);
  TaskBatch batch;
  batch.inserts = {&fresh};
  batch.changes = {{&done, 1, {running}}};
  batch.removals = {gone.task_id};
  batch.idempotency = {{client_, "key", "sha", {fresh.task_id}, kNow}};
  batch.inputs = {{kept.task_id, 1, 1, "y", true}};
  ASSERT_TRUE(store().begin());
  ASSERT_TRUE(store().apply(batch));
  EXPECT_EQ(stored(kept.task_id).status, completed) << "reads see the transaction's writes";
  EXPECT_EQ(reader().find(kept.task_id).value()->status, running) << "requests don't";
  EXPECT_FALSE(reader().find(fresh.task_id).value());
  EXPECT_TRUE(reader().find(gone.task_id).value());
  EXPECT_THAT(listed({}), ElementsAre(gone.task_id, kept.task_id));
  store().rollback();
  store().rollback();
  expect_same(stored(kept.task_id), kept);
  expect_same(stored(gone.task_id), gone);
  EXPECT_THAT(store().pending_lanes().value(), IsEmpty());
  EXPECT_EQ(store().load_leased().value().size(), 2u);
  EXPECT_THAT(store().load_finished_before(kNow + 100, 9).value(), IsEmpty());
  EXPECT_FALSE(store().find_idempotency(client_, "key").value());
  EXPECT_THAT(store().load_inputs(kept.task_id, 1, 0).value(), IsEmpty());
  EXPECT_EQ(store().load_inputs(gone.task_id, 1, 0).value().size(), 1u);
  EXPECT_EQ((reader().stats({}, kNow).value().counts.at({"default", running})), 2);
  insert({fresh});
  EXPECT_EQ(store().load_pending(lane_of(fresh), nullptr, 9).value().size(), 1u);
}

TEST_P(StoreBatchTest, AfterARefusedBatchTheStoreGoesOn) {
  const Task task = pending_task();
  TaskBatch twice;
  twice.inserts = {&task, &task};
  EXPECT_FALSE(write(twice));
  EXPECT_FALSE(reader().find(task.task_id).value());
  insert({task});
  EXPECT_TRUE(reader().find(task.task_id).value());
}

TEST_P(StoreBatchTest, LoadKeepsTheOrderAskedForAndLeavesOutWhatIsMissing) {
  const Task first = pending_task(), second = pending_task();
  insert({first, second});
  const std::vector<TaskId> wanted = {second.task_id, id_at(kNow), first.task_id};
  EXPECT_THAT(ids_of(store().load(wanted).value()), ElementsAre(second.task_id, first.task_id));
  EXPECT_THAT(store().load({}).value(), IsEmpty());
}

TEST_P(StoreBatchTest, IdempotencyRowsAreFoundReplacedAndExpired) {
  const std::vector<TaskId> tasks = {id_at(kNow), id_at(kNow)};
  TaskBatch batch;
  batch.idempotency = {{client_, "a", "sha-a", tasks, kNow},
                       {client_, "b", "sha-b", {}, kNow + 10},
                       {other_client_, "a", "sha-o", {}, kNow + 20}};
  write(batch).value();
  auto row = store().find_idempotency(client_, "a").value();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->client_id, client_);
  EXPECT_EQ(row->key, "a");
  EXPECT_EQ(row->body_sha256, "sha-a");
  EXPECT_EQ(row->tasks, tasks);
  EXPECT_EQ(row->created_at, kNow);
  EXPECT_FALSE(store().find_idempotency(other_client_, "b").value());
  TaskBatch newer;
  newer.idempotency = {{client_, "b", "sha-new", {}, kNow + 30}};
  write(newer).value();
  EXPECT_EQ(store().find_idempotency(client_, "b").value()->body_sha256, "sha-new");
  EXPECT_EQ(store().expire_idempotency(kNow + 20, 9).value(), 1);
  EXPECT_FALSE(store().find_idempotency(client_, "a").value());
  EXPECT_TRUE(store().find_idempotency(other_client_, "a").value());
  EXPECT_EQ(store().expire_idempotency(kNow + 20, 9).value(), 0);
  EXPECT_EQ(store().expire_idempotency(kNow + 99, 1).value(), 1);
  EXPECT_FALSE(store().find_idempotency(other_client_, "a").value()) << "the older goes first";
  EXPECT_TRUE(store().find_idempotency(client_, "b").value());
}

TEST_P(StoreBatchTest, InputsAreReadInOrderByAttemptAndGoWithTheirTask) {
  const Task task = running_task();
  insert({task});
  const std::string bytes("a\0\xff", 3);
  TaskBatch batch;
  batch.inputs = {{task.task_id, 1, 2, "", true},
                  {task.task_id, 1, 1, bytes, false},
                  {task.task_id, 2, 1, "next", false}};
  write(batch).value();
  const auto pieces = store().load_inputs(task.task_id, 1, 0).value();
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].data, bytes);
  EXPECT_FALSE(pieces[0].eof);
  EXPECT_EQ(pieces[1].seq, 2u);
  EXPECT_TRUE(pieces[1].eof);
  EXPECT_EQ(store().load_inputs(task.task_id, 1, 1).value().size(), 1u);
  EXPECT_THAT(store().load_inputs(task.task_id, 1, 2).value(), IsEmpty());
  TaskBatch repeat;
  repeat.inputs = {{task.task_id, 2, 1, "again", false}};
  EXPECT_EQ(write(repeat).error().code, Errc::conflict);
  EXPECT_EQ(store().load_inputs(task.task_id, 2, 0).value().at(0).data, "next");
  TaskBatch removal;
  removal.removals = {task.task_id};
  write(removal).value();
  EXPECT_THAT(store().load_inputs(task.task_id, 1, 0).value(), IsEmpty());
  EXPECT_THAT(store().load_inputs(task.task_id, 2, 0).value(), IsEmpty());
}

}  // namespace
}  // namespace tandem::store
