#pragma once

#include <functional>
#include <optional>
#include <string>

#include "worker/attempt_log.h"
#include "worker/job.h"

namespace tandem::worker {

// What a function is given. It lives until the function has returned. The worker's loop only.
class JobContext {
 public:
  virtual ~JobContext() = default;
  virtual const Task& task() const = 0;  // task_id, attempt, spec.payload …
  const std::string& payload() const { return task().spec.payload; }
  virtual void log(std::string text, logs::LogStream stream = logs::LogStream::stdout_) = 0;
  virtual void progress(Progress progress) = 0;
  // Makes the task wait for an answer. conflict where a question is open already, request_timeout
  // after the task's input_timeout (the task then fails with input_timeout), shutting_down where
  // it is cancelled.
  virtual io::Awaitable<Result<std::string>> ask_input(std::string prompt, bool password) = 0;
  virtual bool is_cancelled() const = 0;
  virtual io::Executor executor() = 0;
};

// What a function gives back: a JSON text (empty: none), or why it failed.
struct FunctionAnswer {
  std::string result;
  std::optional<TaskError> error;
};

// Runs right on the loop: may not block, nor take longer than others can wait (a millisecond).
using QuickFunction = std::function<FunctionAnswer(const Task&)>;
// A coroutine on the loop; what blocks in it goes through io::offload. It is cancelled by its
// timeout and by cancel(): then its pending operation throws operation_aborted.
using FunctionHandler = std::function<io::Awaitable<FunctionAnswer>(JobContext&)>;

// What the jobs of a worker share.
struct JobServices {
  io::Executor executor;
  const Clock& clock;
  LogSink& log;
};

std::unique_ptr<Job> make_function_job(const JobServices& services, FunctionHandler function,
                                       TaskPtr task, JobListener& listener);
Outcome run_quick(const QuickFunction& function, const Task& task);

}  // namespace tandem::worker
