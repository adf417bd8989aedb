#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace tandem::bench {

// What a cluster has used so far.
struct PostgresUsage {
  double cpu_seconds = 0;  // of all its processes
  double wal_bytes = 0;
};

// A PostgreSQL of its own (tests/tools/postgres_server.py), gone with the object. Synchronous
// commits, fsync on. Failures throw std::runtime_error.
class PostgresProcess {
 public:
  PostgresProcess();
  ~PostgresProcess();
  PostgresProcess(const PostgresProcess&) = delete;
  PostgresProcess& operator=(const PostgresProcess&) = delete;

  std::string fresh_database();  // its URL
  PostgresUsage usage() const;

 private:
  UniqueFd input_;
  pid_t script_ = -1, postmaster_ = -1;
  std::string url_;
  int databases_ = 0;
};

}  // namespace tandem::bench
