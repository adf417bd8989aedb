#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "io/offload.h"
#include "io/task_group.h"
#include "worker/attempt_key.h"
#include "worker/handler_registry.h"
#include "worker/process_job.h"
#include "worker/server_link.h"

namespace tandem::worker {

struct WorkerSettings {
  int slots = 2;
  bool once = false;  // takes one task in its life
  HandlerSettings handlers = {};
  ProcessSettings process = {};
};

// What it stands on; all of it outlives the worker.
struct WorkerParts {
  io::Executor executor;  // of its loop
  ServerLink& link;
  LogSink& log;
  JobFiles& files;
  exec::Launcher* launcher = nullptr;  // of its loop; null: it runs functions only
  io::OffloadPool& offload;
  const Clock& clock;
};

// Takes orders over its link, runs them, tells how they end. What it tells in one turn of the loop
// goes out together. All calls, and all of its life, on its loop. The program must ignore SIGPIPE.
class Worker {
 public:
  Worker(WorkerParts parts, WorkerSettings settings);
  ~Worker();  // after stop() has returned
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  HandlerRegistry& handlers() { return handlers_; }  // add to it before start()

  // Opens the link and asks for work. Once.
  void start();
  // Takes nothing new, waits for what runs until `drain_ms` are over, then kills it: those attempts
  // fail as worker_lost. Returns when nothing runs and every end was taken, at the latest some
  // seconds after the kill where it is not; then the link is closed.
  io::Awaitable<void> stop(std::int64_t drain_ms);
  // Ends the waiting of a stop() under way, or to come: kills at once.
  void hurry();

  // Called, with `once`, when the end of its one task was taken.
  void set_on_done(std::function<void()> on_done) { on_done_ = std::move(on_done); }

  // Attempts whose end was not taken yet.
  std::size_t running() const { return attempts_.size(); }

 private:
  struct Attempt;
  using Key = AttemptKey;
  using KeyHash = AttemptKeyHash;
  using Attempts = std::unordered_map<Key, std::shared_ptr<Attempt>, KeyHash>;

  // worker.cc: orders and credits
  void on(const AssignOrder& order);
  void on(const CancelOrder& order);
  void on(const InputOrder& order);
  void on(const ResizeOrder& order);
  void on(const LostOrder& order);
  void on(const LeaseOrder& order);
  void seen_again(Attempt& attempt, const Task& task);
  void begin(const std::shared_ptr<Attempt>& attempt);
  std::unique_ptr<Job> make_job(Attempt& attempt, Handler handler);
  io::Awaitable<void> run(std::shared_ptr<Attempt> attempt);
  void free_slot();
  void flush_soon();
  void flush();
  Attempt* find(TaskId task, std::uint32_t attempt);
  io::Awaitable<void> wait_idle(std::int64_t wait_ms);

  // worker_reports.cc: what it tells
  void report(Report report, ServerLink::OnAnswer answer);
  void finish(Attempt& attempt, Outcome outcome);
  void send_final(Attempt& attempt);
  void final_answered(Attempt& attempt, const Result<ReportAnswer>& answer);
  void send_question(Attempt& attempt);
  void settled(Attempt& attempt);

  WorkerParts parts_;
  WorkerSettings settings_;
  JobDirectories directories_;
  HandlerRegistry handlers_;
  io::TaskGroup jobs_;

  Attempts attempts_;
  // Settled in this turn of the loop. Where a server reads its store anew it orders again what it
  // found running; an order that comes with the answer to the end is such an echo.
  std::unordered_set<Key, KeyHash> echoes_;
  std::vector<std::weak_ptr<Attempt>> ask_again_;
  int busy_ = 0;     // slots taken
  int credits_ = 0;  // given and not used, as far as is known
  int owed_ = 0;     // to be given with the next flush
  bool flush_posted_ = false, draining_ = false, drained_ = false, hurried_ = false;
  std::function<void()> on_done_;
  io::Timer idle_;                 // cancelled when a stop() has to look again
  std::shared_ptr<Worker*> self_;  // for callbacks that may come too late
};

}  // namespace tandem::worker
