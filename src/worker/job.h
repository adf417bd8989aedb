#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/attempt.h"
#include "core/task.h"
#include "io/asio.h"

// What one attempt of a task is to those who run it. All of it lives on the worker's loop.
namespace tandem::worker {

inline constexpr std::int64_t kLastWordsMs = 2000;  // for the log of a job that was killed

using TaskPtr = std::shared_ptr<const Task>;

enum class Ending : std::uint8_t { completed, failed, cancelled };

// How an attempt ended: what the final update says.
struct Outcome {
  Ending ending = Ending::completed;
  std::string result;              // JSON text; empty: none
  std::optional<TaskError> error;  // with failed
  std::optional<int> exit_code, signal;
  std::vector<FileInfo> outputs;
  LogTotals log;
};

Outcome failed(std::string_view code, std::string message);

// Of the attempt's nth question, from 1. No other attempt has one with this id: what comes late is
// not taken for the answer to another question.
inline std::string question_id(std::uint32_t attempt, std::uint64_t n) {
  return std::to_string(attempt) + '-' + std::to_string(n);
}

// Told by a job while it runs. Calls come on the worker's loop and cost little.
class JobListener {
 public:
  virtual ~JobListener() = default;
  virtual void progressed(const Progress& progress) = 0;
  // It waits for an answer, which ends its waiting.
  virtual void asks(const InputRequest& request) = 0;
};

// One attempt. run() once; it returns when nothing of the attempt runs any more and the last record
// of its log is durable. The others at any time between, on the loop.
class Job {
 public:
  virtual ~Job() = default;
  virtual io::Awaitable<Outcome> run() = 0;
  // Ends it soon, as cancelled; may be repeated.
  virtual void cancel() = 0;
  // Ends it at once: nobody wants to hear of its end (the attempt was lost, or the worker stops).
  virtual void kill() = 0;
  virtual void input(std::string data, bool eof) = 0;
  virtual void resize(int cols, int rows) = 0;
  // A lease: the job is dead at that time unless this is called again, also where the loop, or this
  // process, stands still by then and the job is a process.
  virtual void keep_until(MonoTime until) = 0;
};

}  // namespace tandem::worker
