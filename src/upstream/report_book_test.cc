#include "upstream/report_book.h"

#include <gtest/gtest.h>

namespace tandem::upstream {
namespace {

using wire::UpdateStatus;

class ReportBookTest : public testing::Test {
 protected:
  Task task_as(TaskStatus status) {
    Task task;
    task.task_id = kTask;
    task.status = status;
    if (status != TaskStatus::pending) task.started_at = WallTime{5};
    if (is_terminal(status)) task.finished_at = WallTime{9};
    return task;
  }
  void see(TaskStatus status) { book_.saw(kJob, task_as(status)); }
  ReportBook::Due next() {
    auto due = book_.take(now_);
    EXPECT_TRUE(due);
    return due.value_or(ReportBook::Due{});
  }
  bool is_silent() { return !book_.take(now_); }
  void tell(UpdateStatus expected) {
    const auto due = next();
    EXPECT_EQ(due.update.status, expected);
    book_.told(due, now_);
  }

  const ForeignJob kJob{"a", 0};
  const TaskId kTask{*parse_uuid("01890000-0000-7000-8000-00000000000a")};
  MonoTime now_{1000};
  ReportBook book_;
};

TEST_F(ReportBookTest, TellsThatItRunsThenItsEnd) {
  book_.add(kJob, task_as(TaskStatus::pending));
  EXPECT_EQ(book_.waiting(), 1u);
  EXPECT_TRUE(is_silent());
  see(TaskStatus::running);
  EXPECT_EQ(book_.waiting(), 0u);
  tell(UpdateStatus::running);
  EXPECT_TRUE(is_silent());
  see(TaskStatus::completed);
  EXPECT_TRUE(book_.owes_ends());
  EXPECT_FALSE(book_.ended(kJob));
  tell(UpdateStatus::completed);
  ASSERT_TRUE(book_.ended(kJob));
  EXPECT_EQ(book_.ended(kJob)->finished_at, WallTime{9});
  EXPECT_TRUE(is_silent());
  book_.forget(kJob);
  EXPECT_EQ(book_.size(), 0u);
}

TEST_F(ReportBookTest, AnEndThatCameFirstFollowsTheStart) {
  book_.add(kJob, task_as(TaskStatus::failed));
  auto due = next();
  EXPECT_EQ(due.update.status, UpdateStatus::running);
  EXPECT_FALSE(due.is_final);
  book_.told(due, now_);
  due = next();
  EXPECT_EQ(due.update.status, UpdateStatus::failed);
  EXPECT_TRUE(due.is_final);
}

TEST_F(ReportBookTest, WhatNeverStartedIsNotSaidToRun) {
  Task task = task_as(TaskStatus::cancelled);
  task.started_at.reset();
  book_.add(kJob, task);
  tell(UpdateStatus::cancelled);
  EXPECT_TRUE(book_.ended(kJob));
}

TEST_F(ReportBookTest, OneReportOfAJobIsUnderWay) {
  book_.add(kJob, task_as(TaskStatus::running));
  const auto due = next();
  see(TaskStatus::completed);
  EXPECT_TRUE(is_silent());
  book_.put_off(due, now_);
  tell(UpdateStatus::running);  // it was not heard
  tell(UpdateStatus::completed);
}

TEST_F(ReportBookTest, WhatIsPutOffWaitsAndOthersDoNot) {
  book_.add(kJob, task_as(TaskStatus::running));
  const auto due = next();
  book_.put_off(due, now_ + 500);
  EXPECT_TRUE(is_silent());
  EXPECT_EQ(book_.next_due(), now_ + 500);
  const ForeignJob other{"b", 0};
  book_.add(other, task_as(TaskStatus::running));
  EXPECT_EQ(next().job, other);
  now_ = now_ + 500;
  EXPECT_EQ(next().job, kJob);
}

TEST_F(ReportBookTest, OfProgressTheLatestIsToldAndNotTooOften) {
  book_.add(kJob, task_as(TaskStatus::running));
  tell(UpdateStatus::running);
  Task task = task_as(TaskStatus::running);
  for (const double percent : {10.0, 20.0, 30.0}) {
    task.progress.percent = percent;
    book_.saw(kJob, task);
  }
  EXPECT_TRUE(is_silent());
  now_ = now_ + 1000;
  const auto due = next();
  EXPECT_EQ(due.update.progress->percent, 30.0);
  book_.told(due, now_);
  see(TaskStatus::completed);
  tell(UpdateStatus::completed);  // an end does not wait
}

TEST_F(ReportBookTest, LeasesAreAcceptedAtOnceAndRenewed) {
  book_.set_rules({.accept_at_once = true, .renew_every_ms = 300});
  book_.add(kJob, task_as(TaskStatus::pending));
  tell(UpdateStatus::running);
  EXPECT_TRUE(is_silent());
  now_ = now_ + 300;
  tell(UpdateStatus::running);
  EXPECT_TRUE(is_silent());
}

TEST_F(ReportBookTest, AnOfferIsToldToRunAndThenBecomesATask) {
  book_.set_rules({.accept_at_once = true, .renew_every_ms = 300, .give_up_ms = 2000});
  book_.offer(kJob);
  EXPECT_EQ(book_.waiting(), 1u);
  tell(UpdateStatus::running);
  book_.add(kJob, task_as(TaskStatus::running));
  EXPECT_EQ(book_.waiting(), 0u);
  EXPECT_TRUE(is_silent()) << "it was said that it runs";
  book_.add(kJob, task_as(TaskStatus::pending));  // not again
  EXPECT_EQ(book_.waiting(), 0u);
  see(TaskStatus::completed);
  tell(UpdateStatus::completed);
  EXPECT_TRUE(book_.ended(kJob));
}

TEST_F(ReportBookTest, AnOfferThatIsRefusedIsForgotten) {
  book_.offer(kJob);
  const auto due = next();
  book_.skipped(due, now_);
  book_.forget(kJob);
  EXPECT_EQ(book_.size() + book_.waiting(), 0u);
  EXPECT_EQ(book_.next_due(), kNever);
}

TEST_F(ReportBookTest, AJobThatTheServiceHasNotHeardOfIsGivenUpAndGivenBack) {
  book_.set_rules({.accept_at_once = true, .renew_every_ms = 300, .give_up_ms = 2000});
  book_.add(kJob, task_as(TaskStatus::running));
  EXPECT_TRUE(book_.take_unheard(now_ + 9000).empty()) << "nobody knows since when";
  const auto first = next();
  now_ = now_ + 500;  // for its answer; the lease is counted from before
  book_.told(first, now_);
  EXPECT_TRUE(book_.take_unheard(now_ + 1499).empty());
  now_ = now_ + 1000;
  tell(UpdateStatus::running);
  EXPECT_TRUE(book_.take_unheard(now_ + 1999).empty());
  EXPECT_EQ(book_.take_unheard(now_ + 2000), std::vector<ForeignJob>{kJob});
  EXPECT_TRUE(book_.take_unheard(now_ + 2000).empty());
  see(TaskStatus::cancelled);
  const auto last = next();
  EXPECT_EQ(last.update.status, UpdateStatus::released);
  EXPECT_TRUE(last.is_final);
}

TEST_F(ReportBookTest, WhatIsLeasedAndWaitsIsGivenBackAtTheEnd) {
  book_.add(kJob, task_as(TaskStatus::pending));
  EXPECT_TRUE(book_.take_waiting().empty()) << "its service gives it once";
  book_.set_rules({.accept_at_once = true, .renew_every_ms = 300, .give_up_ms = 2000});
  book_.add({"b", 1}, task_as(TaskStatus::running));
  book_.offer({"c", 1});
  EXPECT_EQ(book_.take_waiting(), std::vector<ForeignJob>{kJob});
  EXPECT_TRUE(book_.take_waiting().empty());
  Task cancelled = task_as(TaskStatus::cancelled);
  cancelled.started_at.reset();
  tell(UpdateStatus::running);
  book_.saw(kJob, cancelled);
  tell(UpdateStatus::running);  // of b, which goes on
  tell(UpdateStatus::running);  // of c
  tell(UpdateStatus::released);
}

TEST_F(ReportBookTest, WhatNobodyBeganInTimeIsGivenBack) {
  Task failed = task_as(TaskStatus::failed);
  failed.started_at.reset();
  failed.error = TaskError{"queue_timeout", "No worker took the task"};
  book_.add(kJob, failed);
  EXPECT_EQ(next().update.status, UpdateStatus::released);

  const ForeignJob other{"b", 1};
  failed.error = TaskError{"worker_lost", "Its worker is gone"};
  book_.add(other, failed);
  EXPECT_EQ(next().update.status, UpdateStatus::failed);
}

TEST_F(ReportBookTest, WhatEndedBeforeItCouldBeStoppedIsToldAsItEnded) {
  book_.set_rules({.accept_at_once = true, .renew_every_ms = 300, .give_up_ms = 2000});
  book_.add(kJob, task_as(TaskStatus::running));
  tell(UpdateStatus::running);
  EXPECT_EQ(book_.take_unheard(now_ + 2000).size(), 1u);
  see(TaskStatus::completed);
  EXPECT_EQ(next().update.status, UpdateStatus::completed);
}

TEST_F(ReportBookTest, AJobWithoutATaskEndsOnce) {
  book_.end(kJob, UpdateStatus::failed, TaskError{"rejected", "no"});
  book_.end(kJob, UpdateStatus::cancelled, TaskError{"cancelled", "late"});
  const auto due = next();
  EXPECT_EQ(due.update.status, UpdateStatus::failed);
  EXPECT_EQ(due.update.error->message, "no");
  book_.told(due, now_);
  ASSERT_TRUE(book_.ended(kJob));
  EXPECT_FALSE(book_.ended(kJob)->finished_at);
  EXPECT_EQ(book_.waiting(), 0u);
}

TEST_F(ReportBookTest, ATaskThatRunsAgainIsFollowedAgain) {
  book_.add(kJob, task_as(TaskStatus::failed));
  tell(UpdateStatus::running);
  const auto due = next();
  see(TaskStatus::pending);  // a client had it run again while its end was told
  book_.told(due, now_);
  EXPECT_FALSE(book_.ended(kJob));
  see(TaskStatus::running);
  tell(UpdateStatus::running);
  see(TaskStatus::completed);
  tell(UpdateStatus::completed);
  EXPECT_TRUE(book_.ended(kJob));
}

TEST_F(ReportBookTest, TakesTurns) {
  std::set<ForeignJob> all;
  for (const char* name : {"c", "a", "b"}) {
    book_.add({name, 0}, task_as(TaskStatus::running));
    all.insert({name, 0});
  }
  EXPECT_EQ(book_.jobs(), all);
  EXPECT_EQ(next().job.task_id, "c");
  EXPECT_EQ(next().job.task_id, "a");
  EXPECT_EQ(next().job.task_id, "b");
}

}  // namespace
}  // namespace tandem::upstream
