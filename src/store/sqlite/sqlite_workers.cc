#include "store/sqlite/sqlite_workers.h"

#include "sqlite_queries.h"
#include "store/sqlite/worker_rows.h"
#include "store/task_codec.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::sqlite;

}  // namespace

Result<void> SqliteWorkers::write(Query& query) {
  if (!connection_.in_transaction())
    return fail(Errc::store_unavailable, "The transaction has ended");
  return query.run();
}

Result<bool> SqliteWorkers::change(Query& query) {
  if (auto written = write(query); !written) return written.error();
  return connection_.changes() > 0;
}

Result<void> SqliteWorkers::insert_worker(const WorkerRecord& worker) {
  const std::string labels = pack_labels(worker.labels), job_types = pack_list(worker.job_types),
                    queues = pack_list(worker.queues);
  Query query(connection_, sql::insert_worker);
  query.id(worker.worker_id).text(worker.name).text(worker.mode).blob_or_null(labels);
  query.blob(job_types).blob(queues).integer(worker.slots);
  query.text(worker.version).text(worker.host).id(worker.client_id);
  query.text(worker.token_sha256).text_or_null(worker.previous_sha256).time(worker.previous_until);
  query.time(worker.created_at).integer(worker.draining ? 1 : 0).time(worker.revoked_at);
  return write(query.text(worker.revoke_reason).time(worker.last_seen_at));
}

Result<std::optional<WorkerRecord>> SqliteWorkers::find_worker(WorkerId id) {
  return find_worker_row(connection_, id);
}

Result<std::vector<WorkerRecord>> SqliteWorkers::list_workers(std::optional<WorkerId> after,
                                                              int limit) {
  return list_worker_rows(connection_, after, limit);
}

Result<bool> SqliteWorkers::replace_token(WorkerId id, const WorkerTokens& tokens) {
  Query query(connection_, sql::replace_worker_token);
  query.id(id).text(tokens.token_sha256).text(tokens.previous_sha256);
  return change(query.time(tokens.previous_until));
}

Result<bool> SqliteWorkers::set_draining(WorkerId id, bool draining) {
  Query query(connection_, sql::set_worker_draining);
  return change(query.id(id).integer(draining ? 1 : 0));
}

Result<bool> SqliteWorkers::revoke_worker(WorkerId id, WallTime now, const std::string& reason) {
  Query query(connection_, sql::revoke_worker);
  return change(query.id(id).time(now).text(reason));
}

Result<void> SqliteWorkers::see_workers(std::span<const Sighting> sightings) {
  for (const Sighting& sighting : sightings) {
    Query query(connection_, sql::see_worker);
    if (auto seen = write(query.id(sighting.worker_id).time(sighting.seen_at)); !seen) return seen;
  }
  return {};
}

}  // namespace tandem::store
