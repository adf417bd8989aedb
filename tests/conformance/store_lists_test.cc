#include "engine.h"

namespace tandem::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using enum TaskStatus;

class StoreListsTest : public StoreTest {
 protected:
  // Four tasks, oldest first, each of its own kind.
  StoreListsTest() {
    queued_ = pending_task(kNow + 1, "fast");
    queued_.spec.labels = {{"team", "vision"}, {"env", "test"}};
    busy_ = running_task(kNow + 2);
    busy_.spec.labels = {{"team", "vision"}};
    done_ = running_task(kNow + 3);
    done_.spec.job_type = "Render";
    done_.spec.payload = R"({"job_type":"Render","note":"Ünique WORD % _"})";
    complete(done_, kNow + 30);
    foreign_ = pending_task(kNow + 4);
    foreign_.client_id = other_client_;
    insert({queued_, busy_, done_, foreign_});
  }

  Task queued_, busy_, done_, foreign_;
};
TANDEM_FOR_EACH_ENGINE(StoreListsTest);

TEST_P(StoreListsTest, NewestFirstInPagesWithoutGapOrRepeat) {
  EXPECT_THAT(listed({}),
              ElementsAre(foreign_.task_id, done_.task_id, busy_.task_id, queued_.task_id));
  TaskFilter filter;
  filter.limit = 2;
  EXPECT_THAT(listed(filter), ElementsAre(foreign_.task_id, done_.task_id));
  filter.before = done_.task_id;
  EXPECT_THAT(listed(filter), ElementsAre(busy_.task_id, queued_.task_id));
  filter.before = queued_.task_id;
  EXPECT_THAT(listed(filter), IsEmpty());
  filter.client_id = client_;
  filter.before = done_.task_id;
  filter.limit = 1;
  EXPECT_THAT(listed(filter), ElementsAre(busy_.task_id));
}

TEST_P(StoreListsTest, ByClient) {
  EXPECT_THAT(listed({.client_id = other_client_}), ElementsAre(foreign_.task_id));
  EXPECT_THAT(listed({.client_id = client_}),
              ElementsAre(done_.task_id, busy_.task_id, queued_.task_id));
  EXPECT_THAT(listed({.client_id = ClientId()}), IsEmpty());
}

TEST_P(StoreListsTest, ByStatus) {
  EXPECT_THAT(listed({.statuses = {pending}}), ElementsAre(foreign_.task_id, queued_.task_id));
  EXPECT_THAT(listed({.statuses = {completed, running}}),
              ElementsAre(done_.task_id, busy_.task_id));
  EXPECT_THAT(listed({.statuses = {running, assigned}}), ElementsAre(busy_.task_id));
  EXPECT_THAT(listed({.client_id = other_client_, .statuses = {running}}), IsEmpty());
  EXPECT_THAT(listed({.client_id = client_, .statuses = {running}}), ElementsAre(busy_.task_id));
  EXPECT_THAT(listed({.statuses = {waiting_for_input}}), IsEmpty());
}

TEST_P(StoreListsTest, ByJobTypeQueueAndWorker) {
  EXPECT_THAT(listed({.job_type = "Render"}), ElementsAre(done_.task_id));
  EXPECT_THAT(listed({.job_type = "render"}), IsEmpty());
  EXPECT_THAT(listed({.queue = "fast"}), ElementsAre(queued_.task_id));
  EXPECT_THAT(listed({.job_type = "echo", .queue = "default"}),
              ElementsAre(foreign_.task_id, busy_.task_id));
  EXPECT_THAT(listed({.worker_id = worker_}), ElementsAre(done_.task_id, busy_.task_id));
  TaskFilter both{.statuses = {running}};
  both.worker_id = worker_;
  EXPECT_THAT(listed(both), ElementsAre(busy_.task_id));
}

TEST_P(StoreListsTest, ByLabels) {
  EXPECT_THAT(listed({.labels = {{"team", "vision"}}}),
              ElementsAre(busy_.task_id, queued_.task_id));
  EXPECT_THAT(listed({.labels = {{"env", "test"}, {"team", "vision"}}}),
              ElementsAre(queued_.task_id));
  EXPECT_THAT(listed({.labels = {{"team", "visio"}}}), IsEmpty());
  EXPECT_THAT(listed({.labels = {{"vision", "team"}}}), IsEmpty());
}

