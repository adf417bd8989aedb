#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "blobs/blob_store.h"
#include "logs/log_hub.h"
#include "queue/dispatcher_thread.h"

namespace tandem::app {

// Retention, once a minute on a thread of its own: removes tasks that finished long ago, with their
// logs and files.
class Maintenance {
 public:
  // All of them outlive it. retention_ms 0: everything is kept.
  Maintenance(queue::DispatcherThread& dispatcher, logs::LogHub& logs, blobs::BlobStore& blobs,
              const Clock& clock, std::int64_t retention_ms);
  ~Maintenance();

 private:
  void run();
  // false: there may be more to remove.
  bool purge_some();

  queue::DispatcherThread& dispatcher_;
  logs::LogHub& logs_;
  blobs::BlobStore& blobs_;
  const Clock& clock_;
  const std::int64_t retention_ms_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace tandem::app
