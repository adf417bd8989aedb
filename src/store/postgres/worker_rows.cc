#include "store/postgres/worker_rows.h"

#include "postgres_queries.h"
#include "store/task_codec.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

// In the order of the queries.
enum Field : int {
  kWorkerId,
  kName,
  kMode,
  kLabels,
  kJobTypes,
  kQueues,
  kSlots,
  kVersion,
  kHost,
  kClientId,
  kTokenSha256,
  kPreviousSha256,
  kPreviousUntil,
  kCreatedAt,
  kDraining,
  kRevokedAt,
  kRevokeReason,
};

Result<WorkerRecord> worker_of(const Row& row) {
  WorkerRecord worker;
  worker.worker_id = WorkerId(row.id(kWorkerId));
  worker.name = row.bytes(kName);
  worker.mode = row.bytes(kMode);
  worker.slots = static_cast<int>(row.number(kSlots));
  worker.version = row.bytes(kVersion);
  worker.host = row.bytes(kHost);
  worker.client_id = ClientId(row.id(kClientId));
  worker.token_sha256 = row.bytes(kTokenSha256);
  worker.previous_sha256 = row.bytes(kPreviousSha256);
  worker.previous_until = row.optional_time(kPreviousUntil);
  worker.created_at = row.time(kCreatedAt);
  worker.draining = row.number(kDraining) != 0;
  worker.revoked_at = row.optional_time(kRevokedAt);
  worker.revoke_reason = row.bytes(kRevokeReason);
  const bool readable = unpack_labels(row.bytes(kLabels), worker.labels) &&
                        unpack_list(row.bytes(kJobTypes), worker.job_types) &&
                        unpack_list(row.bytes(kQueues), worker.queues);
  if (!readable) return fail(Errc::store_unavailable, "A row of the database can't be read");
  return worker;
}

}  // namespace

Result<std::optional<WorkerRecord>> find_worker_row(Runner& runner, const WorkerId& id) {
  Statement find{sql::find_worker};
  find.params.id(id);
  auto rows = runner.run(std::move(find));
  if (!rows) return rows.error();
  if (rows->size() == 0) return std::optional<WorkerRecord>{};
  auto worker = worker_of(Row(*rows, 0));
  if (!worker) return worker.error();
  return std::optional(std::move(*worker));
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
