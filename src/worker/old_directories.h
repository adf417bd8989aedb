#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "core/task.h"
#include "queue/maintenance/job.h"

namespace tandem::worker {

// Removes job directories that a run which was killed has left, or that were kept to be looked at.
class OldDirectories final : public queue::MaintenanceJob {
 public:
  // Does this attempt run now? Blocks.
  using Runs = std::function<Result<bool>(TaskId task, std::uint32_t attempt)>;
  // A directory is removed once it has been left alone for keep_ms.
  OldDirectories(std::string work_dir, std::int64_t keep_ms, const Clock& clock, Runs runs)
      : work_dir_(std::move(work_dir)), keep_ms_(keep_ms), clock_(clock), runs_(std::move(runs)) {}

  std::string_view name() const override { return "removal of old job directories"; }
  std::int64_t every_ms() const override { return 3600'000; }
  Result<bool> run() override;

 private:
  Result<bool> is_old(const std::string& path, std::string_view name) const;

  const std::string work_dir_;
  const std::int64_t keep_ms_;
  const Clock& clock_;
  const Runs runs_;
};

}  // namespace tandem::worker
