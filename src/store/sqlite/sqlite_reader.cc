#include "store/sqlite/sqlite_reader.h"

#include <algorithm>

#include "sqlite_queries.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/task_rows.h"
#include "store/sqlite/worker_rows.h"
#include "store/task_codec.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::sqlite;

std::string status_list(const StatusSet& statuses) {
  if (statuses.empty()) return {};
  std::string list = ",";
  for (const TaskStatus status : kAllStatuses)
    if (statuses.contains(status)) list.append(to_string(status)).push_back(',');
  return list;
}

std::string_view list_query(const TaskFilter& filter) {
  bool leased_only = !filter.statuses.empty();
  for (const TaskStatus status : kAllStatuses)
    if (filter.statuses.contains(status) && !is_leased(status)) leased_only = false;
  if (leased_only) return sql::list_leased;
  return filter.client_id ? sql::list_of_client : sql::list_all;
}

// The least id of those made after `time`.
TaskId first_id_after(WallTime time) {
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(time.ms + 1, 0));
  TaskId id;
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  return id;
}

Query& bind_client(Query& query, const std::optional<ClientId>& client) {
  return client ? query.id(*client) : query.null();
}

Result<void> read_counts(Connection& connection, const std::optional<ClientId>& client,
                         TaskStats& stats) {
  Query query(connection, sql::stats_counts);
  bind_client(query, client);
  for (;;) {
    auto more = query.step();
    if (!more) return more.error();
    if (!*more) return {};
    const auto status = task_status_from(query.text_at(1));
    if (!status) return fail(Errc::store_unavailable, "A row of the database can't be read");
    stats.counts[{std::string(query.text_at(0)), *status}] = query.integer_at(2);
  }
}

struct LaneHead {
  TaskId id;
  WallTime created_at;
};

// The oldest of a lane's pending tasks: the first of each priority, of which there are few.
Result<void> read_lane_oldest(Connection& connection, std::int64_t lane,
                              std::optional<LaneHead>& oldest) {
  std::int64_t below = INT64_MAX;
  for (;;) {
    Query query(connection, sql::stats_lane_head);
    auto row = query.integer(lane).integer(below).step();
    if (!row) return row.error();
    if (!*row) return {};
    below = query.integer_at(0);
    const TaskId id(query.id_at(1));
    if (!oldest || id < oldest->id) oldest = LaneHead{id, query.time_at(2)};
  }
}

Result<void> read_oldest_pending(Connection& connection, const std::optional<ClientId>& client,
                                 TaskStats& stats) {
  Query lanes(connection, sql::stats_pending_lanes);
  bind_client(lanes, client);
  std::optional<LaneHead> oldest;
  for (;;) {
    auto more = lanes.step();
    if (!more) return more.error();
    if (!*more) break;
    if (auto read = read_lane_oldest(connection, lanes.integer_at(0), oldest); !read) return read;
  }
  if (oldest) stats.oldest_pending = oldest->created_at;
  return {};
}

Result<std::int64_t> read_count(Query& query) {
  auto row = query.step();
  if (!row) return row.error();
  return query.integer_at(0);
}

Result<TaskStats> read_stats(Connection& connection, const std::optional<ClientId>& client,
                             WallTime now) {
  constexpr std::int64_t kMinuteMs = 60'000;
  const WallTime minute_ago = now + -kMinuteMs;
  TaskStats stats;
  if (auto read = read_counts(connection, client, stats); !read) return read.error();
  if (auto read = read_oldest_pending(connection, client, stats); !read) return read.error();
  const TaskId first = first_id_after(minute_ago);
  Query created(connection, client ? sql::stats_created_of_client : sql::stats_created);
  created.id(first);
  if (client) created.id(*client);
  auto count = read_count(created);
  if (!count) return count.error();
  stats.created_last_minute = *count;
  Query finished(connection, client ? sql::stats_finished_of_client : sql::stats_finished);
  finished.time(minute_ago);
  if (client) finished.id(*client);
  count = read_count(finished);
  if (!count) return count.error();
  stats.finished_last_minute = *count;
  return stats;
}

}  // namespace

