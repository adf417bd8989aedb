#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tandem/failure.h"

namespace tandem::sdk {

struct ClientOptions {
  std::string server;  // http://host:8080
  std::string client_id, client_secret;
  std::string ca_file;  // PEM, for https; empty: the system's
};

// A task to be. `payload`: a JSON object with the job_type, e.g. {"job_type":"render"}.
struct Submission {
  std::string payload;
  std::string queue = "default";
  int priority = 0;      // −100 … 100, higher first
  int max_attempts = 1;  // 1 …
  std::optional<std::chrono::milliseconds> timeout;
  std::vector<std::string> requires_labels;  // that the worker must have
  bool interactive = false;
  // Not empty: the same submission again is the same task, for a day.
  std::string idempotency_key;
};

// A task as it was when it was looked at.
struct TaskView {
  std::string task_id, job_type, status;
  unsigned attempt = 0;
  std::string question;  // that it waits for an answer to; empty: none
  std::string result;    // JSON; empty: none
  std::string error_code, error_message;
  std::optional<int> exit_code;
  std::string json;  // all that the server says of it

  bool is_over() const {
    return status == "completed" || status == "failed" || status == "cancelled";
  }
};

// Asks a Tandem server. Every call blocks, and throws Failure. One thread at a time.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  TaskView submit(const Submission& submission);
  TaskView get(std::string_view task_id);
  // Returns when the task is over, or as it is when the time has passed.
  TaskView wait(std::string_view task_id, std::chrono::milliseconds at_most);
  // What the task has written so far, or, with follow_log, until it ends: pieces of it as they
  // come. `take` may return false to stop.
  std::string log(std::string_view task_id);
  void follow_log(std::string_view task_id, const std::function<bool(std::string_view)>& take);
  // Answers what the task asks.
  void input(std::string_view task_id, std::string_view answer);
  TaskView cancel(std::string_view task_id);
  // One of its output files, whole.
  std::string output(std::string_view task_id, std::string_view name);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::sdk
