#include "wire/worker_frames.h"

#include "base/limits.h"
#include "wire/fields.h"
#include "wire/json_writer.h"
#include "wire/log_fields.h"
#include "wire/update_fields.h"

namespace tandem::wire {
namespace {

WorkerFrame read_ready(Fields& fields) {
  ReadyFrame frame;
  fields.required("slots_free");
  fields.integer("slots_free", frame.slots_free, 0, 1000);
  return frame;
}

WorkerFrame read_logs(Fields& fields, std::vector<FieldError>& errors) {
  LogsFrame frame;
  fields.required("task_id");
  if (fields.text("task_id", frame.task_id, limits::kMaxNameBytes) && !parse_uuid(frame.task_id))
    fields.wrong("task_id", "must be an id such as the server gave");
  frame.batch = read_log_batch(fields, "", errors);
  return frame;
}

WorkerFrame read_frame(Fields& fields, std::string_view text, std::vector<FieldError>& errors) {
  std::string type;
  fields.required("type");
  if (!fields.text("type", type, 32)) return ByeFrame{};
  if (type == "ready") return read_ready(fields);
  if (type == "update") return UpdateFrame{read_updates(fields, text, errors).updates};
  if (type == "logs") return read_logs(fields, errors);
  if (type == "heartbeat") return HeartbeatFrame{read_attempt_refs(fields, "tasks", errors)};
  if (type != "bye") fields.wrong("type", "must be ready, update, logs, heartbeat or bye");
  return ByeFrame{};
}

}  // namespace

Decoded<WorkerFrame> decode_worker_frame(std::string_view text) {
  Document document;
  auto object = object_of(document, text);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  WorkerFrame frame = read_frame(fields, text, errors);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return frame;
}

std::string encode_ready_frame(int slots_free) {
  return R"({"type":"ready","slots_free":)" + std::to_string(slots_free) + "}";
}

std::string encode_update_frame(std::span<const Update> updates) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().member("type", "update").key("updates").begin_array();
  for (const Update& update : updates) {
    writer.begin_object();
    write_update(writer, update, {});
    writer.end_object();
  }
  writer.end_array().end_object();
  return out;
}

std::string encode_logs_frame(std::string_view task_id, std::span<const LogLine> lines) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().member("type", "logs").member("task_id", task_id);
  write_log_batch(writer, lines);
  writer.end_object();
  return out;
}

std::string encode_heartbeat_frame(std::span<const AttemptRef> tasks) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().member("type", "heartbeat").key("tasks");
  write_attempt_refs(writer, tasks);
  writer.end_object();
  return out;
}

std::string encode_bye_frame() { return R"({"type":"bye"})"; }

}  // namespace tandem::wire
