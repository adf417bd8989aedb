#include "logs/unsent_logs.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <span>
#include <utility>

#include "logs/embedded/sqlite_log_store.h"

namespace tandem::logs {
namespace {

constexpr std::size_t kTasksAtOnce = 100, kReadBytes = 1024 * 1024;
constexpr int kReadRecords = 2000;

// The records at the front that are of one attempt, taken off.
LogAppend take_attempt(TaskId task, std::vector<LogRecord>& records) {
  LogAppend append{.task_id = task, .attempt = records.front().attempt};
  const auto end = std::find_if(records.begin(), records.end(), [&](const LogRecord& record) {
    return record.attempt != append.attempt;
  });
  std::move(records.begin(), end, std::back_inserter(append.records));
  records.erase(records.begin(), end);
  return append;
}

}  // namespace

Result<void> UnsentLogs::open() {
  if (store_) return {};
  auto opened = SqliteLogStore::open(path_);
  if (!opened) return opened.error();
  store_ = std::move(*opened);
  return {};
}

Result<void> UnsentLogs::keep(const LogAppend& append) {
  if (auto opened = open(); !opened) return opened;
  auto kept = store_->append(std::span(&append, 1));
  return kept ? Result<void>() : kept.error();
}

Result<void> UnsentLogs::hand_on(const Take& take) {
  std::error_code ignored;
  if (!store_ && !std::filesystem::exists(path_, ignored)) return {};
  if (auto opened = open(); !opened) return opened;
  while (true) {
    const auto tasks = store_->tasks({}, kTasksAtOnce);
    if (!tasks) return tasks.error();
    if (tasks->empty()) return {};
    for (const TaskId& task : *tasks)
      if (auto handed = hand_on(task, take); !handed) return handed;
  }
}

Result<void> UnsentLogs::hand_on(TaskId task, const Take& take) {
  for (LogPosition at;;) {
    auto page = store_->read(task, at, kReadRecords, kReadBytes);
    if (!page) return page.error();
    if (page->empty()) break;
    at = page->back().position();
    while (!page->empty())
      if (auto taken = take(take_attempt(task, *page)); !taken) return taken;
  }
  const auto removed = store_->remove(std::span(&task, 1), std::numeric_limits<std::size_t>::max());
  return removed ? Result<void>() : removed.error();
}

}  // namespace tandem::logs
