#include "store/postgres/postgres_workers.h"

#include "postgres_queries.h"
#include "store/postgres/failure.h"
#include "store/postgres/worker_rows.h"
#include "store/task_codec.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

}  // namespace

Result<bool> PostgresWorkers::change(Statement statement) {
  auto written = session_.write(std::move(statement));
  if (!written) return written.error();
  return written->size() > 0;
}

Result<void> PostgresWorkers::insert_worker(const WorkerRecord& worker) {
  Statement insert{sql::insert_worker};
  Params& params = insert.params;
  const std::string labels = pack_labels(worker.labels);
  params.id(worker.worker_id).text(worker.name).text(worker.mode).text_or_null(labels);
  params.bytes(pack_list(worker.job_types)).bytes(pack_list(worker.queues)).integer(worker.slots);
  params.text(worker.version).text(worker.host).id(worker.client_id);
  params.text(worker.token_sha256).text_or_null(worker.previous_sha256);
  params.time(worker.previous_until).time(worker.created_at).boolean(worker.draining);
  params.time(worker.revoked_at).text(worker.revoke_reason).time(worker.last_seen_at);
  const auto inserted = change(std::move(insert));
  if (!inserted) return inserted.error();
  return *inserted ? Result<void>() : error_of(kTakenState);
}

Result<std::optional<WorkerRecord>> PostgresWorkers::find_worker(WorkerId id) {
  return find_worker_row(session_, id);
}

Result<std::vector<WorkerRecord>> PostgresWorkers::list_workers(std::optional<WorkerId> after,
                                                                int limit) {
  return list_worker_rows(session_, after, limit);
}

Result<bool> PostgresWorkers::replace_token(WorkerId id, const WorkerTokens& tokens) {
  Statement replace{sql::replace_worker_token};
  replace.params.id(id).text(tokens.token_sha256).text(tokens.previous_sha256);
  replace.params.time(tokens.previous_until);
  return change(std::move(replace));
}

Result<bool> PostgresWorkers::set_draining(WorkerId id, bool draining) {
  Statement set{sql::set_worker_draining};
  set.params.id(id).boolean(draining);
  return change(std::move(set));
}

Result<bool> PostgresWorkers::revoke_worker(WorkerId id, WallTime now, const std::string& reason) {
  Statement revoke{sql::revoke_worker};
  revoke.params.id(id).time(now).text(reason);
  return change(std::move(revoke));
}

Result<void> PostgresWorkers::see_workers(std::span<const Sighting> sightings) {
  Column ids(Type::uuid), times(Type::bigint);
  for (const Sighting& sighting : sightings) {
    ids.id(sighting.worker_id);
    times.time(sighting.seen_at);
  }
  Statement see{sql::see_workers};
  see.params.column(ids).column(times);
  auto seen = change(std::move(see));
  return seen ? Result<void>() : seen.error();
}

}  // namespace tandem::store::postgres
