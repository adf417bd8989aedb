#pragma once

#include "base/clock.h"
#include "blobs/blob_store.h"
#include "logs/log_hub.h"
#include "queue/maintenance/dispatcher_door.h"
#include "queue/maintenance/job.h"
#include "store/task_reader.h"

namespace tandem::queue {

// What a task's id says of when it was made.
WallTime made_at(const TaskId& task);

// Finds what belongs to no task. A task's files come before its row, so what may belong to a
// submission under way is left alone: it was made since the server began, and a short while ago.
class OrphanFinder {
 public:
  static constexpr std::int64_t kMinAgeMs = 2 * 3600'000;  // no upload takes so long
  OrphanFinder(store::TaskReader& reader, const Clock& clock)
      : reader_(reader), clock_(clock), begun_at_(clock.wall()) {}
  Result<bool> is_orphan(const TaskId& task) const;

 private:
  store::TaskReader& reader_;
  const Clock& clock_;
  WallTime begun_at_;
};

// Files of submissions that were never committed, and of tasks whose row is gone.
class OrphanedFiles final : public MaintenanceJob {
 public:
  OrphanedFiles(blobs::BlobStore& blobs, OrphanFinder finder) : blobs_(blobs), finder_(finder) {}
  std::string_view name() const override { return "removal of orphaned files"; }
  std::int64_t every_ms() const override { return 3600'000; }
  Result<bool> run() override;

 private:
  blobs::BlobStore& blobs_;
  const OrphanFinder finder_;
  int part_ = 0;  // to be looked at next
};

// Logs of tasks whose row is gone.
class OrphanedLogs final : public MaintenanceJob {
 public:
  OrphanedLogs(logs::LogHub& logs, DispatcherDoor& door, OrphanFinder finder)
      : logs_(logs), door_(door), finder_(finder) {}
  std::string_view name() const override { return "removal of orphaned logs"; }
  std::int64_t every_ms() const override { return 3600'000; }
  Result<bool> run() override;

 private:
  logs::LogHub& logs_;
  DispatcherDoor& door_;
  const OrphanFinder finder_;
  TaskId last_;  // looked at
};

}  // namespace tandem::queue
