#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"

namespace tandem::logs {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

// A prepared statement, in use between two reset() calls. Bound blobs are borrowed until then.
class Statement {
 public:
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view blob);
  Statement& bind(int index, const TaskId& id);
  int step() { return sqlite3_step(statement_.get()); }  // SQLITE_ROW, SQLITE_DONE or an error
  void reset();
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  std::string_view blob(int column) const;  // until the next step() or reset()

 private:
  friend class Connection;
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement_;
};

// Resets at the end of a scope, on every way out.
class StatementUse {
 public:
  explicit StatementUse(Statement& statement) : statement_(statement) {}
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;
  ~StatementUse() { statement_.reset(); }

 private:
  Statement& statement_;
};

// One connection. For one thread at a time.
class Connection {
 public:
  static Result<Connection> open(const std::string& path, int flags);
  Result<Statement> prepare(std::string_view sql);
  Result<void> execute(const char* sql);
  bool in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }
  // The last call's failure: disk_full or store_unavailable.
  Error error() const;
  int code() const { return sqlite3_extended_errcode(database_.get()); }

 private:
  std::unique_ptr<sqlite3, CloseDatabase> database_;
};

}  // namespace tandem::logs
