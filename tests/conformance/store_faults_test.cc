// The faults that the memory store can be told to have, on which the simulator relies.
#include "core/attempt.h"
#include "engine.h"
#include "store/memory/memory_store.h"

namespace tandem::store {
namespace {

class MemoryFaultsTest : public testing::Test {
 protected:
  MemoryFaultsTest() {
    TaskSpec spec;
    spec.payload = "{}";
    spec.job_type = "echo";
    const auto id = parse_uuid("01890000-0000-7000-8000-000000000001");
    task_ = make_task(TaskId(*id), ClientId(*id), spec, {1});
    batch_.inserts = {&task_};
  }
  bool is_there() { return store_.reader().find(task_.task_id).value().has_value(); }

  MemoryStore store_;
  Task task_;
  TaskBatch batch_;
};

TEST_F(MemoryFaultsTest, TheNthCallFailsOnceHavingDoneNothing) {
  store_.fail_call(2, Errc::disk_full);
  ASSERT_TRUE(store_.begin());
  EXPECT_EQ(store_.apply(batch_).error().code, Errc::disk_full);
  store_.rollback();
  EXPECT_FALSE(is_there());
  ASSERT_TRUE(store_.begin());
  ASSERT_TRUE(store_.apply(batch_));
  ASSERT_TRUE(store_.commit());
  EXPECT_TRUE(is_there());
  EXPECT_EQ(store_.calls(), 5u);
  EXPECT_EQ(store_.commits(), 1u);
}

TEST_F(MemoryFaultsTest, ACommitFailsBeforeOrAfterItTakesEffect) {
  store_.fail_commit(1, CommitFault::before);
  ASSERT_TRUE(store_.begin());
  ASSERT_TRUE(store_.apply(batch_));
  EXPECT_EQ(store_.commit().error().code, Errc::store_unavailable);
  EXPECT_FALSE(is_there());
  store_.fail_commit(2, CommitFault::after);
  ASSERT_TRUE(store_.begin());
  ASSERT_TRUE(store_.commit());
  ASSERT_TRUE(store_.begin());
  ASSERT_TRUE(store_.apply(batch_));
  EXPECT_FALSE(store_.commit());
  EXPECT_TRUE(is_there());
}

TEST_F(MemoryFaultsTest, ACrashDropsWhatIsNotCommitted) {
  ASSERT_TRUE(store_.begin());
  ASSERT_TRUE(store_.apply(batch_));
  store_.set_down(Errc::store_unavailable);
  EXPECT_FALSE(store_.load_leased());
  EXPECT_FALSE(store_.reader().find(task_.task_id));
  store_.crash();
  EXPECT_FALSE(is_there());
  EXPECT_TRUE(store_.load({}).value().empty());
  ASSERT_TRUE(store_.begin());
  ASSERT_TRUE(store_.apply(batch_));
  ASSERT_TRUE(store_.commit());
  store_.crash();
  EXPECT_TRUE(is_there());
}

}  // namespace
}  // namespace tandem::store
