// Each job over the real dispatcher, hub and file store.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "base/limits.h"
#include "base/manual_clock.h"
#include "blobs/dir_blob_store.h"
#include "core/attempt.h"
#include "logs/memory/memory_log_store.h"
#include "queue/maintenance/idempotency_expiry.h"
#include "queue/maintenance/log_archiving.h"
#include "queue/maintenance/orphans.h"
#include "queue/maintenance/refresh_expiry.h"
#include "queue/maintenance/retention.h"
#include "queue/maintenance/unsent_log_sending.h"
#include "store/memory/memory_store.h"

namespace tandem::queue {
namespace {

constexpr std::int64_t kDayMs = 24 * 3600'000;

class JobsTest : public testing::Test {
 public:
  ~JobsTest() override {
    thread_.stop();
    std::filesystem::remove_all(folder_);
  }

 protected:
  JobsTest() {
    std::string pattern = testing::TempDir() + "/tandem_jobs_XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    blobs_ = blobs::open_dir_blob_store(folder_ / "blobs").value();
    thread_.start();
  }

  TaskId submit(const std::string& key = {}) {
    TaskSpec spec;
    spec.payload = R"({"job_type":"echo"})";
    spec.job_type = "echo";
    Submit command{.client_id = kClient, .tasks = {}, .idempotency_key = key, .done = {}};
    const TaskId id = ids_.make<TaskId>();
    command.tasks.push_back({.task_id = id, .spec = spec, .inputs = {}});
    return door_.ask<Submitted>(std::move(command)).value().tasks.at(0)->task_id;
  }
  // A task that has ended, with a file and a log.
  TaskId ended() {
    const TaskId id = submit();
    Cancel cancel{.actor = {.client_id = kClient}, .task_id = id, .done = {}};
    door_.ask<Cancelled>(std::move(cancel)).value();
    leave_traces(id);
    return id;
  }
  void leave_traces(TaskId id) {
    auto writer = blobs_->create(id, blobs::BlobFolder::out(1), "a.txt").value();
    writer->write("x").value();
    writer->finish(std::nullopt).value();
    const logs::LogRecord record{.attempt = 1, .seq = 1, .ts = clock_.wall(), .data = "line"};
    const logs::LogAppend append{.task_id = id, .attempt = 1, .records = {record}};
    log_store_.append(std::span(&append, 1)).value();
  }
  bool has_file(TaskId id) {
    return blobs_->open(id, blobs::BlobFolder::out(1), "a.txt").has_value();
  }
  bool has_log(TaskId id) { return !log_store_.read(id, {}, 9, 999).value().empty(); }
  bool has_row(TaskId id) { return store_.reader().find(id).value().has_value(); }
  // Until it says that there is nothing more.
  static void run_all(MaintenanceJob& job) {
    while (job.run().value()) {
    }
  }

