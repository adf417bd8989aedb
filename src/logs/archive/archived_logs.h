#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "blobs/blob_store.h"
#include "logs/archive/archive_file.h"
#include "logs/log_store.h"

namespace tandem::logs {

// The logs of a store that holds only what is written now, and those that were packed away when
// their task had ended: each a file of the task, so that it goes with its other files. Thread-safe.
class ArchivedLogs final : public LogReader {
 public:
  ArchivedLogs(LiveLogStore& live, blobs::BlobStore& blobs) : live_(live), blobs_(blobs) {}

  // From wherever the records are. What is packed can be read while the store is away.
  Result<std::vector<LogRecord>> read(TaskId task, LogPosition after, int limit,
                                      std::size_t max_bytes) override;

  // What of a log is not in the store: it may come yet, from where it could not be written in time.
  enum class Rest : std::uint8_t { lost, may_come };
  // Packs what the store has of a task that has ended, and takes it out of the store; what is
  // packed already stays before it. `end`: the last record that the task is known to have; where
  // the store has lost it, the packed log says so; where it may come, nothing is packed. Fine where
  // the store has nothing. May be repeated, also by several servers at once. Errors: those of both
  // stores.
  Result<void> archive(TaskId task, LogPosition end, Rest rest = Rest::lost);

 private:
  using File = std::shared_ptr<const ArchiveFile>;
  struct Held {
    File file;
    std::chrono::steady_clock::time_point opened;
  };
  static constexpr std::size_t kMaxHeld = 64;
  static constexpr std::chrono::seconds kHeldFor{60};

  Result<std::vector<LogRecord>> read_packed(const File& file, TaskId task, LogPosition after,
                                             int limit, std::size_t max_bytes);
  Result<File> file_behind(TaskId task, LogPosition after);
  Result<File> open(TaskId task);
  void hold(TaskId task, File file);
  void forget(TaskId task);
  Result<bool> pack(TaskId task, LogPosition end, Rest rest, ArchiveWriter& writer);
  Result<void> pack_older(TaskId task, ArchiveWriter& writer);

  LiveLogStore& live_;
  blobs::BlobStore& blobs_;
  std::mutex mutex_;
  std::map<TaskId, Held> held_;  // guarded; opened not long ago
};

}  // namespace tandem::logs
