#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "core/task.h"
#include "io/asio.h"
#include "logs/log_hub.h"
#include "logs/unsent_logs.h"

namespace tandem::worker {

// Where the records of attempts go: the server's own logs, or a server far away.
class LogSink {
 public:
  using Done = std::function<void(Result<logs::LogTail>)>;
  virtual ~LogSink() = default;
  // `done` runs on the worker's loop when the records are durable. Contract of LogHub::append.
  virtual void append(logs::LogAppend append, Done done) = 0;
  // While true, nothing new is taken from the jobs.
  virtual bool is_congested() const = 0;
  // Records of an attempt that can't wait for the log any longer, in order. True: they are safe,
  // and will be in the log later. Blocks.
  virtual bool keep(const logs::LogAppend&) { return false; }

  // What all attempts hold back because the store is away, in bytes. On the worker's loop.
  void hold(std::size_t bytes) { held_bytes_ += bytes; }
  void let_go(std::size_t bytes) { held_bytes_ -= bytes; }
  std::size_t held_bytes() const { return held_bytes_; }

 private:
  std::size_t held_bytes_ = 0;
};

// Into the log of the server that the worker lives in.
class HubLogSink final : public LogSink {
 public:
  HubLogSink(logs::LogHub& hub, Outbox& outbox, logs::UnsentLogs& unsent)
      : hub_(hub), outbox_(outbox), unsent_(unsent) {}
  void append(logs::LogAppend append, Done done) override {
    hub_.append(std::move(append), outbox_, std::move(done));
  }
  bool is_congested() const override {
    return hub_.pending_bytes() >= logs::LogHub::kHighWaterBytes;
  }
  // The server ends: what is given up from now on is for its next run.
  void end() { is_ending_ = true; }
  bool keep(const logs::LogAppend& append) override {
    return is_ending_ && unsent_.keep(append).has_value();
  }

 private:
  logs::LogHub& hub_;
  Outbox& outbox_;            // the worker's loop
  logs::UnsentLogs& unsent_;  // nobody else's while the worker ends
  bool is_ending_ = false;
};

// The log of one attempt: numbers its records, hands them on one batch at a time, and repeats, with
// a growing pause, what could not be written. While the store says that it is away or full the job
// goes on, and its records wait up to a bound; what comes beyond it is cut, and a system record
// says so in its place. One thread, the loop's.
class AttemptLog {
 public:
  // What may wait while the store is away: of one attempt, and of all of a worker.
  static constexpr std::size_t kSpoolBytes = 8 * 1024 * 1024;
  static constexpr std::size_t kAllSpoolsBytes = 64 * 1024 * 1024;

  AttemptLog(LogSink& sink, const Clock& clock, io::Executor executor);
  ~AttemptLog();  // give_up()
  AttemptLog(const AttemptLog&) = delete;
  AttemptLog& operator=(const AttemptLog&) = delete;

  void open(TaskId task, std::uint32_t attempt,
            std::uint64_t max_bytes = limits::kMaxLogBytesPerAttempt);
  // Beyond max_bytes the data is cut; a system record says where, and settle() how much.
  void write(logs::LogStream stream, std::string data);
  // A sentence of the worker to the one who reads the log; never cut.
  void say(std::string sentence);

  // Returns when the job may write on: less than a window is on its way, or the store is away.
  io::Awaitable<void> room();
  // Returns when the last record is durable; at once where there is none, and where the attempt was
  // lost (stale_attempt): then there is nothing to wait for.
  io::Awaitable<LogTotals> settle();
  // Nobody waits for the rest: settle() and room() return. What the sink keeps counts as written.
  void give_up();

 private:
  struct Shared;  // outlives this where an append is on its way
  void add(logs::LogStream stream, std::string data);

  std::shared_ptr<Shared> shared_;
  std::uint64_t max_bytes_ = 0, written_bytes_ = 0, cut_bytes_ = 0;
};

}  // namespace tandem::worker
