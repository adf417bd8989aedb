#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tandem::store {

// A connection to a database file, with its prepared statements. One thread at a time.
class Connection {
 public:
  enum class Role { writer, reader };
  // A writer makes the file where it is missing, with mode 0600. A reader can't write, and never
  // checkpoints.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Role role);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<void> run(const std::string& sql);  // statements without parameters or rows
  bool in_transaction() const;
  Error last_error() const;  // of the call before, as the store's users see it
  // Rows that the statement before wrote.
  std::int64_t changes() const;
  std::int64_t last_row_id() const;
  sqlite3* handle() const { return db_; }

 private:
  friend class Query;
  explicit Connection(sqlite3* db) : db_(db) {}
  Result<void> configure(Role role);
  sqlite3_stmt* prepared(std::string_view sql);  // null: see last_error()

  sqlite3* db_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;  // by where the text stands
};

// One use of a statement, whose text is a constant: bind all of its parameters in order, then step.
// What is bound is borrowed until the Query ends; columns are valid until the next step.
class Query {
 public:
  Query(Connection& connection, std::string_view sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& null();
  Query& integer(std::int64_t value);
  Query& text(std::string_view value);
  Query& blob(std::string_view value);
  Query& id(const Uuid& value);
  Query& time(WallTime value) { return integer(value.ms); }
  Query& time(const std::optional<WallTime>& value) { return value ? time(*value) : null(); }
  Query& text_or_null(std::string_view value) { return value.empty() ? null() : text(value); }
  Query& blob_or_null(std::string_view value) { return value.empty() ? null() : blob(value); }
  // The next one to bind is this parameter (from 1).
  Query& at(int parameter);

  Result<bool> step();  // true: there is a row
  Result<void> run();   // to the end, rows dropped
  Query& again();       // the same statement once more: bind anew

  bool is_null(int column) const;
  std::int64_t integer_at(int column) const;
  std::string_view text_at(int column) const;
  std::string_view blob_at(int column) const;
  Uuid id_at(int column) const;  // nil where it is null
  WallTime time_at(int column) const { return {integer_at(column)}; }
  std::optional<WallTime> optional_time_at(int column) const;

 private:
  void bound(int code);
  Connection& connection_;
  sqlite3_stmt* statement_;
  std::optional<Error> error_;
  int parameter_ = 0;
};

}  // namespace tandem::store
