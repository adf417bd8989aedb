#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "blobs/dir_blob_store.h"
#include "conformance/engine.h"
#include "logs/memory/memory_log_store.h"
#include "queue/maintenance/orphans.h"

// A server that was killed between the commit of a delete and the removal of the task's log and
// files kept both for ever, as it did with the files of an upload that was never submitted.
namespace tandem::queue {
namespace {

class CutShortDeletes : public store::StoreTest {
 protected:
  // A log and a file, as the task with this id would have.
  TaskId leave(TaskId task) {
    const logs::LogRecord record{.attempt = 1, .seq = 1, .ts = kNow, .data = "x\n"};
    const std::vector<logs::LogAppend> appends = {
        {.task_id = task, .attempt = 1, .records = {record}}};
    EXPECT_TRUE(log_store_.append(appends));
    auto writer = blobs_->create(task, blobs::BlobFolder::in(), "in.txt").value();
    EXPECT_TRUE(writer->write("x"));
    EXPECT_TRUE(writer->finish(std::nullopt));
    return task;
  }
  bool has_log(TaskId task) { return !log_store_.read(task, {}, 1, 1).value().empty(); }
  bool has_file(TaskId task) {
    return blobs_->open(task, blobs::BlobFolder::in(), "in.txt").has_value();
  }
  // As a server does that begins at this time.
  void sweep(WallTime begun_at) {
    clock_.now_ms += begun_at - clock_.wall();
    const OrphanFinder finder(reader(), clock_);
    OrphanedFiles files(*blobs_, finder, "ours");
    OrphanedLogs logs(hub_, door_, finder, "ours");
    for (MaintenanceJob* job :
         {static_cast<MaintenanceJob*>(&files), static_cast<MaintenanceJob*>(&logs)})
      while (job->run().value()) {
      }
  }

  ManualClock clock_;
  store::TestDirectory directory_;
  std::unique_ptr<blobs::BlobStore> blobs_ =
      blobs::open_dir_blob_store(directory_.file("blobs")).value();
  logs::MemoryLogStore log_store_;
  logs::LogHub hub_{log_store_};
  Dispatcher dispatcher_{store(), clock_, DispatcherSettings()};
  DispatcherThread thread_{dispatcher_, clock_};
  DispatcherDoor door_{thread_};
};

TEST_P(CutShortDeletes, WhatHasNoTaskGoesAndTheRestStays) {
  const Task task = pending_task();
  insert({task});
  leave(task.task_id);
  std::vector<TaskId> orphans;
  for (int i = 0; i < 3; ++i) orphans.push_back(leave(id_at(kNow)));
  sweep(kNow + 1000);
  for (const TaskId& orphan : orphans) EXPECT_FALSE(has_log(orphan) || has_file(orphan));
  EXPECT_TRUE(has_log(task.task_id) && has_file(task.task_id));
}

TEST_P(CutShortDeletes, AnUploadUnderWayIsLeftAlone) {
  const TaskId uploading = leave(id_at(kNow));
  sweep(kNow);
  EXPECT_TRUE(has_log(uploading) && has_file(uploading));
  sweep(kNow + 1);
  EXPECT_FALSE(has_log(uploading) || has_file(uploading));
}

TANDEM_FOR_EACH_ENGINE(CutShortDeletes);

}  // namespace
}  // namespace tandem::queue
