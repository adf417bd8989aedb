#include "store/sqlite/sqlite_store.h"

#include <cstring>

#include "base/assert.h"
#include "sqlite_queries.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/migrate.h"
#include "store/sqlite/sqlite_accounts.h"
#include "store/sqlite/sqlite_workers.h"
#include "store/sqlite/task_rows.h"
#include "store/sqlite/task_writer.h"
#include "store/task_codec.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::sqlite;

Result<std::optional<WallTime>> time_or_none(Query& query) {
  auto row = query.step();
  if (!row) return row.error();
  if (!*row) return std::optional<WallTime>{};
  return std::optional(query.time_at(0));
}

Result<std::vector<TaskId>> ids_of(Query& query) {
  std::vector<TaskId> ids;
  for (;;) {
    auto more = query.step();
    if (!more) return more.error();
    if (!*more) return ids;
    ids.emplace_back(query.id_at(0));
  }
}

std::vector<TaskId> split_ids(std::string_view bytes) {
  std::vector<TaskId> ids(bytes.size() / 16);
  for (std::size_t i = 0; i < ids.size(); ++i)
    std::memcpy(ids[i].bytes.data(), bytes.data() + i * 16, 16);
  return ids;
}

}  // namespace

SqliteStore::SqliteStore(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)),
      writer_(std::make_unique<TaskWriter>(*connection_)),
      accounts_(std::make_unique<SqliteAccounts>(*connection_)),
      workers_(std::make_unique<SqliteWorkers>(*connection_)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path) {
  auto connection = Connection::open(path, Connection::Role::writer);
  if (!connection) return connection.error();
  if (auto migrated = migrate(**connection); !migrated) return migrated.error();
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(*connection)));
}

Result<void> SqliteStore::begin() {
  TANDEM_ASSERT(!connection_->in_transaction());
  return Query(*connection_, sql::begin_write).run();
}

Result<std::vector<std::uint8_t>> SqliteStore::apply(const TaskBatch& batch) {
  // SQLite ends a transaction by itself after some errors; a write after that would stand alone.
  if (!connection_->in_transaction())
    return fail(Errc::store_unavailable, "The transaction has ended");
  return writer_->apply(batch);
}

AccountStore& SqliteStore::accounts() { return *accounts_; }
WorkerStore& SqliteStore::workers() { return *workers_; }

Result<void> SqliteStore::commit() {
  Result<void> committed = fail(Errc::store_unavailable, "The transaction has ended");
  if (connection_->in_transaction()) committed = Query(*connection_, sql::commit_write).run();
  if (!committed) rollback();
  return committed;
}

void SqliteStore::rollback() {
  writer_->rolled_back();
  if (connection_->in_transaction()) (void)connection_->run("rollback");
}

Result<std::vector<Task>> SqliteStore::load(std::span<const TaskId> ids) {
  std::vector<Task> tasks;
  tasks.reserve(ids.size());
  for (const TaskId& id : ids) {
    Query query(*connection_, sql::find_task);
    auto task = task_or_none(query.id(id));
    if (!task) return task.error();
    if (*task) tasks.push_back(std::move(**task));
  }
  return tasks;
}

Result<std::vector<Task>> SqliteStore::load_leased() {
  Query query(*connection_, sql::load_leased);
  return tasks_of(query);
}

Result<std::vector<LaneKey>> SqliteStore::pending_lanes() {
  Query query(*connection_, sql::pending_lanes);
  std::vector<LaneKey> lanes;
  for (;;) {
    auto more = query.step();
    if (!more) return more.error();
    if (!*more) return lanes;
    LaneKey& lane = lanes.emplace_back();
    lane.client_id = ClientId(query.id_at(0));
    lane.queue = query.text_at(1);
    lane.job_type = query.text_at(2);
    const auto assignment = assignment_from(query.text_at(3));
    if (!assignment || !unpack_list(query.blob_at(4), lane.requires_labels))
      return fail(Errc::store_unavailable, "A row of the database can't be read");
    lane.assignment = *assignment;
  }
}

