#include "store/postgres/postgres_store.h"

#include <cstring>

#include "base/assert.h"
#include "postgres_queries.h"
#include "store/postgres/migrate.h"
#include "store/postgres/postgres_accounts.h"
#include "store/postgres/postgres_peers.h"
#include "store/postgres/postgres_workers.h"
#include "store/postgres/session.h"
#include "store/postgres/task_rows.h"
#include "store/postgres/task_writer.h"
#include "store/task_codec.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::postgres;
using postgres::Params;
using postgres::Row;
using postgres::Rows;
using postgres::Session;
using postgres::Statement;

// In front of all tasks of a lane.
constexpr std::int16_t kBeforeAll = -1000;

Result<std::vector<Task>> load_tasks(Session& session, Statement statement, const Uuid& server) {
  auto rows = session.run(std::move(statement));
  if (!rows) return rows.error();
  return postgres::tasks_of(*rows, server);
}

Result<std::optional<WallTime>> load_time(Session& session, std::string_view query,
                                          const Uuid& server) {
  Statement statement{query};
  statement.params.id(server);
  auto rows = session.run(std::move(statement));
  if (!rows) return rows.error();
  if (rows->size() == 0) return std::optional<WallTime>{};
  return std::optional(rows->time(0, 0));
}

std::vector<TaskId> split_ids(std::string_view bytes) {
  std::vector<TaskId> ids(bytes.size() / 16);
  for (std::size_t i = 0; i < ids.size(); ++i)
    std::memcpy(ids[i].bytes.data(), bytes.data() + i * 16, 16);
  return ids;
}

Result<void> enter(Session& session, const ServerIdentity& server) {
  auto connection = session.open();
  if (!connection) return connection.error();
  if (auto migrated = postgres::migrate(**connection); !migrated) return migrated;
  Statement enter_server{sql::register_server};
  enter_server.params.id(server.server_id).text(server.name).time(server.started_at);
  auto entered = session.run(std::move(enter_server));
  return entered ? Result<void>() : entered.error();
}

}  // namespace

PostgresStore::PostgresStore(std::unique_ptr<Session> session, const ServerIdentity& server)
    : server_(server.server_id),
      session_(std::move(session)),
      writer_(std::make_unique<postgres::TaskWriter>(*session_, server_)),
      accounts_(std::make_unique<postgres::PostgresAccounts>(*session_)),
      workers_(std::make_unique<postgres::PostgresWorkers>(*session_)),
      peers_(std::make_unique<postgres::PostgresPeers>(*session_, server_, server.started_at)) {}
PostgresStore::~PostgresStore() = default;

Result<std::unique_ptr<PostgresStore>> PostgresStore::open(const std::string& url,
                                                           const ServerIdentity& server) {
  auto address = postgres::Address::parse(url);
  if (!address) return address.error();
  auto session = std::make_unique<Session>(*address, server.server_id);
  if (auto entered = enter(*session, server); !entered)
    return fail(entered.error().code, entered.error().detail + " (" + address->description() + ")");
  return std::unique_ptr<PostgresStore>(new PostgresStore(std::move(session), server));
}

Result<void> PostgresStore::begin() { return session_->begin(); }

Result<std::vector<std::uint8_t>> PostgresStore::apply(const TaskBatch& batch) {
  if (!session_->in_transaction())
    return fail(Errc::store_unavailable, "The transaction has ended");
  return writer_->apply(batch);
}

AccountStore& PostgresStore::accounts() { return *accounts_; }
WorkerStore& PostgresStore::workers() { return *workers_; }
PeerStore* PostgresStore::peers() { return peers_.get(); }

Result<void> PostgresStore::commit() {
  auto committed = session_->commit(writer_->take_counts());
  if (!committed) writer_->rolled_back();
  return committed;
}

void PostgresStore::rollback() {
  writer_->rolled_back();
  session_->rollback();
}

Result<std::vector<Task>> PostgresStore::load(std::span<const TaskId> ids) {
  if (ids.empty()) return std::vector<Task>{};
  postgres::Column column(postgres::Type::uuid);
  for (const TaskId& id : ids) column.id(id);
  Statement statement{sql::load_tasks};
  statement.params.column(column);
  return load_tasks(*session_, std::move(statement), server_);
}

Result<std::vector<Task>> PostgresStore::load_leased() {
  Statement statement{sql::load_leased};
  statement.params.id(server_);
  return load_tasks(*session_, std::move(statement), server_);
}

