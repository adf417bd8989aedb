#pragma once

#include <string>

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
// submission under way is left alone: it was made a short while ago, and since the server began;
// where other servers share the store, at whatever time.
class OrphanFinder {
 public:
  static constexpr std::int64_t kMinAgeMs = 2 * 3600'000;  // no upload takes so long
  enum class Servers : std::uint8_t { one, several };
  OrphanFinder(store::TaskReader& reader, const Clock& clock, Servers servers = Servers::one)
      : reader_(reader),
        clock_(clock),
        suspect_from_(servers == Servers::one ? clock.wall() : WallTime{0}) {}
  Result<bool> is_orphan(const TaskId& task) const;

 private:
  store::TaskReader& reader_;
  const Clock& clock_;
  WallTime suspect_from_;  // what was made before is no submission under way
};

// The installation that a server belongs to, against the mark that lies beside files or logs: a
// server on an empty or other database must not take all of another one's for orphans.
class Ownership {
 public:
  explicit Ownership(std::string installation) : installation_(std::move(installation)) {}
  // conflict where the mark of `place` names another installation. Once it was right it is not
  // looked at again. Errors of the place.
  template <class Place>
  Result<void> check(Place& place, std::string_view what) {
    return is_ours_ ? Result<void>() : judge(place.mark(installation_), what);
  }

 private:
  Result<void> judge(const Result<std::string>& mark, std::string_view what);
  const std::string installation_;
  bool is_ours_ = false;
};

// Files of submissions that were never committed, and of tasks whose row is gone.
class OrphanedFiles final : public MaintenanceJob {
 public:
  OrphanedFiles(blobs::BlobStore& blobs, OrphanFinder finder, std::string installation)
      : blobs_(blobs), finder_(finder), ownership_(std::move(installation)) {}
  std::string_view name() const override { return "removal of orphaned files"; }
  std::int64_t every_ms() const override { return 3600'000; }
  Result<bool> run() override;

 private:
  blobs::BlobStore& blobs_;
  const OrphanFinder finder_;
  Ownership ownership_;
  int part_ = 0;  // to be looked at next
};

// Logs of tasks whose row is gone.
class OrphanedLogs final : public MaintenanceJob {
 public:
  OrphanedLogs(logs::LogHub& logs, DispatcherDoor& door, OrphanFinder finder,
               std::string installation)
      : logs_(logs), door_(door), finder_(finder), ownership_(std::move(installation)) {}
  std::string_view name() const override { return "removal of orphaned logs"; }
  std::int64_t every_ms() const override { return 3600'000; }
  Result<bool> run() override;

 private:
  logs::LogHub& logs_;
  DispatcherDoor& door_;
  const OrphanFinder finder_;
  Ownership ownership_;
  TaskId last_;  // looked at
};

}  // namespace tandem::queue