Result<std::vector<Task>> SqliteStore::load_pending(const LaneKey& lane, const LanePosition* after,
                                                    int limit) {
  auto id = writer_->find_lane(lane);
  if (!id) return id.error();
  if (!*id || limit <= 0) return std::vector<Task>{};
  if (after == nullptr) {
    Query query(*connection_, sql::load_pending);
    return tasks_of(query.integer(**id).integer(limit));
  }
  Query same(*connection_, sql::load_pending_same_priority);
  same.integer(**id).integer(after->priority).id(after->task_id).integer(limit);
  auto tasks = tasks_of(same);
  if (!tasks || std::ssize(*tasks) >= limit) return tasks;
  Query lower(*connection_, sql::load_pending_lower_priority);
  lower.integer(**id).integer(after->priority).integer(limit - std::ssize(*tasks));
  auto rest = tasks_of(lower);
  if (!rest) return rest;
  for (Task& task : *rest) tasks->push_back(std::move(task));
  return tasks;
}

Result<std::vector<Task>> SqliteStore::load_due(WallTime now, int limit) {
  Query query(*connection_, sql::load_due);
  return tasks_of(query.time(now).integer(limit));
}

Result<std::optional<WallTime>> SqliteStore::next_due() {
  Query query(*connection_, sql::next_due);
  return time_or_none(query);
}

Result<std::vector<Task>> SqliteStore::load_queue_expired(WallTime now, int limit) {
  Query query(*connection_, sql::load_queue_expired);
  return tasks_of(query.time(now).integer(limit));
}

Result<std::optional<WallTime>> SqliteStore::next_queue_expiry() {
  Query query(*connection_, sql::next_queue_expiry);
  return time_or_none(query);
}

Result<std::optional<IdempotencyRow>> SqliteStore::find_idempotency(ClientId client,
                                                                    const std::string& key) {
  Query query(*connection_, sql::find_idempotency);
  auto row = query.id(client).text(key).step();
  if (!row) return row.error();
  if (!*row) return std::optional<IdempotencyRow>{};
  return std::optional(IdempotencyRow{.client_id = client,
                                      .key = key,
                                      .body_sha256 = std::string(query.text_at(0)),
                                      .tasks = split_ids(query.blob_at(1)),
                                      .created_at = query.time_at(2)});
}

Result<std::optional<TaskId>> SqliteStore::find_unique(ClientId client, const std::string& key) {
  Query query(*connection_, sql::find_unique);
  auto ids = ids_of(query.id(client).text(key));
  if (!ids) return ids.error();
  if (ids->empty()) return std::optional<TaskId>{};
  return std::optional(ids->front());
}

Result<std::vector<InputPiece>> SqliteStore::load_inputs(TaskId task, std::uint32_t attempt,
                                                         std::uint64_t after_seq) {
  Query query(*connection_, sql::load_inputs);
  query.id(task).integer(attempt).integer(static_cast<std::int64_t>(after_seq));
  std::vector<InputPiece> pieces;
  for (;;) {
    auto more = query.step();
    if (!more) return more.error();
    if (!*more) return pieces;
    pieces.push_back({.task_id = task,
                      .attempt = attempt,
                      .seq = static_cast<std::uint64_t>(query.integer_at(0)),
                      .data = std::string(query.blob_at(2)),
                      .eof = query.integer_at(1) != 0});
  }
}

Result<std::int64_t> SqliteStore::expire_idempotency(WallTime before, int limit) {
  TANDEM_ASSERT(!connection_->in_transaction());
  Query query(*connection_, sql::expire_idempotency);
  if (auto dropped = query.time(before).integer(limit).run(); !dropped) return dropped.error();
  return connection_->changes();
}

Result<std::vector<TaskId>> SqliteStore::load_finished_before(WallTime before, int limit) {
  Query query(*connection_, sql::load_finished_before);
  return ids_of(query.time(before).integer(limit));
}

}  // namespace tandem::store
