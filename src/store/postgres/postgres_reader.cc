#include "store/postgres/postgres_reader.h"

#include <algorithm>

#include "postgres_queries.h"
#include "store/postgres/handshake.h"
#include "store/postgres/link.h"
#include "store/postgres/list_query.h"
#include "store/postgres/task_rows.h"
#include "store/postgres/worker_rows.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::postgres;
using postgres::Row;
using postgres::Rows;
using postgres::Statement;

// The least id of those made after `time`.
TaskId first_id_after(WallTime time) {
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(time.ms + 1, 0));
  TaskId id;
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  return id;
}

std::vector<Statement> stats_statements(const std::optional<ClientId>& client, WallTime now) {
  constexpr std::int64_t kMinuteMs = 60'000;
  const WallTime minute_ago = now + -kMinuteMs;
  Statement counts{sql::stats_counts}, oldest{sql::stats_oldest_pending},
      created{client ? sql::stats_created_of_client : sql::stats_created},
      finished{sql::stats_finished};
  counts.params.id(client);
  oldest.params.id(client);
  created.params.id(first_id_after(minute_ago));
  if (client) created.params.id(*client);
  finished.params.time(minute_ago).id(client);
  return {{sql::begin_read}, counts, oldest, created, finished, {sql::end_read}};
}

}  // namespace

// A connection for the length of a call.
class PostgresReader::Lease final : public postgres::Runner {
 public:
  explicit Lease(PostgresReader& reader) : reader_(reader) {
    std::unique_lock lock(reader.mutex_);
    reader.freed_.wait(lock, [&] { return !reader.free_.empty(); });
    link_ = reader.free_.back();
    reader.free_.pop_back();
  }
  ~Lease() override {
    {
      const std::lock_guard lock(reader_.mutex_);
      reader_.free_.push_back(link_);
    }
    reader_.freed_.notify_one();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  using Runner::run;
  Result<std::vector<Rows>> run(const std::vector<Statement>& statements) override {
    return link_->run(statements, postgres::patience::kReadMs, true);
  }
  void drop() { link_->drop(); }

 private:
  PostgresReader& reader_;
  postgres::Link* link_;
};

PostgresReader::PostgresReader(ServerId server) : server_(server) {}
PostgresReader::~PostgresReader() = default;

Result<std::unique_ptr<PostgresReader>> PostgresReader::open(const std::string& url,
                                                             ServerId server, int connections) {
  const auto address = postgres::Address::parse(url);
  if (!address) return address.error();
  std::unique_ptr<PostgresReader> reader(new PostgresReader(server));
  for (int i = 0; i < connections; ++i) {
    reader->links_.push_back(std::make_unique<postgres::Link>(*address, postgres::shake_hands));
    reader->free_.push_back(reader->links_.back().get());
  }
  if (auto opened = reader->links_.back()->open(); !opened)
    return fail(opened.error().code, opened.error().detail + " (" + address->description() + ")");
  return reader;
}

Result<std::optional<Task>> PostgresReader::find(TaskId id) {
  Statement find{sql::find_task};
  find.params.id(id);
  auto rows = Lease(*this).run(std::move(find));
  if (!rows) return rows.error();
  auto tasks = postgres::tasks_of(*rows, Uuid());
  if (!tasks) return tasks.error();
  if (tasks->empty()) return std::optional<Task>{};
  return std::optional(std::move(tasks->front()));
}

Result<std::vector<Task>> PostgresReader::list(const TaskFilter& filter) {
  auto statement = postgres::list_statement(filter);
  if (!statement) return std::vector<Task>{};
  auto rows = Lease(*this).run(std::move(*statement));
  if (!rows) return rows.error();
  return postgres::tasks_of(*rows, Uuid());
}

Result<TaskStats> PostgresReader::stats(std::optional<ClientId> client, WallTime now) {
  Lease lease(*this);
  auto answers = lease.run(stats_statements(client, now));
  if (!answers) {
    lease.drop();  // with the transaction that did not end
    return answers.error();
  }
  const Rows &counts = (*answers)[1], &oldest = (*answers)[2];
  TaskStats stats;
  for (int i = 0; i < counts.size(); ++i) {
    const auto status = task_status_from(counts.bytes(i, 1));
    if (!status) return postgres::unreadable();
    stats.counts[{std::string(counts.bytes(i, 0)), *status}] = counts.number(i, 2);
  }
  if (oldest.size() > 0) stats.oldest_pending = oldest.time(0, 0);
  stats.created_last_minute = (*answers)[3].number(0, 0);
  stats.finished_last_minute = (*answers)[4].number(0, 0);
  return stats;
}

Result<std::vector<Callback>> PostgresReader::list_callbacks(std::string_view url_prefix,
                                                             int limit) {
  Statement list{sql::list_callbacks};
  list.params.text(url_prefix).bigint(limit).id_or_null(server_);
  auto rows = Lease(*this).run(std::move(list));
  if (!rows) return rows.error();
  std::vector<Callback> callbacks;
  for (int i = 0; i < rows->size(); ++i) {
    const Row row(*rows, i);
    callbacks.push_back({.task_id = TaskId(row.id(0)),
                         .ended_at = row.time(1),
                         .url = std::string(row.bytes(2)),
                         .tries = static_cast<int>(row.number(3)),
                         .due_at = row.time(4)});
  }
  return callbacks;
}

Result<std::optional<Client>> PostgresReader::find_client(ClientId id) {
  Lease lease(*this);
  return postgres::find_client_row(lease, id);
}

Result<std::vector<Client>> PostgresReader::list_clients(std::optional<ClientId> after, int limit) {
  Lease lease(*this);
  return postgres::list_client_rows(lease, after, limit);
}

Result<std::optional<WorkerRecord>> PostgresReader::find_worker(WorkerId id) {
  Lease lease(*this);
  return postgres::find_worker_row(lease, id);
}

Result<std::optional<WorkerRecord>> PostgresReader::find_worker_of(
    const std::string& token_sha256) {
  Lease lease(*this);
  return postgres::find_worker_row(lease, token_sha256);
}

Result<std::vector<WorkerRecord>> PostgresReader::list_workers(std::optional<WorkerId> after,
                                                               int limit) {
  Lease lease(*this);
  return postgres::list_worker_rows(lease, after, limit);
}

}  // namespace tandem::store
