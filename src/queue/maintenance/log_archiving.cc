#include "queue/maintenance/log_archiving.h"

namespace tandem::queue {
namespace {

constexpr std::size_t kBatch = 200;

}  // namespace

Result<bool> LogArchiving::run() {
  const auto tasks = parts_.live.tasks(last_, kBatch);
  if (!tasks) return tasks.error();
  const bool is_full = tasks->size() == kBatch;
  last_ = is_full ? tasks->back() : TaskId();
  Result<void> clean;
  for (const TaskId& task : *tasks)
    if (auto done = archive_if_ended(task); !done) clean = done;  // the others are not held up
  if (!clean) return clean.error();
  return is_full;
}

Result<void> LogArchiving::archive_if_ended(TaskId id) {
  const auto task = parts_.reader.find(id);
  if (!task) return task.error();
  if (!*task || !(*task)->finished_at) return {};  // one without a row is an orphan
  const std::int64_t age_ms = parts_.clock.wall() - *(*task)->finished_at;
  if (age_ms < kSettledMs) return {};
  logs::LogPosition end;  // where it is known: a lost worker tells no totals
  if ((*task)->log.records > 0) end = {(*task)->attempt, (*task)->log.records};
  using enum logs::ArchivedLogs::Rest;
  const auto rest = age_ms < kRestMs ? may_come : lost;
  if (auto done = parts_.archive.archive(id, end, rest); !done) return done;
  const auto still = parts_.reader.find(id);
  if (still && !*still) return parts_.blobs.remove(id);  // deleted meanwhile, and its files before
  return {};
}

}  // namespace tandem::queue
