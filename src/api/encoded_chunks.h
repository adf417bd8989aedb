#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/log_follow.h"
#include "wire/log_json.h"

namespace tandem::api {

// Messages of a WebSocket, in order; each of bounded size.
using LogFrames = std::vector<std::shared_ptr<const std::string>>;

wire::LogLine line_of(const logs::LogRecord& record);
std::string position_text(logs::LogPosition position);  // "2-17"

LogFrames encode_frames(const LogPiece& piece);

// The frames of live chunks, encoded once for all that follow the task, on whatever loop. Bounded:
// the chunks that came last, the last one always. Thread-safe.
class EncodedChunks {
 public:
  LogFrames frames_of(const LogPiece& piece);

 private:
  struct Entry {
    std::weak_ptr<const std::vector<logs::LogRecord>> chunk;  // another may get the same address
    LogFrames frames;
  };
  static constexpr std::size_t kMaxEntries = 64, kMaxBytes = 2 * 1024 * 1024;

  void forget(const void* key);

  std::mutex mutex_;
  std::unordered_map<const void*, Entry> entries_;  // guarded by mutex_, with the two below
  std::deque<const void*> order_;                   // the oldest first
  std::size_t bytes_ = 0;
};

}  // namespace tandem::api
