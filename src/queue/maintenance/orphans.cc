#include "queue/maintenance/orphans.h"

#include "queue/maintenance/retention.h"

namespace tandem::queue {
namespace {

constexpr std::size_t kOrphansAtOnce = 500;

}  // namespace

WallTime made_at(const TaskId& task) {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i) ms = ms << 8 | task.bytes[i];
  return {ms};
}

Result<bool> OrphanFinder::is_orphan(const TaskId& task) const {
  const WallTime made = made_at(task);
  if (made >= suspect_from_ && clock_.wall() - made < kMinAgeMs) return false;
  const auto found = reader_.find(task);
  if (!found) return found.error();
  return !found->has_value();
}

Result<void> Ownership::judge(const Result<std::string>& mark, std::string_view what) {
  if (!mark) return mark.error();
  is_ours_ = *mark == installation_;
  if (is_ours_) return {};
  return fail(Errc::conflict, "The " + std::string(what) + " belong to installation " + *mark +
                                  ", but the database to " + installation_ +
                                  ": nothing of them is removed");
}

Result<bool> OrphanedFiles::run() {
  if (auto ours = ownership_.check(blobs_, "files"); !ours) return ours.error();
  const auto tasks = blobs_.list_tasks(part_);
  if (!tasks) return tasks.error();
  for (const TaskId& task : *tasks) {
    const auto is_orphan = finder_.is_orphan(task);
    if (!is_orphan) return is_orphan.error();
    if (!*is_orphan) continue;
    if (auto gone = blobs_.remove(task); !gone) return gone.error();
  }
  part_ = (part_ + 1) % blobs::BlobStore::kParts;
  return part_ != 0;
}

Result<bool> OrphanedLogs::run() {
  if (auto ours = ownership_.check(logs_.store(), "logs"); !ours) return ours.error();
  const auto tasks = logs_.store().tasks(last_, kOrphansAtOnce);
  if (!tasks) return tasks.error();
  std::vector<TaskId> orphans;
  for (const TaskId& task : *tasks) {
    const auto is_orphan = finder_.is_orphan(task);
    if (!is_orphan) return is_orphan.error();
    if (*is_orphan) orphans.push_back(task);
  }
  if (!orphans.empty())
    if (auto gone = remove_logs(logs_, door_, std::move(orphans)); !gone) return gone.error();
  const bool is_full = tasks->size() == kOrphansAtOnce;
  last_ = is_full ? tasks->back() : TaskId();
  return is_full;
}

}  // namespace tandem::queue
