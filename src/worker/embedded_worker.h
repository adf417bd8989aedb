#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "io/offload.h"
#include "io/task_group.h"
#include "queue/dispatcher_thread.h"
#include "worker/handler_registry.h"
#include "worker/process_job.h"

namespace tandem::worker {

struct EmbeddedWorkerSettings {
  WorkerId worker_id;
  std::string name = "embedded";
  int slots = 2;
  Labels labels;
  HandlerSettings handlers;
  ProcessSettings process;
};

// What it stands on; all of it outlives the worker.
struct EmbeddedWorkerParts {
  io::Executor executor;  // of its loop
  Outbox& outbox;         // of its loop
  queue::DispatcherThread& dispatcher;
  logs::LogHub& logs;
  blobs::BlobStore& blobs;
  exec::Launcher& launcher;  // of its loop
  io::OffloadPool& offload;
  const Clock& clock;
};

// The worker inside the server: takes orders from the dispatcher, runs them, tells how they end.
// What it tells in one turn of the loop goes out together. All calls, and all of its life, on its
// loop. The program must ignore SIGPIPE.
class EmbeddedWorker {
 public:
  EmbeddedWorker(EmbeddedWorkerParts parts, EmbeddedWorkerSettings settings);
  ~EmbeddedWorker();  // after stop() has returned
  EmbeddedWorker(const EmbeddedWorker&) = delete;
  EmbeddedWorker& operator=(const EmbeddedWorker&) = delete;

  HandlerRegistry& handlers() { return handlers_; }  // add to it before start()

  // Opens the channel and asks for work. Once.
  void start();
  // Takes nothing new, waits for what runs until `drain_ms` are over, then kills it: those attempts
  // fail as worker_lost. Returns when nothing runs and every end is durable, at the latest some
  // seconds after the kill where the store does not take it. The dispatcher must still run.
  io::Awaitable<void> stop(std::int64_t drain_ms);
  // Ends the waiting of a stop() under way, or to come: kills at once.
  void hurry();

  // Attempts whose end is not durable yet.
  std::size_t running() const { return attempts_.size(); }

 private:
  struct Attempt;
  struct Key {
    TaskId task_id;
    std::uint32_t attempt = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return std::hash<Uuid>{}(key.task_id) ^ (key.attempt * 0x9E3779B97F4A7C15ull);
    }
  };
  using Attempts = std::unordered_map<Key, std::shared_ptr<Attempt>, KeyHash>;

  // embedded_worker.cc: orders and credits
  void open();
  void on(const queue::AssignOrder& order);
  void on(const queue::CancelOrder& order);
  void on(const store::InputPiece& piece);
  void on(const queue::ResizeOrder& order);
  void on(const queue::LostOrder& order);
  void on(const queue::DrainOrder&) {}  // stop() is what drains it
  void on(const queue::CloseOrder&) {}
  void seen_again(Attempt& attempt, const Task& task);
  void begin(const std::shared_ptr<Attempt>& attempt);
  io::Awaitable<void> run(std::shared_ptr<Attempt> attempt);
  void free_slot();
  void post(queue::Command command);
  void flush();
  Attempt* find(TaskId task, std::uint32_t attempt);
  io::Awaitable<void> wait_idle(std::int64_t wait_ms);

  // embedded_updates.cc: what it tells
  void finish(Attempt& attempt, Outcome outcome);
  void send_final(Attempt& attempt);
  void final_answered(Attempt& attempt, const Result<queue::UpdateAnswer>& answer);
  void send_question(Attempt& attempt);
  void settled(Attempt& attempt);

  EmbeddedWorkerParts parts_;
  EmbeddedWorkerSettings settings_;
  HubLogSink log_sink_;
  BlobJobFiles files_;
  JobDirectories directories_;
  HandlerRegistry handlers_;
  io::TaskGroup jobs_;

  Attempts attempts_;
  // Settled in this turn of the loop. Where the dispatcher reads its store anew it orders again
  // what it found running; an order that comes with the answer to the end is such an echo.
  std::unordered_set<Key, KeyHash> echoes_;
  std::vector<std::weak_ptr<Attempt>> ask_again_;
  std::vector<queue::Command> commands_;  // go out with the next flush
  int busy_ = 0;                          // slots taken
  int credits_ = 0;                       // given and not used, as far as is known
  int owed_ = 0;                          // to be given with the next flush
  bool flush_posted_ = false, draining_ = false, drained_ = false, hurried_ = false;
  io::Timer idle_;                         // cancelled when a stop() has to look again
  std::shared_ptr<EmbeddedWorker*> self_;  // for callbacks that may come too late
};

}  // namespace tandem::worker
