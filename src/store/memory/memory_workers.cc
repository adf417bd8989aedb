#include "store/memory/memory_workers.h"

#include "base/assert.h"

namespace tandem::store {
namespace {

using Lock = std::lock_guard<std::mutex>;

}  // namespace

template <class Change>
Result<bool> MemoryWorkers::change(WorkerId id, Change apply) {
  const Lock lock(state_.mutex);
  TANDEM_ASSERT(state_.in_transaction);
  if (auto entered = state_.enter(); !entered) return entered.error();
  const WorkerRecord* row = state_.workers.find(id);
  if (row == nullptr || row->revoked_at) return false;
  WorkerRecord next = *row;
  apply(next);
  state_.workers.put(id, std::move(next));
  return true;
}

Result<void> MemoryWorkers::insert_worker(const WorkerRecord& worker) {
  const Lock lock(state_.mutex);
  TANDEM_ASSERT(state_.in_transaction);
  if (auto entered = state_.enter(); !entered) return entered;
  for (const auto& [id, row] : state_.workers.rows())
    if (id == worker.worker_id || row.token_sha256 == worker.token_sha256)
      return fail(Errc::conflict, "There is a worker with this id or token");
  state_.workers.put(worker.worker_id, worker);
  return {};
}

Result<std::optional<WorkerRecord>> MemoryWorkers::find_worker(WorkerId id) {
  const Lock lock(state_.mutex);
  if (auto entered = state_.enter(); !entered) return entered.error();
  const WorkerRecord* row = state_.workers.find(id);
  if (row == nullptr) return std::optional<WorkerRecord>{};
  return std::optional(*row);
}

Result<std::vector<WorkerRecord>> MemoryWorkers::list_workers(std::optional<WorkerId> after,
                                                              int limit) {
  const Lock lock(state_.mutex);
  if (auto entered = state_.enter(); !entered) return entered.error();
  std::vector<WorkerRecord> page;
  const auto& rows = state_.workers.rows();
  auto at = after ? rows.upper_bound(*after) : rows.begin();
  for (; at != rows.end() && std::ssize(page) < limit; ++at) page.push_back(at->second);
  return page;
}

Result<bool> MemoryWorkers::replace_token(WorkerId id, const WorkerTokens& tokens) {
  return change(id, [&](WorkerRecord& row) {
    row.token_sha256 = tokens.token_sha256;
    row.previous_sha256 = tokens.previous_sha256;
    row.previous_until = tokens.previous_until;
  });
}

Result<bool> MemoryWorkers::set_draining(WorkerId id, bool draining) {
  return change(id, [&](WorkerRecord& row) { row.draining = draining; });
}

Result<bool> MemoryWorkers::revoke_worker(WorkerId id, WallTime now, const std::string& reason) {
  return change(id, [&](WorkerRecord& row) {
    row.revoked_at = now;
    row.revoke_reason = reason;
  });
}

Result<void> MemoryWorkers::see_workers(std::span<const Sighting> sightings) {
  const Lock lock(state_.mutex);
  TANDEM_ASSERT(state_.in_transaction);
  if (auto entered = state_.enter(); !entered) return entered;
  for (const Sighting& sighting : sightings) {
    const WorkerRecord* row = state_.workers.find(sighting.worker_id);
    if (row == nullptr || row->last_seen_at >= sighting.seen_at) continue;
    WorkerRecord next = *row;
    next.last_seen_at = sighting.seen_at;
    state_.workers.put(sighting.worker_id, std::move(next));
  }
  return {};
}

}  // namespace tandem::store
