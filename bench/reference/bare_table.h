#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace tandem::bench {

// The least that a task needs of SQLite: one table with one index, WAL, full sync. Aborts on
// errors.
class BareTable {
 public:
  explicit BareTable(const std::string& path);
  ~BareTable();
  BareTable(const BareTable&) = delete;
  BareTable& operator=(const BareTable&) = delete;

  void begin() { run("begin immediate"); }
  void commit() { run("commit"); }
  std::int64_t insert(std::string_view payload);              // the new row's id
  void set_status(std::int64_t id, std::string_view status);  // of one row

 private:
  void run(const char* sql);
  sqlite3_stmt* prepare(const char* sql);
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* update_ = nullptr;
};

// In a process of their own: SQLite is set up once for each process, and a server that is forked
// later sets it up in its own way.
//
// Rows each second that are inserted into a bare table, a hundred in a commit.
double bare_inserts_per_second(int tasks);
// Life cycles each second: insert, assign, complete, a commit for each step of a hundred tasks.
double bare_cycles_per_second(int tasks);

}  // namespace tandem::bench
