#include "store/postgres/worker_rows.h"

#include "postgres_queries.h"
#include "store/task_codec.h"
#include "store/worker_columns.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

Result<WorkerRecord> worker_of(const Row& row) {
  WorkerRecord worker;
  worker.worker_id = WorkerId(row.id(WorkerColumn::kWorkerId));
  worker.name = row.bytes(WorkerColumn::kName);
  worker.mode = row.bytes(WorkerColumn::kMode);
  worker.slots = static_cast<int>(row.number(WorkerColumn::kSlots));
  worker.version = row.bytes(WorkerColumn::kVersion);
  worker.host = row.bytes(WorkerColumn::kHost);
  worker.client_id = ClientId(row.id(WorkerColumn::kClientId));
  worker.token_sha256 = row.bytes(WorkerColumn::kTokenSha256);
  worker.previous_sha256 = row.bytes(WorkerColumn::kPreviousSha256);
  worker.previous_until = row.optional_time(WorkerColumn::kPreviousUntil);
  worker.created_at = row.time(WorkerColumn::kCreatedAt);
  worker.draining = row.number(WorkerColumn::kDraining) != 0;
  worker.revoked_at = row.optional_time(WorkerColumn::kRevokedAt);
  worker.revoke_reason = row.bytes(WorkerColumn::kRevokeReason);
  worker.last_seen_at = row.optional_time(WorkerColumn::kLastSeenAt);
  const bool readable = unpack_labels(row.bytes(WorkerColumn::kLabels), worker.labels) &&
                        unpack_list(row.bytes(WorkerColumn::kJobTypes), worker.job_types) &&
                        unpack_list(row.bytes(WorkerColumn::kQueues), worker.queues);
  if (!readable) return fail(Errc::store_unavailable, "A row of the database can't be read");
  return worker;
}

Result<std::optional<WorkerRecord>> find_with(Runner& runner, Statement find) {
  auto rows = runner.run(std::move(find));
  if (!rows) return rows.error();
  if (rows->size() == 0) return std::optional<WorkerRecord>{};
  auto worker = worker_of(Row(*rows, 0));
  if (!worker) return worker.error();
  return std::optional(std::move(*worker));
}

}  // namespace

Result<std::optional<WorkerRecord>> find_worker_row(Runner& runner, const WorkerId& id) {
  Statement find{sql::find_worker};
  find.params.id(id);
  return find_with(runner, std::move(find));
}

Result<std::optional<WorkerRecord>> find_worker_row(Runner& runner,
                                                    const std::string& token_sha256) {
  Statement find{sql::find_worker_of};
  find.params.text(token_sha256);
  return find_with(runner, std::move(find));
}

Result<std::vector<WorkerRecord>> list_worker_rows(Runner& runner,
                                                   const std::optional<WorkerId>& after,
                                                   int limit) {
  Statement list{sql::list_workers};
  list.params.id(after.value_or(WorkerId())).bigint(limit);
  auto rows = runner.run(std::move(list));
  if (!rows) return rows.error();
  std::vector<WorkerRecord> workers;
  for (int i = 0; i < rows->size(); ++i) {
    auto worker = worker_of(Row(*rows, i));
    if (!worker) return worker.error();
    workers.push_back(std::move(*worker));
  }
  return workers;
}

}  // namespace tandem::store::postgres
