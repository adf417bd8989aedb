#include "wire/json.h"
#include "wire/loose.h"
#include "wire/raw_json.h"
#include "wire/task_json.h"

namespace tandem::wire {
namespace {

std::string compact_member(std::string_view text, std::string_view name) {
  std::string out;
  const auto raw = raw_member(text, name);
  if (raw && *raw != "null") append_compact(out, *raw);
  return out;
}

void read_request(const loose::Object& object, Task& task) {
  TaskSpec& spec = task.spec;
  spec.job_type = loose::text(object, "job_type");
  spec.queue = loose::text(object, "queue");
  spec.priority = static_cast<int>(loose::integer(object, "priority", 0));
  spec.assignment = assignment_from(loose::text(object, "assignment")).value_or(Assignment::any);
  spec.requires_labels = loose::names(object, "requires");
  spec.labels = loose::text_map(object, "labels");
  task.attempt = static_cast<std::uint32_t>(loose::integer(object, "attempt", 0));
  spec.max_attempts = static_cast<int>(loose::integer(object, "max_attempts", 1));
  task.run_at = loose::time(object, "run_at");
  spec.timeout_ms = loose::seconds(object, "timeout_s");
  spec.interactive = loose::flag(object, "interactive");
}

void read_course(const loose::Object& object, Task& task) {
  if (const auto* request = loose::object(object, "input_request"))
    task.input_request = loose::input_request(*request);
  task.created_at = loose::time(object, "created_at").value_or(WallTime{});
  task.updated_at = loose::time(object, "updated_at").value_or(WallTime{});
  task.assigned_at = loose::time(object, "assigned_at");
  task.started_at = loose::time(object, "started_at");
  task.finished_at = loose::time(object, "finished_at");
  task.client_id = ClientId::parse(loose::text(object, "client_id")).value_or(ClientId{});
  task.worker_id = WorkerId::parse(loose::text(object, "worker_id")).value_or(WorkerId{});
  task.worker_name = loose::text(object, "worker_name");
  task.cancel_requested = loose::flag(object, "cancel_requested");
  if (const auto* progress = loose::object(object, "progress"))
    task.progress = loose::progress(*progress);
}

void read_outcome(const loose::Object& object, Task& task) {
  if (const auto* error = loose::object(object, "error"))
    task.error = TaskError{loose::text(*error, "code"), loose::text(*error, "message")};
  task.exit_code = loose::maybe_int(object, "exit_code");
  task.signal = loose::maybe_int(object, "signal");
  task.outputs = loose::files(object, "outputs");
  if (const auto* log = loose::object(object, "log")) {
    task.log.records = static_cast<std::uint64_t>(loose::integer(*log, "records", 0));
    task.log.bytes = static_cast<std::uint64_t>(loose::integer(*log, "bytes", 0));
  }
}

}  // namespace

Result<Task> decode_task(std::string_view text) {
  Document document;
  if (auto parsed = document.parse(text); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  if (object == nullptr) return fail(Errc::bad_request, "The task is no JSON object");
  const auto id = TaskId::parse(loose::text(*object, "task_id"));
  const auto status = task_status_from(loose::text(*object, "status"));
  if (!id || !status) return fail(Errc::bad_request, "The task has no task_id or no known status");
  Task task;
  task.task_id = *id;
  task.status = *status;
  task.spec.payload = compact_member(text, "payload");
  task.result = compact_member(text, "result");
  read_request(*object, task);
  read_course(*object, task);
  read_outcome(*object, task);
  return task;
}

}  // namespace tandem::wire
