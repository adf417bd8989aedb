#include "logs/embedded/sqlite_log_store.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "base/mark_file.h"
#include "logs/block_codec.h"
#include "logs/embedded/connection.h"

namespace tandem::logs {
namespace {

// Chosen by a prototype of the tables alone (2 idle cores, one run each): 512 MB in records of
// 16–64 KiB over 64 tasks, then 40-byte records in commits of 100. Pages of 16 KiB: rows in order
// of arrival with an index beside them 306 MB/s and 62,000/s, one WITHOUT ROWID table 114 MB/s and
// 16,000/s. The former with pages of 4, 8, 16 KiB and secure_delete=FAST: 232, 313, 347 MB/s and
// 80,000, 76,000, 59,000/s. secure_delete=ON, the default in Debian: removals 2 to 4 times slower.
// The index also answers tail() and the sizes for remove(), without touching the rows.
constexpr char kSetUpWriter[] =
    "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=2048; PRAGMA journal_size_limit=67108864;"
    "PRAGMA secure_delete=FAST; PRAGMA cache_size=-16384; PRAGMA cell_size_check=ON;";
constexpr char kSchema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE block(id INTEGER PRIMARY KEY, task BLOB NOT NULL CHECK(length(task)=16),"
    " attempt INTEGER NOT NULL, last_seq INTEGER NOT NULL, records INTEGER NOT NULL,"
    " data BLOB NOT NULL, bytes_before INTEGER NOT NULL, bytes INTEGER NOT NULL);"
    "CREATE INDEX block_place ON block(task, attempt, last_seq, bytes_before, bytes);"
    "PRAGMA user_version=1; COMMIT;";
constexpr std::int64_t kVersion = 1;
constexpr int kReadWrite = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
constexpr std::size_t kIdleReaders = 8;

constexpr std::string_view kInsert =
    "INSERT INTO block(task, attempt, last_seq, records, data, bytes_before, bytes)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr std::string_view kTail =
    "SELECT last_seq, bytes_before + bytes FROM block WHERE task = ?1 AND attempt = ?2"
    " ORDER BY last_seq DESC LIMIT 1";
constexpr std::string_view kFirstOfTask =
    "SELECT id, bytes FROM block WHERE task = ?1 ORDER BY attempt, last_seq LIMIT 1";
constexpr std::string_view kDelete = "DELETE FROM block WHERE id = ?1";
// From task to task by the index, however long each log is.
constexpr std::string_view kNextTask =
    "SELECT task FROM block WHERE task > ?1 ORDER BY task LIMIT 1";
constexpr std::string_view kRead =
    "SELECT attempt, last_seq, records, data FROM block"
    " WHERE task = ?1 AND (attempt, last_seq) > (?2, ?3) ORDER BY attempt, last_seq";

struct Reader {
  Connection connection;
  Statement read;
};

class Engine final : public SqliteLogStore {
 public:
  explicit Engine(std::string path) : path_(std::move(path)) {}
  Result<void> set_up();

  Result<std::vector<TaskTail>> append(std::span<const LogAppend> appends) override;
  Result<std::vector<LogRecord>> read(TaskId task, LogPosition after, int limit,
                                      std::size_t max_bytes) override;
  Result<LogTail> tail(TaskId task, std::uint32_t attempt) override;
  Result<std::size_t> remove(std::span<const TaskId> tasks, std::size_t max_bytes) override;
  Result<std::vector<TaskId>> tasks(TaskId after, std::size_t limit) override;
  Result<std::string> mark(const std::string& installation) override {
    return read_or_make_mark(path_ + ".installation", installation);
  }

 private:
  template <class Work>
  Result<void> in_transaction(Work work);
  Result<void> append_one(const LogAppend& append);
  Result<bool> remove_one(TaskId task, std::size_t max_bytes, std::size_t& bytes);
  Result<std::unique_ptr<Reader>> take_reader();
  void give_back(std::unique_ptr<Reader> reader);
  Result<void> read_blocks(Reader& reader, TaskId task, LogPosition after,
                           std::pair<std::size_t, std::size_t> bounds, std::vector<LogRecord>& out);

  const std::string path_;
  Connection writer_;
  Statement insert_, tail_, first_of_task_, delete_;
  std::string block_;  // kept for its memory

  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Reader>> idle_readers_;  // guarded by readers_mutex_
};

Result<void> Engine::set_up() {
  auto writer = Connection::open(path_, kReadWrite);
  if (!writer) return writer.error();
  writer_ = std::move(*writer);
  if (auto done = writer_.execute(kSetUpWriter); !done) return done;
  std::int64_t version = 0;
  {
    auto query = writer_.prepare("PRAGMA user_version");
    if (!query) return query.error();
    if (query->step() != SQLITE_ROW) return writer_.error();
    version = query->number(0);
  }
  if (version > kVersion)
    return fail(Errc::store_unavailable, "The log database is of a newer version of the product.");
  if (version == 0)
    if (auto done = writer_.execute(kSchema); !done) return done;
  const std::pair<Statement*, std::string_view> statements[] = {
      {&insert_, kInsert}, {&tail_, kTail}, {&first_of_task_, kFirstOfTask}, {&delete_, kDelete}};
  for (const auto& [statement, sql] : statements) {
    auto prepared = writer_.prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return {};
}

// Durable when it answers without an error; else nothing of it is there.
template <class Work>
Result<void> Engine::in_transaction(Work work) {
  if (auto begun = writer_.execute("BEGIN IMMEDIATE"); !begun) return begun;
  Result<void> result = work();
  if (result.has_value()) result = writer_.execute("COMMIT");
  if (result.has_error() && writer_.in_transaction()) (void)writer_.execute("ROLLBACK");
  return result;
}

Result<std::vector<TaskTail>> Engine::append(std::span<const LogAppend> appends) {
  const auto done = in_transaction([&]() -> Result<void> {
    for (const LogAppend& append : appends)
      if (auto one = append_one(append); !one) return one;
    return {};
  });
  if (!done) return done.error();
  return std::vector<TaskTail>();
}

Result<void> Engine::append_one(const LogAppend& append) {
  const Result<LogTail> tail_now = tail(append.task_id, append.attempt);
  if (!tail_now) return tail_now.error();
  std::uint64_t bytes_before = tail_now->bytes;
  std::span<const LogRecord> rest = append.records;
  while (!rest.empty() && rest.front().seq <= tail_now->last_seq) rest = rest.subspan(1);
  while (!rest.empty()) {
    const std::size_t count = encode_block(rest, block_);
    std::uint64_t bytes = 0;
    for (const LogRecord& record : rest.first(count)) bytes += record.data.size();
    const StatementUse use(insert_);
    insert_.bind(1, append.task_id)
        .bind(2, static_cast<std::int64_t>(append.attempt))
        .bind(3, static_cast<std::int64_t>(rest[count - 1].seq))
        .bind(4, static_cast<std::int64_t>(count))
        .bind(5, std::string_view(block_))
        .bind(6, static_cast<std::int64_t>(bytes_before))
        .bind(7, static_cast<std::int64_t>(bytes));
    if (insert_.step() != SQLITE_DONE) return writer_.error();
    bytes_before += bytes;
    rest = rest.subspan(count);
  }
  return {};
}

Result<LogTail> Engine::tail(TaskId task, std::uint32_t attempt) {
  const StatementUse use(tail_);
  tail_.bind(1, task).bind(2, static_cast<std::int64_t>(attempt));
  const int rc = tail_.step();
  if (rc == SQLITE_DONE) return LogTail{};
  if (rc != SQLITE_ROW) return writer_.error();
  const auto last_seq = static_cast<std::uint64_t>(tail_.number(0));
  // Dense from 1, so the last number is also how many there are.
  return LogTail{last_seq, last_seq, static_cast<std::uint64_t>(tail_.number(1))};
}

Result<std::size_t> Engine::remove(std::span<const TaskId> tasks, std::size_t max_bytes) {
  std::size_t gone = 0, bytes = 0;
  const auto done = in_transaction([&]() -> Result<void> {
    for (const TaskId& task : tasks) {
      const Result<bool> is_empty = remove_one(task, max_bytes, bytes);
      if (!is_empty) return is_empty.error();
      if (!*is_empty) return {};
      ++gone;
    }
    return {};
  });
  if (!done) return done.error();
  return gone;
}

// Whether nothing is left of it.
Result<bool> Engine::remove_one(TaskId task, std::size_t max_bytes, std::size_t& bytes) {
  while (bytes < max_bytes) {
    const StatementUse use(first_of_task_);
    const int rc = first_of_task_.bind(1, task).step();
    if (rc == SQLITE_DONE) return true;
    if (rc != SQLITE_ROW) return writer_.error();
    // A block of empty records also takes its time.
    bytes += static_cast<std::size_t>(first_of_task_.number(1)) + 256;
    const std::int64_t id = first_of_task_.number(0);
    first_of_task_.reset();
    const StatementUse use_delete(delete_);
    if (delete_.bind(1, id).step() != SQLITE_DONE) return writer_.error();
  }
  return false;
}

Result<std::unique_ptr<Reader>> Engine::take_reader() {
  {
    const std::lock_guard lock(readers_mutex_);
    if (!idle_readers_.empty()) {
      auto reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return reader;
    }
  }
  // Not SQLITE_OPEN_READONLY: such a connection can't make the -shm file anew.
  auto connection = Connection::open(path_, SQLITE_OPEN_READWRITE);
  if (!connection) return connection.error();
  // It never checkpoints: it writes nothing, and the writer stays open longer.
  if (auto done = connection->execute("PRAGMA query_only=ON; PRAGMA cache_size=-2048;"); !done)
    return done.error();
  auto read = connection->prepare(kRead);
  if (!read) return read.error();
  return std::make_unique<Reader>(Reader{std::move(*connection), std::move(*read)});
}

Result<std::vector<LogRecord>> Engine::read(TaskId task, LogPosition after, int limit,
                                            std::size_t max_bytes) {
  std::vector<LogRecord> out;
  if (limit <= 0) return out;
  auto reader = take_reader();
  if (!reader) return reader.error();
  const auto done =
      read_blocks(**reader, task, after, {static_cast<std::size_t>(limit), max_bytes}, out);
  if (!done) return done.error();  // its connection is closed
  give_back(std::move(*reader));
  return out;
}

void Engine::give_back(std::unique_ptr<Reader> reader) {
  const std::lock_guard lock(readers_mutex_);
  if (idle_readers_.size() < kIdleReaders) idle_readers_.push_back(std::move(reader));
}

Result<std::vector<TaskId>> Engine::tasks(TaskId after, std::size_t limit) {
  std::vector<TaskId> out;
  auto reader = take_reader();
  if (!reader) return reader.error();
  {
    auto next = (*reader)->connection.prepare(kNextTask);
    if (!next) return next.error();
    while (out.size() < limit) {
      const StatementUse use(*next);
      const int rc = next->bind(1, after).step();
      if (rc == SQLITE_DONE) break;
      if (rc != SQLITE_ROW) return (*reader)->connection.error();
      const std::string_view bytes = next->blob(0);
      std::copy(bytes.begin(), bytes.end(), after.bytes.begin());
      out.push_back(after);
    }
  }
  give_back(std::move(*reader));
  return out;
}

Result<void> Engine::read_blocks(Reader& reader, TaskId task, LogPosition after,
                                 std::pair<std::size_t, std::size_t> bounds,
                                 std::vector<LogRecord>& out) {
  const auto [limit, max_bytes] = bounds;
  const StatementUse use(reader.read);
  const std::uint64_t after_seq = std::min<std::uint64_t>(after.seq, INT64_MAX);
  reader.read.bind(1, task)
      .bind(2, static_cast<std::int64_t>(after.attempt))
      .bind(3, static_cast<std::int64_t>(after_seq));
  std::size_t bytes = 0;
  std::vector<LogRecord> block;
  for (;;) {
    const int rc = reader.read.step();
    if (rc == SQLITE_DONE) return {};
    if (rc != SQLITE_ROW) return reader.connection.error();
    const LogPosition last{static_cast<std::uint32_t>(reader.read.number(0)),
                           static_cast<std::uint64_t>(reader.read.number(1))};
    block.clear();
    const auto count = static_cast<std::uint64_t>(reader.read.number(2));
    if (!decode_block(reader.read.blob(3), last, count, block))
      return fail(Errc::store_unavailable, "A record of this log can't be read.");
    for (LogRecord& record : block) {
      if (record.position() <= after) continue;
      if (out.size() >= limit || (bytes >= max_bytes && !out.empty())) return {};
      bytes += record.data.size();
      out.push_back(std::move(record));
    }
  }
}

}  // namespace

Result<std::unique_ptr<SqliteLogStore>> SqliteLogStore::open(const std::string& path) {
  auto engine = std::make_unique<Engine>(path);
  if (auto done = engine->set_up(); !done) return done.error();
  return std::unique_ptr<SqliteLogStore>(std::move(engine));
}

}  // namespace tandem::logs
