#include "logs/memory/memory_log_store.h"

namespace tandem::logs {

Result<std::vector<TaskTail>> MemoryLogStore::append(std::span<const LogAppend> appends) {
  const std::lock_guard lock(mutex_);
  ++append_calls_;
  if (failure_) return *failure_;
  std::vector<TaskTail> tails;
  for (const LogAppend& append : appends) {
    auto& log = logs_[append.task_id];
    const std::uint32_t latest = log.empty() ? 0 : log.rbegin()->first.attempt;
    const bool is_stale = is_remote_ && latest > append.attempt;
    for (const LogRecord& record : append.records) {
      if (is_stale) break;
      LogRecord kept = record;
      kept.attempt = append.attempt;
      log.try_emplace(kept.position(), std::move(kept));
    }
    if (!is_remote_) continue;
    const std::uint32_t attempt = is_stale ? latest : append.attempt;
    tails.push_back({attempt, tail_of(log, attempt)});
  }
  return tails;
}

Result<std::vector<LogRecord>> MemoryLogStore::read(TaskId task, LogPosition after, int limit,
                                                    std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  std::vector<LogRecord> out;
  const auto log = logs_.find(task);
  if (log == logs_.end()) return out;
  std::size_t bytes = 0;
  for (auto at = log->second.upper_bound(after); at != log->second.end(); ++at) {
    if (out.size() >= static_cast<std::size_t>(limit) || (bytes >= max_bytes && !out.empty()))
      break;
    bytes += at->second.data.size();
    out.push_back(at->second);
  }
  return out;
}

Result<LogTail> MemoryLogStore::tail(TaskId task, std::uint32_t attempt) {
  const std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  const auto log = logs_.find(task);
  return log == logs_.end() ? LogTail{} : tail_of(log->second, attempt);
}

LogTail MemoryLogStore::tail_of(const Log& log, std::uint32_t attempt) {
  LogTail tail;
  auto at = log.lower_bound({attempt, 0});
  for (; at != log.end() && at->first.attempt == attempt; ++at) {
    tail.last_seq = at->first.seq;
    ++tail.records;
    tail.bytes += at->second.data.size();
  }
  return tail;
}

Result<std::size_t> MemoryLogStore::remove(std::span<const TaskId> tasks, std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  std::size_t gone = 0, bytes = 0;
  for (const TaskId& task : tasks) {
    auto& log = logs_[task];
    while (!log.empty() && bytes < max_bytes) {
      bytes += log.begin()->second.data.size();
      log.erase(log.begin());
    }
    if (!log.empty()) break;
    logs_.erase(task);
    ++gone;
  }
  return gone;
}

Result<std::vector<TaskId>> MemoryLogStore::tasks(TaskId after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<TaskId> out;
  for (auto at = logs_.upper_bound(after); at != logs_.end() && out.size() < limit; ++at)
    if (!at->second.empty()) out.push_back(at->first);
  return out;
}

Result<std::string> MemoryLogStore::mark(const std::string& installation) {
  const std::lock_guard lock(mutex_);
  if (mark_.empty()) mark_ = installation;
  return mark_;
}

Result<void> MemoryLogStore::trim(TaskId task, LogPosition through) {
  const std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  const auto log = logs_.find(task);
  if (log == logs_.end()) return {};
  log->second.erase(log->second.begin(), log->second.upper_bound(through));
  return {};
}

void MemoryLogStore::fail_with(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  failure_ = std::move(error);
}

std::size_t MemoryLogStore::append_calls() const {
  const std::lock_guard lock(mutex_);
  return append_calls_;
}

}  // namespace tandem::logs
