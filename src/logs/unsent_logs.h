#pragma once

#include <functional>
#include <memory>
#include <string>

#include "logs/log_store.h"

namespace tandem::logs {

// Records that no log store would take before their server had to stop, in a file of its own on the
// server's disk: the next one that runs there hands them on. One thread at a time; calls block.
class UnsentLogs {
 public:
  // Nothing is made or opened before it is needed.
  explicit UnsentLogs(std::string path) : path_(std::move(path)) {}

  // Durable when it returns. Errors: store_unavailable, disk_full.
  Result<void> keep(const LogAppend& append);

  // Hands all that is kept to `take`, in the order of each log, and forgets a task when `take` has
  // had all of it. An error of `take` ends it: what was not forgotten is handed on again.
  using Take = std::function<Result<void>(LogAppend)>;
  Result<void> hand_on(const Take& take);

 private:
  Result<void> open();
  Result<void> hand_on(TaskId task, const Take& take);

  const std::string path_;
  std::unique_ptr<LogStore> store_;
};

}  // namespace tandem::logs