// A connection for the length of a call.
class SqliteReader::Lease {
 public:
  explicit Lease(SqliteReader& reader) : reader_(reader) {
    std::unique_lock lock(reader.mutex_);
    reader.freed_.wait(lock, [&] { return !reader.free_.empty(); });
    connection_ = reader.free_.back();
    reader.free_.pop_back();
  }
  ~Lease() {
    {
      const std::lock_guard lock(reader_.mutex_);
      reader_.free_.push_back(connection_);
    }
    reader_.freed_.notify_one();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Connection& operator*() const { return *connection_; }

 private:
  SqliteReader& reader_;
  Connection* connection_;
};

SqliteReader::SqliteReader() = default;
SqliteReader::~SqliteReader() = default;

Result<std::unique_ptr<SqliteReader>> SqliteReader::open(const std::string& path, int connections) {
  std::unique_ptr<SqliteReader> reader(new SqliteReader());
  for (int i = 0; i < connections; ++i) {
    auto connection = Connection::open(path, Connection::Role::reader);
    if (!connection) return connection.error();
    reader->free_.push_back(connection->get());
    reader->connections_.push_back(std::move(*connection));
  }
  return reader;
}

Result<std::optional<Task>> SqliteReader::find(TaskId id) {
  const Lease connection(*this);
  Query query(*connection, sql::find_task);
  return task_or_none(query.id(id));
}

Result<std::vector<Task>> SqliteReader::list(const TaskFilter& filter) {
  if (filter.limit <= 0) return std::vector<Task>{};
  const std::string statuses = status_list(filter.statuses);
  const std::string labels = pack_labels(filter.labels);
  const std::string above_all(17, '\xff');
  const std::string_view sql_text = list_query(filter);
  const Lease connection(*this);
  Query query(*connection, sql_text);
  if (filter.before) {
    query.id(*filter.before);
  } else {
    query.blob(above_all);
  }
  query.text_or_null(statuses).text_or_null(filter.job_type).text_or_null(filter.queue);
  if (filter.worker_id) {
    query.id(*filter.worker_id);
  } else {
    query.null();
  }
  query.blob_or_null(labels).text_or_null(filter.search);
  query.time(filter.created_after).time(filter.created_before).integer(filter.limit);
  if (sql_text != sql::list_all) bind_client(query, filter.client_id);
  return tasks_of(query);
}

Result<TaskStats> SqliteReader::stats(std::optional<ClientId> client, WallTime now) {
  const Lease connection(*this);
  if (auto began = (*connection).run("begin"); !began) return began.error();
  auto stats = read_stats(*connection, client, now);
  if (auto ended = (*connection).run("commit"); !ended) {
    (void)(*connection).run("rollback");
    return ended.error();
  }
  return stats;
}

Result<std::vector<Callback>> SqliteReader::list_callbacks(std::string_view url_prefix, int limit) {
  const Lease connection(*this);
  Query query(*connection, sql::list_callbacks);
  query.text(url_prefix).integer(limit);
  std::vector<Callback> callbacks;
  for (;;) {
    auto more = query.step();
    if (!more) return more.error();
    if (!*more) return callbacks;
    callbacks.push_back({.task_id = TaskId(query.id_at(0)),
                         .ended_at = query.time_at(1),
                         .url = std::string(query.text_at(2)),
                         .tries = static_cast<int>(query.integer_at(3)),
                         .due_at = query.time_at(4)});
  }
}

Result<std::optional<Client>> SqliteReader::find_client(ClientId id) {
  const Lease connection(*this);
  return find_client_row(*connection, id);
}

Result<std::vector<Client>> SqliteReader::list_clients(std::optional<ClientId> after, int limit) {
  const Lease connection(*this);
  return list_client_rows(*connection, after, limit);
}

Result<std::optional<WorkerRecord>> SqliteReader::find_worker(WorkerId id) {
  const Lease connection(*this);
  return find_worker_row(*connection, id);
}

Result<std::optional<WorkerRecord>> SqliteReader::find_worker_of(const std::string& token_sha256) {
  const Lease connection(*this);
  return find_worker_row(*connection, token_sha256);
}

Result<std::vector<WorkerRecord>> SqliteReader::list_workers(std::optional<WorkerId> after,
                                                             int limit) {
  const Lease connection(*this);
  return list_worker_rows(*connection, after, limit);
}

}  // namespace tandem::store