  const ClientId kClient{*parse_uuid("01890000-0000-7000-8000-00000000000a")};
  std::filesystem::path folder_;
  ManualClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  store::MemoryStore store_;
  logs::MemoryLogStore log_store_;
  logs::LogHub hub_{log_store_};
  std::unique_ptr<blobs::BlobStore> blobs_;
  Dispatcher dispatcher_{store_, clock_, DispatcherSettings()};
  DispatcherThread thread_{dispatcher_, clock_};
  DispatcherDoor door_{thread_};
  OrphanFinder finder_{store_.reader(), clock_};
};

TEST_F(JobsTest, RetentionRemovesRowFilesAndLogOfWhatEndedLongAgo) {
  const TaskId old = ended();
  clock_.now_ms += kDayMs;
  const TaskId young = ended(), active = submit();
  clock_.now_ms += 1;
  Retention retention({door_, hub_, *blobs_, clock_}, kDayMs);
  EXPECT_FALSE(retention.run().value()) << "nothing more";
  EXPECT_FALSE(has_row(old) || has_file(old) || has_log(old));
  EXPECT_TRUE(has_row(young) && has_file(young) && has_log(young));
  EXPECT_TRUE(has_row(active));
}

TEST_F(JobsTest, RetentionTellsThatTheStoreFailsAndGoesOnLater) {
  const TaskId old = ended();
  clock_.now_ms += 2 * kDayMs;
  Retention retention({door_, hub_, *blobs_, clock_}, kDayMs);
  store_.set_down(Errc::store_unavailable);
  EXPECT_EQ(retention.run().error().code, Errc::store_unavailable);
  store_.set_down(std::nullopt);
  EXPECT_TRUE(has_row(old) && has_file(old));
  run_all(retention);
  EXPECT_FALSE(has_row(old) || has_file(old) || has_log(old));
}

TEST_F(JobsTest, AnIdempotencyKeyIsForgottenAfterADay) {
  const TaskId first = submit("once");
  IdempotencyExpiry expiry(door_, clock_);
  clock_.now_ms += limits::kIdempotencyTtlMs;
  run_all(expiry);
  EXPECT_TRUE(store_.find_idempotency(kClient, "once").value()) << "not before its day is over";
  EXPECT_EQ(submit("once"), first);
  clock_.now_ms += 1;
  run_all(expiry);
  EXPECT_FALSE(store_.find_idempotency(kClient, "once").value());
}

TEST_F(JobsTest, ExpiryOfKeysIsCutIntoPieces) {
  store::TaskBatch batch;
  for (int i = 0; i < 1001; ++i)
    batch.idempotency.push_back({kClient, std::to_string(i), "sha", {}, WallTime{1}});
  store_.begin().value();
  store_.apply(batch).value();
  store_.commit().value();
  IdempotencyExpiry expiry(door_, clock_);
  EXPECT_TRUE(expiry.run().value());
  EXPECT_FALSE(expiry.run().value());
  EXPECT_FALSE(store_.find_idempotency(kClient, "7").value());
}

TEST_F(JobsTest, RefreshTokensGoWhenTheyHaveExpired) {
  const auto insert = [this](const std::string& name, WallTime expires_at) {
    Transact transact{.run = nullptr, .done = nullptr};
    transact.run = [&, name, expires_at](store::Store& store) {
      return store.accounts().insert_refresh({.token_sha256 = name,
                                              .family = kClient,
                                              .client_id = kClient,
                                              .scope = "tasks",
                                              .expires_at = expires_at,
                                              .used_at = {},
                                              .successor = {}});
    };
    door_.ask<std::monostate>(std::move(transact)).value();
  };
  insert("gone", clock_.wall() + -1);
  insert("good", clock_.wall());
  RefreshExpiry expiry(door_, clock_);
  run_all(expiry);
  EXPECT_FALSE(store_.accounts().find_refresh("gone").value());
  EXPECT_TRUE(store_.accounts().find_refresh("good").value());
}

TEST_F(JobsTest, FilesAndLogsWithoutATaskGoAfterAWhile) {
  const TaskId orphan = ids_.make<TaskId>(), owned = ended();
  leave_traces(orphan);
  OrphanedFiles files(*blobs_, finder_, "ours");
  OrphanedLogs logs(hub_, door_, finder_, "ours");
  clock_.now_ms += OrphanFinder::kMinAgeMs - 1000;
  run_all(files);
  run_all(logs);
  EXPECT_TRUE(has_file(orphan) && has_log(orphan)) << "its submission may be under way";
  clock_.now_ms += 2000;
  run_all(files);
  run_all(logs);
  EXPECT_FALSE(has_file(orphan) || has_log(orphan));
  EXPECT_TRUE(has_file(owned) && has_log(owned));
}

TEST_F(JobsTest, TheLogOfATaskThatHasEndedIsPacked) {
  const TaskId done = ended(), active = submit();
  leave_traces(active);
  logs::ArchivedLogs archive(log_store_, *blobs_);
  LogArchiving archiving({log_store_, archive, *blobs_, store_.reader(), clock_});
  run_all(archiving);
  EXPECT_TRUE(has_log(done)) << "those who follow it read on";
  clock_.now_ms += LogArchiving::kSettledMs;
  run_all(archiving);
  EXPECT_FALSE(has_log(done));
  EXPECT_TRUE(has_log(active));
  EXPECT_EQ(archive.read(done, {}, 9, 999).value().at(0).data, "line");
  Retention retention({door_, hub_, *blobs_, clock_}, kDayMs);
  clock_.now_ms += 2 * kDayMs;
  run_all(retention);
  EXPECT_TRUE(logs::ArchivedLogs(log_store_, *blobs_).read(done, {}, 9, 999).value().empty());
}

TEST_F(JobsTest, ALogWhoseRestMayComeIsNotPacked) {
  const TaskId task = submit();
  const WorkerId worker = ids_.make<WorkerId>();
  Claim claim{.profile = {.worker_id = worker, .name = "w"}, .done = {}};
  ASSERT_EQ(door_.ask<Claimed>(std::move(claim)).value().jobs.size(), 1u);
  Update update;
  update.worker_id = worker;
  update.task_id = task;
  update.attempt = 1;
  update.kind = UpdateKind::completed;
  update.log = LogTotals{.records = 2, .bytes = 8};
  ASSERT_TRUE(door_.ask<UpdateAnswer>(std::move(update)));
  leave_traces(task);  // the first record
  logs::ArchivedLogs archive(log_store_, *blobs_);
  LogArchiving archiving({log_store_, archive, *blobs_, store_.reader(), clock_});
  clock_.now_ms += LogArchiving::kSettledMs;
  run_all(archiving);
  EXPECT_TRUE(has_log(task));
  clock_.now_ms += LogArchiving::kRestMs;
  run_all(archiving);
  EXPECT_FALSE(has_log(task));
  EXPECT_EQ(archive.read(task, {}, 9, 999).value().size(), 2u) << "one, and that one is missing";
}

TEST_F(JobsTest, WhatTheLastRunCouldNotWriteComesToTheLogWhenItCan) {
  logs::UnsentLogs unsent(folder_ / "unsent.db");
  UnsentLogSending sending(unsent, hub_, door_);
  EXPECT_FALSE(sending.run().value());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "unsent.db")) << "where there is nothing";
  const TaskId late = submit(), stale = submit();
  const logs::LogRecord record{.attempt = 1, .seq = 1, .ts = clock_.wall(), .data = "late"};
  for (const TaskId task : {late, stale})
    unsent.keep({.task_id = task, .attempt = 1, .records = {record}}).value();
  logs::LogRecord later = record;
  later.attempt = 2;
  const logs::LogAppend second{.task_id = stale, .attempt = 2, .records = {later}};
  log_store_.append(std::span(&second, 1)).value();
  log_store_.fail_with(fail(Errc::store_unavailable, "away"));
  EXPECT_EQ(sending.run().error().code, Errc::store_unavailable);
  log_store_.fail_with(std::nullopt);
  EXPECT_FALSE(sending.run().value());
  EXPECT_EQ(log_store_.read(late, {}, 9, 999).value().at(0).data, "late");
  EXPECT_EQ(log_store_.read(stale, {}, 9, 999).value().size(), 1u);
  unsent.hand_on([](const auto&) { return fail(Errc::internal, "nothing is left"); }).value();
}

