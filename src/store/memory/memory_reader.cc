#include "store/memory/memory_reader.h"

#include <algorithm>
#include <tuple>

#include "store/task_filter.h"

namespace tandem::store {
namespace {

using Lock = std::lock_guard<std::mutex>;

WallTime time_of(const TaskId& id) {
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | id.bytes[static_cast<std::size_t>(i)];
  return {ms};
}

}  // namespace

Result<void> MemoryReader::enter() const {
  if (state_.down) return fail(Errc::store_unavailable, "The store is down");
  return {};
}

Result<std::optional<Task>> MemoryReader::find(TaskId id) {
  const Lock lock(state_.mutex);
  if (auto entered = enter(); !entered) return entered.error();
  const TaskRow* row = state_.tasks.committed(id);
  if (row == nullptr) return std::optional<Task>{};
  return std::optional(**row);
}

Result<std::vector<Task>> MemoryReader::list(const TaskFilter& filter) {
  const Lock lock(state_.mutex);
  if (auto entered = enter(); !entered) return entered.error();
  std::vector<Task> found;
  if (filter.limit <= 0) return found;
  state_.tasks.visit_committed_down([&](const TaskRow& row) {
    if (matches(*row, filter)) found.push_back(*row);
    return std::ssize(found) < filter.limit;
  });
  return found;
}

Result<TaskStats> MemoryReader::stats(std::optional<ClientId> client, WallTime now) {
  constexpr std::int64_t kMinuteMs = 60'000;
  const Lock lock(state_.mutex);
  if (auto entered = enter(); !entered) return entered.error();
  TaskStats stats;
  state_.tasks.visit_committed_down([&](const TaskRow& row) {
    if (client && row->client_id != *client) return true;
    ++stats.counts[{row->spec.queue, row->status}];
    if (row->status == TaskStatus::pending) stats.oldest_pending = row->created_at;
    if (time_of(row->task_id) > now + -kMinuteMs) ++stats.created_last_minute;
    if (row->finished_at && *row->finished_at > now + -kMinuteMs) ++stats.finished_last_minute;
    return true;
  });
  return stats;
}

Result<std::vector<Callback>> MemoryReader::list_callbacks(std::string_view url_prefix, int limit) {
  const Lock lock(state_.mutex);
  if (auto entered = enter(); !entered) return entered.error();
  std::vector<Callback> found;
  state_.callbacks.visit_committed_down([&](const Callback& row) {
    if (row.url.starts_with(url_prefix)) found.push_back(row);
    return true;
  });
  std::sort(found.begin(), found.end(), [](const Callback& a, const Callback& b) {
    return std::tie(a.due_at, a.task_id) < std::tie(b.due_at, b.task_id);
  });
  if (std::ssize(found) > limit) found.resize(static_cast<std::size_t>(std::max(limit, 0)));
  return found;
}

Result<std::optional<Client>> MemoryReader::find_client(ClientId id) {
  const Lock lock(state_.mutex);
  if (auto entered = enter(); !entered) return entered.error();
  const Client* row = state_.clients.committed(id);
  if (row == nullptr) return std::optional<Client>{};
  return std::optional(*row);
}

Result<std::vector<Client>> MemoryReader::list_clients(std::optional<ClientId> after, int limit) {
  const Lock lock(state_.mutex);
  if (auto entered = enter(); !entered) return entered.error();
  std::vector<Client> found;
  state_.clients.visit_committed_down([&](const Client& row) {
    if (after && row.client_id <= *after) return false;
    found.push_back(row);
    return true;
  });
  std::vector<Client> page(found.rbegin(), found.rend());
  if (std::ssize(page) > limit) page.resize(static_cast<std::size_t>(limit));
  return page;
}

Result<std::optional<WorkerRecord>> MemoryReader::find_worker(WorkerId id) {
  const Lock lock(state_.mutex);
  if (auto entered = enter(); !entered) return entered.error();
  const WorkerRecord* row = state_.workers.committed(id);
  if (row == nullptr) return std::optional<WorkerRecord>{};
  return std::optional(*row);
}

Result<std::optional<WorkerRecord>> MemoryReader::find_worker_of(const std::string& token_sha256) {
  const Lock lock(state_.mutex);
  if (auto entered = enter(); !entered) return entered.error();
  std::optional<WorkerRecord> found;
  state_.workers.visit_committed_down([&](const WorkerRecord& row) {
    if (row.token_sha256 == token_sha256) found = row;
    return !found;
  });
  return found;
}

Result<std::vector<WorkerRecord>> MemoryReader::list_workers(std::optional<WorkerId> after,
                                                             int limit) {
  const Lock lock(state_.mutex);
  if (auto entered = enter(); !entered) return entered.error();
  std::vector<WorkerRecord> found;
  state_.workers.visit_committed_down([&](const WorkerRecord& row) {
    if (after && row.worker_id <= *after) return false;
    found.push_back(row);
    return true;
  });
  std::vector<WorkerRecord> page(found.rbegin(), found.rend());
  if (std::ssize(page) > limit) page.resize(static_cast<std::size_t>(limit));
  return page;
}

}  // namespace tandem::store
