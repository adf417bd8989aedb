#pragma once

#include <memory>

#include "app/installation.h"
#include "blobs/blob_store.h"
#include "config/settings.h"
#include "logs/archive/archived_logs.h"
#include "logs/log_store.h"

namespace tandem::app {

// Where the settings say that logs are kept: all of them in the data directory, or in Redis until
// they are packed into the blobs.
struct LogStorage {
  std::unique_ptr<logs::LogStore> store;
  std::unique_ptr<logs::ArchivedLogs> archive;  // null: none are packed
  logs::LogReader& reader() const {
    if (archive) return *archive;
    return *store;
  }
};

// Blocks. A Redis that is away is no error: it is said, and the server starts without it.
Result<LogStorage> open_log_storage(const config::Settings& settings, const Installation& place,
                                    blobs::BlobStore& blobs);

}  // namespace tandem::app
