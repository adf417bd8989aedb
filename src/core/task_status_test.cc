#include "core/task_status.h"

#include <gtest/gtest.h>

#include <string>

namespace tandem {
namespace {

using enum TaskStatus;

struct ExpectedRow {
  TaskStatus from;
  std::string_view name;
  bool terminal, leased, settable;
  // One sign for each status it may go to, in the order of the enumeration: x or a point.
  std::string_view next;
};

// The table written a second time, as a picture.
constexpr ExpectedRow kExpected[] = {
    //                                                          spar wcfc
    {scheduled, "scheduled", false, false, false, /*         */ ".x....xx"},
    {pending, "pending", false, false, false, /*             */ "..xx..xx"},
    {assigned, "assigned", false, true, false, /*            */ "xx.x.xxx"},
    {running, "running", false, true, true, /*               */ "xx..xxxx"},
    {waiting_for_input, "waiting_for_input", false, true, true, "xx.x.xxx"},
    {completed, "completed", true, false, true, /*           */ ".x......"},
    {failed, "failed", true, false, true, /*                 */ ".x......"},
    {cancelled, "cancelled", true, false, true, /*           */ ".x......"},
};

class TransitionTable : public testing::TestWithParam<ExpectedRow> {};

TEST_P(TransitionTable, LeadsWhereItMayAndNowhereElse) {
  const ExpectedRow& row = GetParam();
  for (std::size_t i = 0; i < kAllStatuses.size(); ++i)
    EXPECT_EQ(may_follow(row.from, kAllStatuses[i]), row.next[i] == 'x')
        << row.name << " to " << to_string(kAllStatuses[i]);
}

TEST_P(TransitionTable, HasItsNameAndKind) {
  const ExpectedRow& row = GetParam();
  EXPECT_EQ(to_string(row.from), row.name);
  EXPECT_EQ(task_status_from(row.name), row.from);
  EXPECT_EQ(is_terminal(row.from), row.terminal);
  EXPECT_EQ(is_leased(row.from), row.leased);
  EXPECT_EQ(is_settable_by_worker(row.from), row.settable);
}

INSTANTIATE_TEST_SUITE_P(Every, TransitionTable, testing::ValuesIn(kExpected),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(TaskStatus, TheExpectedTableIsWhole) {
  ASSERT_EQ(std::size(kExpected), kTaskStatusCount);
  for (std::size_t i = 0; i < kTaskStatusCount; ++i) {
    EXPECT_EQ(kExpected[i].from, kAllStatuses[i]);
    EXPECT_EQ(kExpected[i].next.size(), kTaskStatusCount);
  }
}

TEST(TaskStatus, OtherNamesAreNone) {
  for (std::string_view name : {"", "Pending", "pending ", "released", "canceled", "waiting"})
    EXPECT_EQ(task_status_from(name), std::nullopt) << name;
}

TEST(TaskStatusDeathTest, AStatusThatIsNoneAborts) {
  EXPECT_DEATH(static_cast<void>(to_string(static_cast<TaskStatus>(99))), "assertion failed");
}

TEST(StatusSet, HoldsWhatWasPutIn) {
  StatusSet set;
  EXPECT_TRUE(set.empty());
  for (TaskStatus status : kAllStatuses) {
    EXPECT_FALSE(set.contains(status));
    set.insert(status);
    EXPECT_TRUE(set.contains(status));
  }
  EXPECT_FALSE(set.empty());
  EXPECT_EQ(StatusSet({pending, running}), StatusSet({running, pending, running}));
  EXPECT_NE(StatusSet({pending}), StatusSet({running}));
}

}  // namespace
}  // namespace tandem
