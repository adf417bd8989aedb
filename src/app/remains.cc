#include "app/remains.h"

#include <algorithm>
#include <future>
#include <memory>
#include <vector>

#include "app/direct_outbox.h"

namespace tandem::app {
namespace {

constexpr std::size_t kBatch = 500;

// The time within a UUIDv7.
WallTime time_of(const TaskId& id) {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i) ms = ms << 8 | id.bytes[i];
  return {ms};
}

// Leaves of `tasks` those that are to be swept.
Result<void> keep_orphans(const RemainsParts& parts, WallTime made_before,
                          std::vector<TaskId>& tasks) {
  std::vector<TaskId> orphans;
  for (const TaskId& id : tasks) {
    if (parts.stopping) break;
    if (time_of(id) >= made_before) continue;
    const auto task = parts.reader.find(id);
    if (!task) return task.error();
    if (!*task) orphans.push_back(id);
  }
  tasks = std::move(orphans);
  return {};
}

Result<std::size_t> sweep_files(const RemainsParts& parts, WallTime made_before) {
  auto tasks = parts.blobs.tasks();
  if (!tasks) return tasks.error();
  if (auto kept = keep_orphans(parts, made_before, *tasks); !kept) return kept.error();
  for (const TaskId& id : *tasks)
    if (auto removed = parts.blobs.remove(id); !removed) return removed.error();
  return tasks->size();
}

Result<void> remove_logs(logs::LogHub& logs, std::vector<TaskId> tasks) {
  auto removed = std::make_shared<std::promise<Result<void>>>();
  logs.remove(std::move(tasks), direct_outbox(),
              [removed](Result<void> result) { removed->set_value(std::move(result)); });
  return removed->get_future().get();
}

Result<std::size_t> sweep_logs(const RemainsParts& parts, WallTime made_before) {
  std::size_t swept = 0;
  TaskId after;
  while (!parts.stopping) {
    auto tasks = parts.logs.store().tasks(after, kBatch);
    if (!tasks) return tasks.error();
    if (tasks->empty()) break;
    after = tasks->back();
    if (auto kept = keep_orphans(parts, made_before, *tasks); !kept) return kept.error();
    if (tasks->empty()) continue;
    swept += tasks->size();
    if (auto removed = remove_logs(parts.logs, std::move(*tasks)); !removed) return removed.error();
  }
  return swept;
}

}  // namespace

Result<std::size_t> sweep_remains(const RemainsParts& parts, WallTime made_before) {
  const auto files = sweep_files(parts, made_before);
  if (!files) return files.error();
  const auto logs = sweep_logs(parts, made_before);
  if (!logs) return logs.error();
  return std::max(*files, *logs);
}

}  // namespace tandem::app
