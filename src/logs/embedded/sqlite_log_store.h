#pragma once

#include <memory>
#include <string>

#include "logs/log_store.h"

namespace tandem::logs {

// Logs in an SQLite database of their own: WAL, synchronous FULL. One connection writes and
// checkpoints; read() takes a connection of a small pool. The file is made where it is missing.
class SqliteLogStore : public LogStore {
 public:
  // Errors: store_unavailable (also for a file that is no such database, or of a newer version),
  // disk_full.
  static Result<std::unique_ptr<SqliteLogStore>> open(const std::string& path);
};

}  // namespace tandem::logs
