#pragma once

#include "logs/log_hub.h"
#include "logs/unsent_logs.h"
#include "queue/maintenance/dispatcher_door.h"
#include "queue/maintenance/job.h"

namespace tandem::queue {

// Hands on what the server's last run could not write into the logs.
class UnsentLogSending final : public MaintenanceJob {
 public:
  UnsentLogSending(logs::UnsentLogs& unsent, logs::LogHub& logs, DispatcherDoor& door)
      : unsent_(unsent), logs_(logs), door_(door) {}
  std::string_view name() const override { return "sending of unsent logs"; }
  std::int64_t every_ms() const override { return 3600'000; }  // nothing comes while a server runs
  Result<bool> run() override;

 private:
  Result<void> send(const logs::LogAppend& append);
  Result<void> try_to_send(logs::LogAppend append);

  logs::UnsentLogs& unsent_;
  logs::LogHub& logs_;
  DispatcherDoor& door_;
};

}  // namespace tandem::queue
