#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "app/remains.h"
#include "queue/dispatcher_thread.h"

namespace tandem::app {

// On a thread of its own. Once a minute, retention: removes tasks that finished long ago, with
// their logs and files. At the start and once an hour it sweeps what deletes and uploads that were
// cut short have left.
class Maintenance {
 public:
  struct Kept {
    store::TaskReader& reader;
    logs::LogHub& logs;
    blobs::BlobStore& blobs;
  };
  // All of them outlive it; make it before the server listens. retention_ms 0: all tasks are kept.
  Maintenance(queue::DispatcherThread& dispatcher, const Kept& kept, const Clock& clock,
              std::int64_t retention_ms);
  ~Maintenance();

 private:
  void run();
  // false: there may be more to remove.
  bool purge_some();
  void sweep(WallTime made_before);

  queue::DispatcherThread& dispatcher_;
  std::atomic<bool> stopping_ = false;  // set under mutex_
  const RemainsParts parts_;
  const Clock& clock_;
  const std::int64_t retention_ms_;
  const WallTime begun_at_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace tandem::app
