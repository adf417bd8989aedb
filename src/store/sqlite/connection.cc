#include "store/sqlite/connection.h"

#include <fcntl.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "base/unique_fd.h"
#include "store/sqlite/sql_functions.h"

namespace tandem::store {
namespace {

constexpr int kLookasideBytes = 1200, kLookasideSlots = 400;  // small memory without malloc
// An answer within 2 s, also where another holds the file: the turn before may have to wait as
// long.
constexpr int kBusyTimeoutMs = 800;

Error error_of(int code, int system_errno) {
  switch (code) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID: return fail(Errc::conflict, "It is there already");
    case SQLITE_CONSTRAINT_TRIGGER:
      return fail(Errc::illegal_transition, "A task can't change its status like this");
    default: break;
  }
  if ((code & 0xff) == SQLITE_CONSTRAINT)
    return fail(Errc::internal, "The row breaks a rule of the store");
  if ((code & 0xff) == SQLITE_FULL || system_errno == ENOSPC || system_errno == EDQUOT)
    return fail(Errc::disk_full, "The database can't grow: the disk is full");
  return fail(Errc::store_unavailable, std::string("The database says: ") + sqlite3_errstr(code));
}

// SQLite gives the -wal and -shm files the mode of the database's own file.
Result<void> make_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file) return {};
  if (errno == ENOSPC || errno == EDQUOT)
    return fail(Errc::disk_full, "The database can't be made: the disk is full");
  return fail(Errc::store_unavailable,
              std::string("The database file can't be opened: ") + std::strerror(errno));
}

constexpr const char* kWriterPragmas =
    "pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000;"
    "pragma journal_size_limit = 67108864; pragma cache_size = -65536;"
    "pragma temp_store = memory;";
constexpr const char* kReaderPragmas =
    "pragma query_only = 1; pragma cache_size = -16384; pragma temp_store = memory;";

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Role role) {
  if (role == Role::writer)
    if (auto made = make_file(path); !made) return made.error();
  // Counting what is allocated costs a mutex each time. Refused, without harm, where SQLite is in
  // use already.
  [[maybe_unused]] static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  const int access = role == Role::writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db,
                                   access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<Connection> connection(new Connection(db));
  if (code != SQLITE_OK) return error_of(code, 0);
  if (auto configured = connection->configure(role); !configured) return configured.error();
  return connection;
}

Result<void> Connection::configure(Role role) {
  sqlite3_busy_timeout(db_, kBusyTimeoutMs);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_LOOKASIDE, nullptr, kLookasideBytes, kLookasideSlots);
  if (role == Role::reader) sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (!add_sql_functions(db_)) return last_error();
  return run(role == Role::writer ? kWriterPragmas : kReaderPragmas);
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Result<void> Connection::run(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return last_error();
  return {};
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

Error Connection::last_error() const {
  return error_of(sqlite3_extended_errcode(db_), sqlite3_system_errno(db_));
}

std::int64_t Connection::changes() const { return sqlite3_changes64(db_); }
std::int64_t Connection::last_row_id() const { return sqlite3_last_insert_rowid(db_); }

sqlite3_stmt* Connection::prepared(std::string_view sql) {
  const auto known = statements_.find(sql.data());
  if (known != statements_.end()) return known->second;
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                     &statement, nullptr);
  if (statement != nullptr) statements_.emplace(sql.data(), statement);
  return statement;
}

Query::Query(Connection& connection, std::string_view sql)
    : connection_(connection), statement_(connection.prepared(sql)) {
  if (statement_ == nullptr) error_ = connection.last_error();
}

Query::~Query() { sqlite3_reset(statement_); }

void Query::bound(int code) {
  if (code != SQLITE_OK && !error_) error_ = error_of(code, 0);
}

Query& Query::null() {
  bound(sqlite3_bind_null(statement_, ++parameter_));
  return *this;
}

Query& Query::integer(std::int64_t value) {
  bound(sqlite3_bind_int64(statement_, ++parameter_, value));
  return *this;
}

// A null pointer would bind NULL.
Query& Query::text(std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  bound(sqlite3_bind_text64(statement_, ++parameter_, data, value.size(), SQLITE_STATIC,
                            SQLITE_UTF8));
  return *this;
}

Query& Query::blob(std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  bound(sqlite3_bind_blob64(statement_, ++parameter_, data, value.size(), SQLITE_STATIC));
  return *this;
}

Query& Query::id(const Uuid& value) {
  bound(sqlite3_bind_blob(statement_, ++parameter_, value.bytes.data(),
                          static_cast<int>(value.bytes.size()), SQLITE_STATIC));
  return *this;
}

Query& Query::at(int parameter) {
  parameter_ = parameter - 1;
  return *this;
}

Result<bool> Query::step() {
  if (error_) return *error_;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_.last_error();
}

Result<void> Query::run() {
  for (;;) {
    auto more = step();
    if (!more) return more.error();
    if (!*more) return {};
  }
}

Query& Query::again() {
  sqlite3_reset(statement_);
  parameter_ = 0;
  return *this;
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Query::integer_at(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Query::text_at(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Query::blob_at(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Uuid Query::id_at(int column) const {
  Uuid id;
  const std::string_view bytes = blob_at(column);
  if (bytes.size() == id.bytes.size()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

std::optional<WallTime> Query::optional_time_at(int column) const {
  if (is_null(column)) return std::nullopt;
  return time_at(column);
}

}  // namespace tandem::store
