#include "engine.h"

namespace tandem::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StoreCallbacksTest : public StoreTest {
 protected:
  Callback callback(TaskId task, WallTime due) {
    return {.task_id = task,
            .ended_at = kNow,
            .url = "https://example.org/done",
            .tries = 0,
            .due_at = due};
  }
  void owe(const std::vector<Callback>& callbacks) {
    TaskBatch batch;
    batch.callbacks = callbacks;
    write(batch).value();
  }
  void tried(const CallbackTry& made) {
    TaskBatch batch;
    batch.callback_tries = {made};
    write(batch).value();
  }
  std::vector<Callback> owed(int limit = 9, std::string_view url_prefix = "") {
    return reader().list_callbacks(url_prefix, limit).value();
  }
};
TANDEM_FOR_EACH_ENGINE(StoreCallbacksTest);

TEST_P(StoreCallbacksTest, TheyComeBackWholeTheFirstDueFirst) {
  Callback late = callback(id_at(kNow), kNow + 20), soon = callback(id_at(kNow), kNow + 10);
  late.tries = 3;
  owe({late, soon});
  EXPECT_THAT(owed(), ElementsAre(soon, late));
  EXPECT_THAT(owed(1), ElementsAre(soon));
  EXPECT_THAT(owed(0), IsEmpty());
}

TEST_P(StoreCallbacksTest, TheyAreListedByHowTheirUrlBegins) {
  const Callback web = callback(id_at(kNow), kNow);
  Callback other = callback(id_at(kNow), kNow + 1);
  other.url = "upstream:0:80% ä_";
  owe({web, other});
  EXPECT_THAT(owed(9, "http"), ElementsAre(web));
  EXPECT_THAT(owed(9, "upstream:"), ElementsAre(other));
  EXPECT_THAT(owed(9, "upstream:0:80% ä_"), ElementsAre(other));
  EXPECT_THAT(owed(9, "UPSTREAM:"), IsEmpty());
  EXPECT_THAT(owed(9, "upstream:0:80__ä_"), IsEmpty());
}

TEST_P(StoreCallbacksTest, ATryPutsOffOrSettles) {
  const Callback one = callback(id_at(kNow), kNow), other = callback(id_at(kNow), kNow + 1);
  owe({one, other});
  tried({one.task_id, kNow, kNow + 500});
  Callback put_off = one;
  put_off.tries = 1;
  put_off.due_at = kNow + 500;
  EXPECT_THAT(owed(), ElementsAre(other, put_off));
  tried({other.task_id, kNow, std::nullopt});
  EXPECT_THAT(owed(), ElementsAre(put_off));
}

TEST_P(StoreCallbacksTest, ATryOfAnEarlierEndChangesNothing) {
  Callback second = callback(id_at(kNow), kNow);
  owe({second});
  second.ended_at = kNow + 7;
  owe({second});
  tried({second.task_id, kNow, std::nullopt});
  tried({second.task_id, kNow, kNow + 99});
  tried({id_at(kNow), kNow, kNow + 99});
  EXPECT_THAT(owed(), ElementsAre(second));
}

TEST_P(StoreCallbacksTest, TheyGoWithTheirTask) {
  const Task task = pending_task();
  insert({task});
  owe({callback(task.task_id, kNow)});
  TaskBatch removal;
  removal.removals = {task.task_id};
  write(removal).value();
  EXPECT_THAT(owed(), IsEmpty());
}

TEST_P(StoreCallbacksTest, WhatIsNotCommittedIsNotOwed) {
  const Callback kept = callback(id_at(kNow), kNow);
  owe({kept});
  TaskBatch batch;
  batch.callbacks = {callback(id_at(kNow), kNow)};
  batch.callback_tries = {{kept.task_id, kNow, std::nullopt}};
  store().begin().value();
  store().apply(batch).value();
  EXPECT_THAT(owed(), ElementsAre(kept));
  store().rollback();
  EXPECT_THAT(owed(), ElementsAre(kept));
}

}  // namespace
}  // namespace tandem::store