Result<std::vector<LaneKey>> PostgresStore::pending_lanes() {
  Statement statement{sql::pending_lanes};
  statement.params.id(server_);
  auto rows = session_->run(std::move(statement));
  if (!rows) return rows.error();
  std::vector<LaneKey> lanes(static_cast<std::size_t>(rows->size()));
  for (int i = 0; i < rows->size(); ++i) {
    const Row row(*rows, i);
    LaneKey& lane = lanes[static_cast<std::size_t>(i)];
    lane.client_id = ClientId(row.id(0));
    lane.queue = row.bytes(1);
    lane.job_type = row.bytes(2);
    const auto assignment = assignment_from(row.bytes(3));
    if (!assignment || !unpack_list(row.bytes(4), lane.requires_labels))
      return postgres::unreadable();
    lane.assignment = *assignment;
  }
  return lanes;
}

Result<std::vector<Task>> PostgresStore::load_pending(const LaneKey& lane,
                                                      const LanePosition* after, int limit) {
  auto number = writer_->lanes().find(lane);
  if (!number) return number.error();
  if (!*number || limit <= 0) return std::vector<Task>{};
  Statement statement{sql::load_pending};
  statement.params.id(server_).bigint(**number);
  if (after == nullptr) {
    statement.params.smallint(kBeforeAll).id(TaskId());
  } else {
    statement.params.smallint(static_cast<std::int16_t>(-after->priority)).id(after->task_id);
  }
  statement.params.bigint(limit);
  return load_tasks(*session_, std::move(statement), server_);
}

Result<std::vector<Task>> PostgresStore::load_due(WallTime now, int limit) {
  Statement statement{sql::load_due};
  statement.params.id(server_).time(now).bigint(limit);
  return load_tasks(*session_, std::move(statement), server_);
}

Result<std::optional<WallTime>> PostgresStore::next_due() {
  return load_time(*session_, sql::next_due, server_);
}

Result<std::vector<Task>> PostgresStore::load_queue_expired(WallTime now, int limit) {
  Statement statement{sql::load_queue_expired};
  statement.params.id(server_).time(now).bigint(limit);
  return load_tasks(*session_, std::move(statement), server_);
}

Result<std::optional<WallTime>> PostgresStore::next_queue_expiry() {
  return load_time(*session_, sql::next_queue_expiry, server_);
}

Result<std::optional<IdempotencyRow>> PostgresStore::find_idempotency(ClientId client,
                                                                      const std::string& key) {
  Statement statement{sql::find_idempotency};
  statement.params.id(client).text(key);
  auto rows = session_->run(std::move(statement));
  if (!rows) return rows.error();
  if (rows->size() == 0) return std::optional<IdempotencyRow>{};
  return std::optional(IdempotencyRow{.client_id = client,
                                      .key = key,
                                      .body_sha256 = std::string(rows->bytes(0, 0)),
                                      .tasks = split_ids(rows->bytes(0, 1)),
                                      .created_at = rows->time(0, 2)});
}

Result<std::optional<TaskId>> PostgresStore::find_unique(ClientId client, const std::string& key) {
  Statement statement{sql::find_unique};
  statement.params.id(client).text(key);
  auto rows = session_->run(std::move(statement));
  if (!rows) return rows.error();
  if (rows->size() == 0) return std::optional<TaskId>{};
  return std::optional(TaskId(rows->id(0, 0)));
}

Result<std::vector<InputPiece>> PostgresStore::load_inputs(TaskId task, std::uint32_t attempt,
                                                           std::uint64_t after_seq) {
  Statement statement{sql::load_inputs};
  statement.params.id(task).integer(static_cast<std::int32_t>(attempt));
  statement.params.bigint(static_cast<std::int64_t>(after_seq));
  auto rows = session_->run(std::move(statement));
  if (!rows) return rows.error();
  std::vector<InputPiece> pieces;
  for (int i = 0; i < rows->size(); ++i)
    pieces.push_back({.task_id = task,
                      .attempt = attempt,
                      .seq = static_cast<std::uint64_t>(rows->number(i, 0)),
                      .data = std::string(rows->bytes(i, 2)),
                      .eof = rows->number(i, 1) != 0});
  return pieces;
}

Result<std::int64_t> PostgresStore::expire_idempotency(WallTime before, int limit) {
  TANDEM_ASSERT(!session_->in_transaction());
  Statement statement{sql::expire_idempotency};
  statement.params.time(before).bigint(limit);
  auto dropped = session_->run(std::move(statement));
  if (!dropped) return dropped.error();
  return dropped->size();
}

Result<std::vector<TaskId>> PostgresStore::load_finished_before(WallTime before, int limit) {
  Statement statement{sql::load_finished_before};
  statement.params.time(before).bigint(limit);
  auto rows = session_->run(std::move(statement));
  if (!rows) return rows.error();
  std::vector<TaskId> ids;
  for (int i = 0; i < rows->size(); ++i) ids.emplace_back(rows->id(i, 0));
  return ids;
}

}  // namespace tandem::store