TEST_P(StoreListsTest, SearchLooksIntoTypeIdAndPayloadWithoutRegardToCase) {
  EXPECT_THAT(listed({.search = "rENDER"}), ElementsAre(done_.task_id));
  EXPECT_THAT(listed({.search = "word % _"}), ElementsAre(done_.task_id));
  EXPECT_THAT(listed({.search = "Ünique"}), ElementsAre(done_.task_id));
  EXPECT_THAT(listed({.search = "word__"}), IsEmpty());
  EXPECT_THAT(listed({.search = to_string(busy_.task_id)}), ElementsAre(busy_.task_id));
  EXPECT_THAT(listed({.client_id = other_client_, .search = "render"}), IsEmpty());
}

TEST_P(StoreListsTest, ByTimeOfCreationBoundsExcluded) {
  EXPECT_THAT(listed({.created_after = kNow + 2}), ElementsAre(foreign_.task_id, done_.task_id));
  EXPECT_THAT(listed({.created_before = kNow + 2}), ElementsAre(queued_.task_id));
  EXPECT_THAT(listed({.created_after = kNow + 1, .created_before = kNow + 3}),
              ElementsAre(busy_.task_id));
}

TEST_P(StoreListsTest, AllFiltersAtOnce) {
  TaskFilter filter{.client_id = client_,
                    .statuses = {pending, running},
                    .job_type = "echo",
                    .queue = "default",
                    .worker_id = worker_,
                    .labels = {{"team", "vision"}},
                    .search = "ECHO",
                    .created_after = kNow,
                    .created_before = kNow + 9,
                    .before = foreign_.task_id,
                    .limit = 1};
  EXPECT_THAT(listed(filter), ElementsAre(busy_.task_id));
  filter.limit = 0;
  EXPECT_THAT(listed(filter), IsEmpty());
}

TEST_P(StoreListsTest, StatsCountByQueueAndStatus) {
  const TaskStats all = reader().stats({}, kNow + 50).value();
  const decltype(all.counts) wanted = {{{"fast", pending}, 1},
                                       {{"default", pending}, 1},
                                       {{"default", running}, 1},
                                       {{"default", completed}, 1}};
  EXPECT_EQ(all.counts, wanted);
  EXPECT_EQ(all.oldest_pending, kNow + 1);
  EXPECT_EQ(all.created_last_minute, 4);
  EXPECT_EQ(all.finished_last_minute, 1);
  const TaskStats foreign = reader().stats(other_client_, kNow + 50).value();
  EXPECT_EQ(foreign.counts.size(), 1u);
  EXPECT_EQ(foreign.oldest_pending, kNow + 4);
  EXPECT_EQ(foreign.created_last_minute, 1);
  EXPECT_EQ(foreign.finished_last_minute, 0);
  const TaskStats nobody = reader().stats(ClientId(), kNow).value();
  EXPECT_TRUE(nobody.counts.empty() && !nobody.oldest_pending);
}

TEST_P(StoreListsTest, StatsFollowChangesRemovalsAndTime) {
  Task cancelled_one = queued_;
  cancel(cancelled_one, kNow + 40);
  TaskBatch batch;
  batch.changes = {{&cancelled_one, 0, {pending}}};
  batch.removals = {busy_.task_id};
  write(batch).value();
  const TaskStats stats = reader().stats(client_, kNow + 60'003).value();
  const decltype(stats.counts) wanted = {{{"fast", cancelled}, 1}, {{"default", completed}, 1}};
  EXPECT_EQ(stats.counts, wanted);
  EXPECT_FALSE(stats.oldest_pending);
  EXPECT_EQ(stats.created_last_minute, 0);
  EXPECT_EQ(stats.finished_last_minute, 2);
  EXPECT_EQ(reader().stats({}, kNow + 60'003).value().created_last_minute, 1);
  EXPECT_EQ(reader().stats({}, kNow + 60'035).value().finished_last_minute, 1);
}

TEST_P(StoreListsTest, TheOldestPendingIsFoundBelowHigherPriorities) {
  insert({pending_task(kNow, "mixed", -5), pending_task(kNow + 9, "mixed", 50),
          pending_task(kNow + 8, "mixed", 0)});
  EXPECT_EQ(reader().stats({}, kNow).value().oldest_pending, kNow);
}

}  // namespace
}  // namespace tandem::store
