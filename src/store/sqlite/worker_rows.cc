#include "store/sqlite/worker_rows.h"

#include "sqlite_queries.h"
#include "store/task_codec.h"
#include "store/worker_columns.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::sqlite;

Result<WorkerRecord> worker_of(const Query& row) {
  WorkerRecord worker;
  worker.worker_id = WorkerId(row.id_at(WorkerColumn::kWorkerId));
  worker.name = row.text_at(WorkerColumn::kName);
  worker.mode = row.text_at(WorkerColumn::kMode);
  worker.slots = static_cast<int>(row.integer_at(WorkerColumn::kSlots));
  worker.version = row.text_at(WorkerColumn::kVersion);
  worker.host = row.text_at(WorkerColumn::kHost);
  worker.client_id = ClientId(row.id_at(WorkerColumn::kClientId));
  worker.token_sha256 = row.text_at(WorkerColumn::kTokenSha256);
  worker.previous_sha256 = row.text_at(WorkerColumn::kPreviousSha256);
  worker.previous_until = row.optional_time_at(WorkerColumn::kPreviousUntil);
  worker.created_at = row.time_at(WorkerColumn::kCreatedAt);
  worker.draining = row.integer_at(WorkerColumn::kDraining) != 0;
  worker.revoked_at = row.optional_time_at(WorkerColumn::kRevokedAt);
  worker.revoke_reason = row.text_at(WorkerColumn::kRevokeReason);
  worker.last_seen_at = row.optional_time_at(WorkerColumn::kLastSeenAt);
  const bool readable = unpack_labels(row.blob_at(WorkerColumn::kLabels), worker.labels) &&
                        unpack_list(row.blob_at(WorkerColumn::kJobTypes), worker.job_types) &&
                        unpack_list(row.blob_at(WorkerColumn::kQueues), worker.queues);
  if (!readable) return fail(Errc::store_unavailable, "A row of the database can't be read");
  return worker;
}

Result<std::optional<WorkerRecord>> find_with(Query& query) {
  auto row = query.step();
  if (!row) return row.error();
  if (!*row) return std::optional<WorkerRecord>{};
  auto worker = worker_of(query);
  if (!worker) return worker.error();
  return std::optional(std::move(*worker));
}

}  // namespace

Result<std::optional<WorkerRecord>> find_worker_row(Connection& connection, const WorkerId& id) {
  Query query(connection, sql::find_worker);
  return find_with(query.id(id));
}

Result<std::optional<WorkerRecord>> find_worker_row(Connection& connection,
                                                    const std::string& token_sha256) {
  Query query(connection, sql::find_worker_of);
  return find_with(query.text(token_sha256));
}

Result<std::vector<WorkerRecord>> list_worker_rows(Connection& connection,
                                                   const std::optional<WorkerId>& after,
                                                   int limit) {
  Query query(connection, sql::list_workers);
  query.blob({}).integer(limit);
  if (after) query.at(1).id(*after);
  std::vector<WorkerRecord> workers;
  for (;;) {
    auto more = query.step();
    if (!more) return more.error();
    if (!*more) return workers;
    auto worker = worker_of(query);
    if (!worker) return worker.error();
    workers.push_back(std::move(*worker));
  }
}

}  // namespace tandem::store
