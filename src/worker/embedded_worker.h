#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "io/loop.h"
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
  ProcessSettings process;
  HandlerSettings handlers;
};

// What it stands on; all of it outlives the worker.
struct EmbeddedWorkerParts {
  io::Loop& loop;
  Outbox& outbox;  // the loop's
  queue::DispatcherThread& dispatcher;
  logs::LogHub& logs;
  blobs::BlobStore& blobs;
  io::OffloadPool& offload;
  const Clock& clock;
};

// The worker inside the server: takes orders from the dispatcher, runs them, tells how they end.
// All calls and all of its life on its loop, but where it says otherwise.
class EmbeddedWorker {
 public:
  EmbeddedWorker(EmbeddedWorkerParts parts, EmbeddedWorkerSettings settings);
  ~EmbeddedWorker();  // after stop() has returned, or when the loop has stopped for good

  HandlerRegistry& handlers() { return handlers_; }  // before start()
  // Opens the channel and asks for work. Thread-safe, once.
  void start();
  // Takes nothing new, waits for what runs until `drain_ms` are over, then kills it (those tasks
  // end as worker_lost and are tried again by their own rules). Returns when nothing runs and every
  // end is durable, or 5 s after the kill where the store does not take it.
  io::Awaitable<void> stop(std::int64_t drain_ms);
  // Ends the waiting of a stop() that is under way: kills at once.
  void hurry();

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
      return std::hash<Uuid>{}(key.task_id) ^ key.attempt * 0x9E3779B97F4A7C15ull;
    }
  };

  void open(int slots);
  void on_order(const queue::WorkerOrder& order);
  void take(const queue::AssignOrder& order);
  void seen_again(Attempt& attempt, const Task& task);
  void launch(Attempt& attempt, std::unique_ptr<Job> job);
  io::Awaitable<void> run(std::shared_ptr<Attempt> attempt);
  void finish(Attempt& attempt, Outcome outcome);
  void give_back(const queue::AssignOrder& order);
  void send_final(const std::shared_ptr<Attempt>& attempt);
  io::Awaitable<void> send_final_later(std::shared_ptr<Attempt> attempt);
  void settled(Key key);
  Attempt* find(TaskId task, std::uint32_t attempt);
  queue::Update update_of(const Attempt& attempt, queue::UpdateKind kind) const;
  void post(queue::Command command);
  void flush();
  void check_idle();

  EmbeddedWorkerParts parts_;
  EmbeddedWorkerSettings settings_;
  HubLogSink log_sink_;
  BlobJobFiles files_;
  HandlerRegistry handlers_;
  JobServices services_;
  io::TaskGroup jobs_;

  std::unordered_map<Key, std::shared_ptr<Attempt>, KeyHash> attempts_;
  // Ended in this turn of the loop: an order of the same turn for one of them is an echo.
  std::unordered_set<Key, KeyHash> echoes_;
  int busy_ = 0;     // slots that are taken
  int credits_ = 0;  // given to the dispatcher and not used, as far as is known
  int owed_ = 0;     // to be given with the next flush
  std::vector<queue::Command> commands_;  // go out together
  bool flush_posted_ = false, draining_ = false, stopping_ = false;
  io::Timer idle_;  // never expires; cancelled when nothing runs
};

}  // namespace tandem::worker
