#include "queue/maintenance/retention.h"

namespace tandem::queue {
namespace {

constexpr int kPurgedAtOnce = 500;

}  // namespace

Result<void> remove_logs(logs::LogHub& logs, DispatcherDoor& door, std::vector<TaskId> tasks) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto answer = promise->get_future();
  logs.remove(std::move(tasks), door.outbox(),
              [promise](Result<void> gone) { promise->set_value(std::move(gone)); });
  return answer.get();  // the hub answers always: it outlives the maintenance
}

Result<bool> Retention::run() {
  Purge purge{
      .finished_before = parts_.clock.wall() + -keep_ms_, .limit = kPurgedAtOnce, .done = nullptr};
  const auto removed = parts_.dispatcher.ask<std::vector<TaskId>>(std::move(purge));
  if (!removed) return removed.error();
  Result<void> clean;
  for (const TaskId& task : *removed)
    if (auto gone = parts_.blobs.remove(task); !gone) clean = gone;
  if (!removed->empty())
    if (auto gone = remove_logs(parts_.logs, parts_.dispatcher, *removed); !gone) clean = gone;
  if (!clean) return clean.error();
  return std::ssize(*removed) == kPurgedAtOnce;
}

}  // namespace tandem::queue
