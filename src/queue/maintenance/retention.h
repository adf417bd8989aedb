#pragma once

#include "blobs/blob_store.h"
#include "logs/log_hub.h"
#include "queue/maintenance/dispatcher_door.h"
#include "queue/maintenance/job.h"

namespace tandem::queue {

// Removes tasks that finished long ago: the row first, so that nobody sees half of one, then files
// and log. What a crash leaves of these is swept as an orphan.
class Retention final : public MaintenanceJob {
 public:
  struct Parts {
    DispatcherDoor& dispatcher;
    logs::LogHub& logs;
    blobs::BlobStore& blobs;
    const Clock& clock;
  };
  Retention(Parts parts, std::int64_t keep_ms) : parts_(parts), keep_ms_(keep_ms) {}

  std::string_view name() const override { return "retention"; }
  std::int64_t every_ms() const override { return 60'000; }
  Result<bool> run() override;

 private:
  Parts parts_;
  const std::int64_t keep_ms_;
};

// Waits until the log hub has removed these logs.
Result<void> remove_logs(logs::LogHub& logs, DispatcherDoor& door, std::vector<TaskId> tasks);

}  // namespace tandem::queue
