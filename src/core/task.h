#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "core/task_status.h"

namespace tandem {

enum class Assignment : std::uint8_t { any, push, polling };
std::string_view to_string(Assignment assignment);
std::optional<Assignment> assignment_from(std::string_view name);

using Labels = std::map<std::string, std::string>;

// What a client asks for. Durations in milliseconds; JSON members as text, checked by wire.
struct TaskSpec {
  std::string payload;   // a JSON object with a string member job_type
  std::string job_type;  // that member
  std::string queue = "default";
  int priority = 0;
  Assignment assignment = Assignment::any;
  std::vector<std::string> requires_labels;  // sorted, no doubles: "gpu" or "zone=eu"
  std::optional<WallTime> run_at;
  std::optional<std::int64_t> delay_ms;
  int max_attempts = 1;
  std::int64_t retry_delay_ms = 5000;
  std::optional<std::int64_t> timeout_ms;
  std::optional<std::int64_t> queue_timeout_ms;
  bool interactive = false;
  std::int64_t input_timeout_ms = 180'000;
  std::string unique_key;    // empty: none
  std::string callback_url;  // empty: none
  std::map<std::string, std::string> env;
  Labels labels;
};

// A file given with a task, or made by it.
struct FileInfo {
  std::string name;
  std::uint64_t size_bytes = 0;
  std::string sha256;  // 64 hex digits
  std::string content_type;
  bool operator==(const FileInfo&) const = default;
};

// Why an attempt failed. `code` is one of the names in attempt.h, or the job's own.
struct TaskError {
  std::string code;
  std::string message;
  bool operator==(const TaskError&) const = default;
};

struct Progress {
  std::optional<double> percent;  // 0..100
  std::string message;
  bool operator==(const Progress&) const = default;
};

struct InputRequest {
  std::string request_id;
  std::string prompt;
  bool password = false;
  WallTime asked_at;
  bool operator==(const InputRequest&) const = default;
};

struct LogTotals {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  bool operator==(const LogTotals&) const = default;
};

// A task: what was asked, and how far it is. One row of the store.
struct Task {
  TaskId task_id;
  ClientId client_id;
  TaskSpec spec;
  std::vector<FileInfo> inputs;

  TaskStatus status = TaskStatus::pending;
  std::uint32_t attempt = 0;  // of the last assignment; 0: never assigned
  // One more than the attempts that were used up before the last explicit retry: attempts left are
  // counted from here.
  std::uint32_t first_attempt = 1;
  std::uint32_t worker_losses = 0;  // attempts that ended as worker_lost since first_attempt
  std::optional<WallTime> run_at;   // scheduled: when it becomes pending

  WallTime created_at;
  WallTime updated_at;
  std::optional<WallTime> queued_at;  // when it last became pending: queue_timeout counts from here
  std::optional<WallTime> assigned_at, started_at, finished_at;
  WorkerId worker_id;  // nil: none yet
  std::string worker_name;
  bool cancel_requested = false;

  Progress progress;
  std::optional<InputRequest> input_request;
  std::string result;  // JSON text; empty: none
  std::optional<TaskError> error;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::vector<FileInfo> outputs;
  LogTotals log;

  ServerId held_by;  // another server of the installation, which alone changes it; nil: this one
};

}  // namespace tandem
