#pragma once

#include "base/clock.h"
#include "blobs/blob_store.h"
#include "logs/archive/archived_logs.h"
#include "queue/maintenance/job.h"
#include "store/task_reader.h"

namespace tandem::queue {

// Packs the logs of tasks that have ended a short while ago. It looks at what the log store has, so
// nothing is forgotten when a server stops in between.
class LogArchiving final : public MaintenanceJob {
 public:
  struct Parts {
    logs::LogStore& live;
    logs::ArchivedLogs& archive;
    blobs::BlobStore& blobs;
    store::TaskReader& reader;
    const Clock& clock;
  };
  static constexpr std::int64_t kSettledMs = 5000;   // those who follow it have read it by then
  static constexpr std::int64_t kRestMs = 3600'000;  // for what a server that stopped has kept
  explicit LogArchiving(Parts parts) : parts_(parts) {}
  std::string_view name() const override { return "packing of finished logs"; }
  std::int64_t every_ms() const override { return 2000; }
  Result<bool> run() override;

 private:
  Result<void> archive_if_ended(TaskId id);

  Parts parts_;
  TaskId last_;  // looked at
};

}  // namespace tandem::queue
