#include "logs/embedded/connection.h"

#include <cerrno>

namespace tandem::logs {
namespace {

constexpr int kBusyTimeoutMs = 800;  // an answer within 2 s, also where another holds the file

std::string_view bytes_of(const TaskId& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

}  // namespace

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view blob) {
  sqlite3_bind_blob64(statement_.get(), index, blob.data(), blob.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(int index, const TaskId& id) { return bind(index, bytes_of(id)); }

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Result<Connection> Connection::open(const std::string& path, int flags) {
  Connection connection;
  sqlite3* database = nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &database, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  connection.database_.reset(database);
  if (rc != SQLITE_OK) return connection.error();
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_timeout(database, kBusyTimeoutMs);
  return connection;
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* prepared = nullptr;
  const int rc = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  if (rc != SQLITE_OK) return error();
  Statement statement;
  statement.statement_.reset(prepared);
  return statement;
}

Result<void> Connection::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Error Connection::error() const {
  const int rc = sqlite3_extended_errcode(database_.get());
  const int system = database_ ? sqlite3_system_errno(database_.get()) : 0;
  // SQLITE_FULL is ENOSPC while writing; the others come as I/O errors.
  const bool no_room = system == ENOSPC || system == EDQUOT;
  const bool is_full = (rc & 0xFF) == SQLITE_FULL || ((rc & 0xFF) == SQLITE_IOERR && no_room);
  if (is_full) return fail(Errc::disk_full, "The disk of the task logs is full.");
  return fail(Errc::store_unavailable,
              "The task logs can't be used at the moment (code " + std::to_string(rc) + ").");
}

}  // namespace tandem::logs
