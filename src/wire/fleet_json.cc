#include "wire/fleet_json.h"

#include <array>

#include "base/limits.h"
#include "wire/fields.h"
#include "wire/json_writer.h"
#include "wire/loose.h"

namespace tandem::wire {
namespace {

constexpr std::array<std::string_view, 4> kWorkerStatuses = {"connected", "away", "draining",
                                                             "revoked"};

void write_tasks(JsonWriter& writer, const std::vector<HeldTask>& tasks) {
  writer.key("tasks").begin_array();
  for (const HeldTask& task : tasks)
    writer.begin_object()
        .key("task_id")
        .id(task.task_id)
        .key("attempt")
        .integer(task.attempt)
        .member("status", to_string(task.status))
        .end_object();
  writer.end_array();
}

}  // namespace

std::string_view to_string(WorkerStatus status) {
  return kWorkerStatuses.at(static_cast<std::size_t>(status));
}

void encode_worker(const WorkerView& worker, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object()
      .key("worker_id")
      .id(worker.worker_id)
      .member("name", worker.name)
      .member("mode", worker.mode)
      .key("labels")
      .text_map(worker.labels)
      .key("job_types")
      .text_list(worker.job_types)
      .key("queues")
      .text_list(worker.queues)
      .key("slots")
      .integer(worker.slots)
      .key("version")
      .string_or_null(worker.version)
      .key("host")
      .string_or_null(worker.host)
      .member("status", to_string(worker.status))
      .key("channel");
  if (worker.channel)
    writer.string(*worker.channel == WorkerChannel::push ? "push" : "polling");
  else
    writer.null();
  write_tasks(writer, worker.tasks);
  writer.key("created_at")
      .time(worker.created_at)
      .key("last_seen_at")
      .time_or_null(worker.last_seen_at)
      .key("revoked_at")
      .time_or_null(worker.revoked_at)
      .key("revoke_reason")
      .string_or_null(worker.revoke_reason)
      .end_object();
}

std::string encode_rotated_token(const RotatedToken& answer) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object()
      .member("worker_token", answer.worker_token)
      .key("previous_valid_until")
      .time(answer.previous_valid_until)
      .end_object();
  return out;
}

Result<RotatedToken> decode_rotated_token(std::string_view body) {
  Document document;
  if (auto parsed = document.parse(body); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  RotatedToken answer;
  if (object != nullptr) {
    answer.worker_token = loose::text(*object, "worker_token");
    answer.previous_valid_until = loose::time(*object, "previous_valid_until").value_or(WallTime());
  }
  if (answer.worker_token.empty())
    return fail(Errc::bad_request, "The answer holds no worker_token");
  return answer;
}

Decoded<void> decode_empty(std::string_view body) {
  if (body.empty()) return {};
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields(**object, "", errors).finish();
  if (!errors.empty()) return reject(std::move(errors));
  return {};
}

Decoded<Revocation> decode_revocation(std::string_view body) {
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  Revocation revocation;
  std::string id;
  fields.required("worker_id");
  if (fields.text("worker_id", id, limits::kMaxNameBytes)) {
    const auto parsed = WorkerId::parse(id);
    if (parsed)
      revocation.worker_id = *parsed;
    else
      fields.wrong("worker_id", "must be the id of a worker");
  }
  fields.name("reason", revocation.reason, limits::kMaxLabelBytes);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return revocation;
}

Decoded<std::string> decode_revoke_reason(std::string_view body) {
  std::string reason;
  if (body.empty()) return reason;
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  fields.name("reason", reason, limits::kMaxLabelBytes);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return reason;
}

}  // namespace tandem::wire
