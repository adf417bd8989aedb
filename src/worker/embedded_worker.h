#pragma once

#include <cstdint>
#include <string>

#include "worker/dispatcher_link.h"
#include "worker/worker.h"

namespace tandem::worker {

struct EmbeddedWorkerSettings : WorkerSettings {
  WorkerId worker_id;
  std::string name = "embedded";
  Labels labels = {};
};

// What it stands on; all of it outlives the worker.
struct EmbeddedWorkerParts {
  io::Executor executor;  // of its loop
  Outbox& outbox;         // of its loop
  queue::DispatcherThread& dispatcher;
  logs::LogHub& logs;
  logs::UnsentLogs& unsent_logs;  // nobody else's from stop() on
  blobs::BlobStore& blobs;
  exec::Launcher& launcher;  // of its loop
  io::OffloadPool& offload;
  const Clock& clock;
};

// The worker inside the server: one whose link is the dispatcher's inbox. Calls as of Worker. The
// dispatcher must run until stop() has returned.
class EmbeddedWorker {
 public:
  EmbeddedWorker(EmbeddedWorkerParts parts, EmbeddedWorkerSettings settings);

  HandlerRegistry& handlers() { return worker_.handlers(); }
  void start() { worker_.start(); }
  io::Awaitable<void> stop(std::int64_t drain_ms) {
    log_sink_.end();
    return worker_.stop(drain_ms);
  }
  void hurry() { worker_.hurry(); }
  std::size_t running() const { return worker_.running(); }

 private:
  DispatcherLink link_;
  HubLogSink log_sink_;
  BlobJobFiles files_;
  Worker worker_;
};

}  // namespace tandem::worker
