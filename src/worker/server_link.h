#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/task.h"
#include "worker/job.h"

// What a worker and its server say to each other, wherever the server is. See protocol.md, Workers.
namespace tandem::worker {

struct AssignOrder {
  TaskPtr task;
  std::string known_as = {};  // the task's id at its server, where it has another form; else empty
  std::optional<MonoTime> lease_until = std::nullopt;  // none: it has no end
};
struct CancelOrder {
  TaskId task_id;
  std::uint32_t attempt = 0;
};
struct InputOrder {
  TaskId task_id;
  std::uint32_t attempt = 0;
  std::uint64_t seq = 0;  // a repeat is passed over
  std::string data;
  bool eof = false;
};
struct ResizeOrder {
  TaskId task_id;
  std::uint32_t attempt = 0;
  int cols = 80, rows = 24;
};
struct LostOrder {  // stop it: it is no longer ours
  TaskId task_id;
  std::uint32_t attempt = 0;
};
struct LeaseOrder {  // it is ours until then, also where nothing more is heard
  TaskId task_id;
  std::uint32_t attempt = 0;
  MonoTime until;
};
using Order =
    std::variant<AssignOrder, CancelOrder, InputOrder, ResizeOrder, LostOrder, LeaseOrder>;

enum class ReportKind : std::uint8_t {
  progress,
  waiting_for_input,
  completed,
  failed,
  cancelled,
  released,
};
inline bool is_final(ReportKind kind) {
  return kind != ReportKind::progress && kind != ReportKind::waiting_for_input;
}

// What is told of an attempt.
struct Report {
  TaskId task_id;
  std::uint32_t attempt = 0;
  ReportKind kind = ReportKind::progress;
  std::optional<Progress> progress = {};
  std::optional<InputRequest> input_request = {};  // with waiting_for_input
  std::string result = {};
  std::optional<TaskError> error = {};  // with failed
  std::optional<int> exit_code = {}, signal = {};
  std::vector<FileInfo> outputs = {};  // with a final kind
  std::optional<LogTotals> log = {};
};
struct ReportAnswer {
  bool cancel_requested = false;
};

// A worker's way to its server. All calls on the worker's loop, as are the orders and answers,
// which never come inside of a call. The link outlives the worker, and calls nothing after close().
class ServerLink {
 public:
  using OnOrder = std::function<void(const Order&)>;
  // Errors that are retryable: the same report again may be taken. stale_attempt, and all others:
  // it never will be.
  using OnAnswer = std::function<void(Result<ReportAnswer>)>;

  virtual ~ServerLink() = default;
  // Once. An order that the worker has seen before may come again.
  virtual void open(OnOrder on_order) = 0;
  // The worker takes so many tasks more: credits, so that an order that is still on its way to it
  // is never counted twice.
  virtual void ready(int slots) = 0;
  // Takes the credits back. `done` comes behind the last assignment that was on its way.
  virtual void withdraw(std::function<void()> done) = 0;
  virtual void report(Report report, OnAnswer answer) = 0;
  // What was said since the last flush goes out together.
  virtual void flush() = 0;
  virtual void close() = 0;
  // Whether the server knows by itself that a lease has ended; else the worker reports it.
  virtual bool sees_leases_end() const { return true; }
  // The worker has killed what runs: what is under way for it, such as files, ends soon.
  virtual void hurry() {}
};

}  // namespace tandem::worker