TEST_F(JobsTest, OneLogThatCantBePackedHoldsUpNoOther) {
  const TaskId first = ended(), second = ended();
  blobs_->create(first, blobs::BlobFolder::log(), "records.zst")
      .value()
      ->finish(std::nullopt)
      .value();
  clock_.now_ms += LogArchiving::kSettledMs;
  logs::ArchivedLogs archive(log_store_, *blobs_);
  LogArchiving archiving({log_store_, archive, *blobs_, store_.reader(), clock_});
  EXPECT_EQ(archiving.run().error().code, Errc::store_unavailable);
  EXPECT_TRUE(has_log(first));
  EXPECT_FALSE(has_log(second));
}

TEST_F(JobsTest, WhatALastRunLeftGoesAtOnce) {
  const TaskId orphan = ids_.make<TaskId>();
  leave_traces(orphan);
  clock_.now_ms += 1;
  const OrphanFinder of_the_next_run(store_.reader(), clock_);
  OrphanedFiles files(*blobs_, of_the_next_run, "ours");
  OrphanedLogs logs(hub_, door_, of_the_next_run, "ours");
  run_all(files);
  run_all(logs);
  EXPECT_FALSE(has_file(orphan) || has_log(orphan));
}

TEST_F(JobsTest, WhereOtherServersWriteWhatIsYoungIsNoOrphanWheneverThisOneBegan) {
  const TaskId orphan = ids_.make<TaskId>();
  leave_traces(orphan);
  clock_.now_ms += 1;
  const OrphanFinder finder(store_.reader(), clock_, OrphanFinder::Servers::several);
  OrphanedFiles files(*blobs_, finder, "ours");
  run_all(files);
  EXPECT_TRUE(has_file(orphan)) << "another server's submission may be under way";
  clock_.now_ms += OrphanFinder::kMinAgeMs;
  run_all(files);
  EXPECT_FALSE(has_file(orphan));
}

TEST_F(JobsTest, NothingOfAnotherInstallationIsTakenForAnOrphan) {
  const TaskId theirs = ids_.make<TaskId>();
  leave_traces(theirs);
  EXPECT_EQ(blobs_->mark("theirs").value(), "theirs");
  EXPECT_EQ(log_store_.mark("theirs").value(), "theirs");
  clock_.now_ms += 2 * kDayMs;
  OrphanedFiles files(*blobs_, finder_, "ours");
  OrphanedLogs logs(hub_, door_, finder_, "ours");
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(files.run().error().code, Errc::conflict);
    EXPECT_EQ(logs.run().error().code, Errc::conflict);
  }
  EXPECT_TRUE(has_file(theirs) && has_log(theirs));
  OrphanedFiles their_files(*blobs_, finder_, "theirs");
  run_all(their_files);
  EXPECT_FALSE(has_file(theirs));
}

TEST_F(JobsTest, WhileTheStoreIsAwayNothingIsTakenForAnOrphan) {
  const TaskId owned = ended();
  clock_.now_ms += 2 * kDayMs;
  store_.set_down(Errc::store_unavailable);
  OrphanedFiles files(*blobs_, finder_, "ours");
  Result<bool> more = true;
  while (more && *more) more = files.run();
  EXPECT_EQ(more.error().code, Errc::store_unavailable);
  EXPECT_FALSE(OrphanedLogs(hub_, door_, finder_, "ours").run());
  store_.set_down(std::nullopt);
  run_all(files);
  EXPECT_TRUE(has_file(owned) && has_log(owned));
}

}  // namespace
}  // namespace tandem::queue
