#pragma once

#include <string>
#include <vector>

struct pg_conn;
struct pg_result;

namespace tandem::bench {

// PostgreSQL through bare libpq, and the least that a task needs of it: one table, two indexes, a
// durable commit for each step of a batch. Errors throw std::runtime_error.
class BarePostgres {
 public:
  explicit BarePostgres(const std::string& url);
  ~BarePostgres();
  BarePostgres(const BarePostgres&) = delete;
  BarePostgres& operator=(const BarePostgres&) = delete;

  void run(const std::string& sql);
  std::string value(const std::string& sql);  // of the first row and column

  void make_table();
  // Tasks each second: inserted by unnest(), `batch` at a time.
  double inserts_per_second(int tasks, int batch);
  // Tasks each second: inserted in one commit, claimed in the next, completed by the statement that
  // claims the batch behind.
  double cycles_per_second(int tasks, int batch);

 private:
  pg_result* execute(const char* sql, const std::vector<std::string>& values);
  void insert(int batch);
  std::string claim(const std::string& done, int batch);
  pg_conn* connection_;
};

}  // namespace tandem::bench
