#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tandem/failure.h"

namespace tandem::sdk {

enum class Mode : unsigned char { push, polling, hybrid };

struct WorkerOptions {
  std::string config_url;  // https://host/api/v1/polling/config
  // Either the token of a registered worker, or an access token with the scope `workers`: then the
  // worker registers when it starts.
  std::string worker_token, registration_token;
  std::string name = "worker";
  Mode mode = Mode::hybrid;
  int slots = 1;                              // handlers that run at once
  std::map<std::string, std::string> labels;  // {{"gpu", ""}, {"zone", "eu"}}
  // How long stop() waits for what runs, in milliseconds.
  int drain_ms = 30'000;
};

// One attempt of a task, for as long as its handler runs; for the handler's thread.
class Job {
 public:
  virtual ~Job() = default;
  virtual std::string task_id() const = 0;
  virtual std::string job_type() const = 0;
  virtual unsigned attempt() const = 0;
  virtual std::string payload() const = 0;  // a JSON object
  virtual void log(std::string_view text) = 0;
  virtual void progress(double percent, std::string_view message = {}) = 0;
  // Makes the task wait for an answer, and waits for it. Throws Failure: request_timeout,
  // shutting_down where the task is cancelled.
  virtual std::string ask(std::string_view prompt, bool password = false) = 0;
  // It was cancelled, or its time is over: return soon, whatever you return.
  virtual bool is_cancelled() const = 0;
};

// Answers a JSON text, or an empty one. An exception fails the task with its sentence; a Failure
// with its code too.
using Handler = std::function<std::string(Job&)>;
// The same for what takes less than a millisecond and neither waits nor asks: it runs where jobs
// arrive, without a thread of its own. Given the payload.
using QuickHandler = std::function<std::string(const std::string& payload)>;

// Takes jobs from a Tandem server, or from a service that speaks its polling protocol, and runs
// functions. Never gives up: a server that is away is tried again and again, and what was done is
// told when it is back.
class Worker {
 public:
  explicit Worker(WorkerOptions options);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before run().
  void handle(std::string job_type, Handler handler);
  void handle_quickly(std::string job_type, QuickHandler handler);

  // Works until stop(). Blocks. Throws Failure where the service refuses the worker for good
  // (unauthenticated, token_revoked …). Once. Ignores SIGPIPE for the whole program.
  void run();
  // run() returns when what runs has ended, at the latest after drain_ms. Thread-safe; may come
  // before run().
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::sdk
