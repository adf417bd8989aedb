#include "wire/task_frames.h"

#include "base/limits.h"
#include "wire/fields.h"
#include "wire/json_writer.h"
#include "wire/log_fields.h"
#include "wire/loose.h"
#include "wire/raw_json.h"
#include "wire/task_json.h"

namespace tandem::wire {
namespace {

constexpr int kMaxTerminalSide = 10'000;

ClientFrame read_input(Fields& fields) {
  InputFrame frame;
  fields.required("data");
  fields.text("data", frame.data, limits::kMaxInputBytes);
  fields.name("request_id", frame.request_id, limits::kMaxNameBytes);
  return frame;
}

ClientFrame read_resize(Fields& fields) {
  ResizeFrame frame;
  fields.required("cols");
  fields.integer("cols", frame.cols, 1, kMaxTerminalSide);
  fields.required("rows");
  fields.integer("rows", frame.rows, 1, kMaxTerminalSide);
  return frame;
}

ClientFrame read_frame(Fields& fields) {
  std::string type;
  fields.required("type");
  if (!fields.text("type", type, 32)) return PingFrame{};
  if (type == "input") return read_input(fields);
  if (type == "eof") return EofFrame{};
  if (type == "resize") return read_resize(fields);
  if (type == "cancel") return CancelFrame{};
  if (type == "ping") return PingFrame{};
  fields.wrong("type", "must be input, eof, resize, cancel or ping");
  return PingFrame{};
}

struct FrameWriter {
  JsonWriter& writer;
  void operator()(const InputFrame& frame) const {
    writer.member("type", "input").member("data", frame.data);
    if (!frame.request_id.empty()) writer.member("request_id", frame.request_id);
  }
  void operator()(const EofFrame&) const { writer.member("type", "eof"); }
  void operator()(const ResizeFrame& frame) const {
    writer.member("type", "resize").key("cols").integer(frame.cols).key("rows").integer(frame.rows);
  }
  void operator()(const CancelFrame&) const { writer.member("type", "cancel"); }
  void operator()(const PingFrame&) const { writer.member("type", "ping"); }
};

}  // namespace

Decoded<ClientFrame> decode_client_frame(std::string_view text, const TaskId& socket_task) {
  Document document;
  auto object = object_of(document, text);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  ClientFrame frame = read_frame(fields);
  std::string task_id;
  if (fields.text("task_id", task_id, limits::kMaxNameBytes) && task_id != to_string(socket_task))
    fields.wrong("task_id", "must be the task of this connection");
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return frame;
}

std::string encode_client_frame(const ClientFrame& frame) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  std::visit(FrameWriter{writer}, frame);
  writer.end_object();
  return out;
}

Decoded<InputBody> decode_input_body(std::string_view body) {
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  InputBody input;
  fields.boolean("eof", input.eof);
  if (!input.eof) fields.required("data");
  fields.text("data", input.data, limits::kMaxInputBytes);
  fields.name("request_id", input.request_id, limits::kMaxNameBytes);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return input;
}

void encode_status_frame(const Task& task, std::string& out) {
  out += R"({"type":"status","task":)";
  encode_task(task, out);
  out.push_back('}');
}

void encode_log_frame(std::span<const LogLine> lines, std::string& out) {
  out += R"({"type":"log","records":)";
  encode_log_lines(lines, out);
  out.push_back('}');
}

void encode_input_request_frame(const InputRequest& request, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object()
      .member("type", "input_request")
      .member("request_id", request.request_id)
      .member("prompt", request.prompt)
      .key("password")
      .boolean(request.password)
      .end_object();
}

void encode_progress_frame(const Progress& progress, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object().member("type", "progress").key("percent");
  if (progress.percent)
    writer.number(*progress.percent);
  else
    writer.null();
  writer.key("message").string_or_null(progress.message).end_object();
}

void encode_end_frame(TaskStatus status, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object().member("type", "end").member("status", to_string(status)).end_object();
}

void encode_error_frame(const Error& error, std::string& out) {
  const ErrorRow& row = row_of(error.code);
  JsonWriter writer(out);
  writer.begin_object()
      .member("type", "error")
      .member("code", row.name)
      .member("detail", error.detail.empty() ? row.sentence : error.detail)
      .end_object();
}

void encode_gap_frame(std::string_view from, std::string_view to, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object().member("type", "gap").member("from", from).member("to", to).end_object();
}

void encode_pong_frame(std::string& out) { out += R"({"type":"pong"})"; }

Result<ServerFrame> decode_server_frame(std::string_view text) {
  Document document;
  if (auto parsed = document.parse(text); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  if (object == nullptr) return fail(Errc::bad_request, "The message is no JSON object");
  ServerFrame frame;
  frame.type = loose::text(*object, "type");
  if (frame.type == "status") {
    auto task = decode_task(raw_member(text, "task").value_or("null"));
    if (!task) return task.error();
    frame.task = std::move(*task);
  }
  if (const auto* records = loose::array(*object, "records"))
    frame.records = read_log_lines(*records);
  if (frame.type == "input_request") frame.input_request = loose::input_request(*object);
  if (frame.type == "progress") frame.progress = loose::progress(*object);
  frame.status = loose::text(*object, "status");
  frame.code = loose::text(*object, "code");
  frame.detail = loose::text(*object, "detail");
  frame.from = loose::text(*object, "from");
  frame.to = loose::text(*object, "to");
  return frame;
}

}  // namespace tandem::wire
