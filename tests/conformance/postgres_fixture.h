#pragma once

#include <sys/types.h>

#include <string>

#include "base/unique_fd.h"
#include "store/postgres/postgres_store.h"

namespace tandem::store {

// A real PostgreSQL for this test program, started with the first use and gone with the program
// (tests/tools/postgres_server.py).
class PostgresServer {
 public:
  static PostgresServer& shared();
  // The URL of a database of its own, whose schema is up to date; or without any schema.
  std::string fresh_database();
  std::string empty_database(const std::string& options = "");
  // The same database, through a PgBouncer in transaction mode.
  std::string pooled(const std::string& url) const;
  // As a superuser.
  void run(const std::string& sql, const std::string& database = "postgres");

 private:
  PostgresServer();
  ~PostgresServer();

  UniqueFd input_;
  pid_t pid_ = -1;
  std::string url_of(const std::string& database) const;
  std::string url_, pooler_url_;
  int databases_ = 0;
  bool has_template_ = false;
};

constexpr WallTime kNow{1'800'000'000'000};
ServerIdentity test_server(std::uint8_t number = 1);

}  // namespace tandem::store
