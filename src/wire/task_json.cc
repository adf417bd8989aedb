#include "wire/task_json.h"

#include <algorithm>

#include "wire/json_writer.h"

namespace tandem::wire {
namespace {

void write_input_request(JsonWriter& writer, const std::optional<InputRequest>& request) {
  writer.key("input_request");
  if (!request) {
    writer.null();
    return;
  }
  writer.begin_object()
      .member("request_id", request->request_id)
      .member("prompt", request->prompt)
      .key("password")
      .boolean(request->password)
      .key("asked_at")
      .time(request->asked_at)
      .end_object();
}

void write_progress(JsonWriter& writer, const Progress& progress) {
  writer.key("progress").begin_object().key("percent");
  if (progress.percent)
    writer.number(*progress.percent);
  else
    writer.null();
  writer.key("message").string_or_null(progress.message).end_object();
}

void write_error(JsonWriter& writer, const std::optional<TaskError>& error) {
  writer.key("error");
  if (!error) {
    writer.null();
    return;
  }
  writer.begin_object().member("code", error->code).member("message", error->message).end_object();
}

void write_files(JsonWriter& writer, std::span<const FileInfo> files) {
  writer.begin_array();
  for (const FileInfo& file : files) {
    writer.begin_object()
        .member("name", file.name)
        .key("size_bytes")
        .integer(static_cast<std::int64_t>(file.size_bytes))
        .member("sha256", file.sha256)
        .key("content_type")
        .string_or_null(file.content_type)
        .end_object();
  }
  writer.end_array();
}

void write_request(JsonWriter& writer, const Task& task) {
  const TaskSpec& spec = task.spec;
  writer.key("task_id")
      .id(task.task_id)
      .member("job_type", spec.job_type)
      .key("payload")
      .raw_or_null(spec.payload)
      .member("status", to_string(task.status))
      .member("queue", spec.queue)
      .key("priority")
      .integer(spec.priority)
      .member("assignment", to_string(spec.assignment));
  writer.key("requires").text_list(spec.requires_labels);
  writer.key("labels").text_map(spec.labels);
  writer.key("attempt")
      .integer(task.attempt)
      .key("max_attempts")
      .integer(spec.max_attempts)
      .key("run_at")
      .time_or_null(task.run_at ? task.run_at : spec.run_at)
      .key("timeout_s")
      .seconds_or_null(spec.timeout_ms)
      .key("interactive")
      .boolean(spec.interactive);
}

void write_course(JsonWriter& writer, const Task& task) {
  write_input_request(writer, task.input_request);
  writer.key("created_at")
      .time(task.created_at)
      .key("updated_at")
      .time(task.updated_at)
      .key("assigned_at")
      .time_or_null(task.assigned_at)
      .key("started_at")
      .time_or_null(task.started_at)
      .key("finished_at")
      .time_or_null(task.finished_at)
      .key("client_id")
      .id(task.client_id)
      .key("worker_id")
      .id_or_null(task.worker_id)
      .key("worker_name")
      .string_or_null(task.worker_name)
      .key("cancel_requested")
      .boolean(task.cancel_requested);
  write_progress(writer, task.progress);
}

void write_outcome(JsonWriter& writer, const Task& task) {
  writer.key("result").raw_or_null(task.result);
  write_error(writer, task.error);
  writer.key("exit_code")
      .integer_or_null(task.exit_code)
      .key("signal")
      .integer_or_null(task.signal)
      .key("outputs");
  write_files(writer, task.outputs);
  writer.key("log")
      .begin_object()
      .key("records")
      .integer(static_cast<std::int64_t>(task.log.records))
      .key("bytes")
      .integer(static_cast<std::int64_t>(task.log.bytes))
      .end_object();
}

constexpr std::size_t kTypicalTaskBytes = 1024;  // without payload and result

}  // namespace

void encode_task(const Task& task, std::string& out) {
  const std::size_t size =
      out.size() + kTypicalTaskBytes + task.spec.payload.size() + task.result.size();
  // Grown by half at least, so that a list of tasks is not copied for each of them.
  if (size > out.capacity()) out.reserve(std::max(size, out.capacity() + out.capacity() / 2));
  JsonWriter writer(out);
  writer.begin_object();
  write_request(writer, task);
  write_course(writer, task);
  write_outcome(writer, task);
  writer.end_object();
}

void encode_tasks(std::span<const Task> tasks, std::string& out) {
  out += "{\"tasks\":[";
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (i > 0) out.push_back(',');
    encode_task(tasks[i], out);
  }
  out += "]}";
}

void encode_files(std::span<const FileInfo> files, std::string& out) {
  JsonWriter writer(out);
  write_files(writer, files);
}

void encode_spec(const TaskSpec& spec, std::string& out) {
  const TaskSpec usual;
  JsonWriter writer(out);
  writer.begin_object().key("payload").raw(spec.payload);
  if (spec.queue != usual.queue) writer.member("queue", spec.queue);
  if (spec.priority != usual.priority) writer.key("priority").integer(spec.priority);
  if (spec.assignment != usual.assignment) writer.member("assignment", to_string(spec.assignment));
  if (!spec.requires_labels.empty()) writer.key("requires").text_list(spec.requires_labels);
  if (spec.run_at) writer.key("run_at").time(*spec.run_at);
  if (spec.delay_ms) writer.key("delay_s").seconds(*spec.delay_ms);
  if (spec.max_attempts != usual.max_attempts)
    writer.key("max_attempts").integer(spec.max_attempts);
  if (spec.retry_delay_ms != usual.retry_delay_ms)
    writer.key("retry_delay_s").seconds(spec.retry_delay_ms);
  if (spec.timeout_ms) writer.key("timeout_s").seconds(*spec.timeout_ms);
  if (spec.queue_timeout_ms) writer.key("queue_timeout_s").seconds(*spec.queue_timeout_ms);
  if (spec.interactive) writer.key("interactive").boolean(true);
  if (spec.input_timeout_ms != usual.input_timeout_ms)
    writer.key("input_timeout_s").seconds(spec.input_timeout_ms);
  if (!spec.unique_key.empty()) writer.member("unique_key", spec.unique_key);
  if (!spec.callback_url.empty()) writer.member("callback_url", spec.callback_url);
  if (!spec.env.empty()) writer.key("env").text_map(spec.env);
  if (!spec.labels.empty()) writer.key("labels").text_map(spec.labels);
  writer.end_object();
}

}  // namespace tandem::wire
