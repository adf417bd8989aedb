#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "logs/log_store.h"

namespace tandem::logs {

// Logs in memory: for tests and simulation. All calls are thread-safe. Can be told to fail.
class MemoryLogStore final : public LiveLogStore {
 public:
  Result<std::vector<TaskTail>> append(std::span<const LogAppend> appends) override;
  Result<std::vector<LogRecord>> read(TaskId task, LogPosition after, int limit,
                                      std::size_t max_bytes) override;
  Result<LogTail> tail(TaskId task, std::uint32_t attempt) override;
  Result<std::size_t> remove(std::span<const TaskId> tasks, std::size_t max_bytes) override;
  Result<std::vector<TaskId>> tasks(TaskId after, std::size_t limit) override;
  Result<void> trim(TaskId task, LogPosition through) override;
  Result<std::string> mark(const std::string& installation) override;
  bool is_remote() const override { return is_remote_; }

  // Until it is given nullopt, append, tail and remove fail with this and change nothing.
  void fail_with(std::optional<Error> error);
  void set_is_remote(bool is_remote) { is_remote_ = is_remote; }  // before others use it
  std::size_t append_calls() const;  // that reached the store, failed ones included

 private:
  using Log = std::map<LogPosition, LogRecord>;
  static LogTail tail_of(const Log& log, std::uint32_t attempt);

  mutable std::mutex mutex_;
  std::map<TaskId, Log> logs_;
  std::string mark_;
  std::optional<Error> failure_;
  std::size_t append_calls_ = 0;
  bool is_remote_ = false;
};

}  // namespace tandem::logs
