#include <algorithm>
#include <array>

#include "base/limits.h"
#include "wire/fields.h"
#include "wire/json.h"
#include "wire/raw_json.h"
#include "wire/task_json.h"

namespace tandem::wire {
namespace {

namespace json = boost::json;
using limits::kMaxDurationMs;

// Members of a task that the server gives.
constexpr std::array<std::string_view, 22> kReadOnly = {
    "task_id",     "job_type",         "status",     "attempt",     "input_request", "created_at",
    "updated_at",  "assigned_at",      "started_at", "finished_at", "client_id",     "worker_id",
    "worker_name", "cancel_requested", "progress",   "result",      "error",         "exit_code",
    "signal",      "outputs",          "log",        "inputs"};

bool is_env_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || name.size() > limits::kMaxLabelBytes || !letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// A job could use these to change what runs, or how the worker speaks to it.
bool is_reserved_env(std::string_view name) {
  return name == "PATH" || name.starts_with("LD_") || name.starts_with("TANDEM_");
}

std::string env_fault(std::string_view name, const json::value& value) {
  if (!is_env_name(name)) return "must be named by letters, digits and underscores";
  if (is_reserved_env(name)) return "must not be set by a task";
  const json::string* string = value.if_string();
  if (string == nullptr) return "must be a string";
  if (string->size() > limits::kMaxEnvValueBytes)
    return "must have at most " + std::to_string(limits::kMaxEnvValueBytes) + " bytes";
  if (view(*string).find_first_of(std::string_view("\0\n\r", 3)) != std::string_view::npos)
    return "must not hold NUL or line ends";
  return {};
}

void read_env(Fields& fields, std::map<std::string, std::string>& out) {
  const json::object* values = fields.object("env");
  if (values == nullptr) return;
  if (values->size() > limits::kMaxLabels)
    return fields.wrong("env",
                        "must have at most " + std::to_string(limits::kMaxLabels) + " entries");
  for (const auto& member : *values) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::string fault = env_fault(name, member.value()); !fault.empty())
      fields.wrong("env." + std::string(name.substr(0, limits::kMaxLabelBytes)), std::move(fault));
    else
      out.emplace(name, view(member.value().get_string()));
  }
}

// `text` is the text of the task's object.
void read_payload(Fields& fields, std::string_view text, TaskSpec& spec) {
  fields.required("payload");
  const json::object* payload = fields.object("payload");
  if (payload == nullptr) return;
  const json::value* job_type = payload->if_contains("job_type");
  if (job_type == nullptr) {
    fields.wrong("payload.job_type", "is required");
  } else if (!job_type->is_string() || !is_job_type(view(job_type->get_string()))) {
    fields.wrong(
        "payload.job_type",
        "must be a string of 1 to 128 letters, digits, '.', '_' and '-' that begins with a "
        "letter or digit");
  } else {
    spec.job_type = view(job_type->get_string());
  }
  const std::string_view raw = raw_member(text, "payload").value_or(std::string_view());
  spec.payload.reserve(raw.size());
  append_compact(spec.payload, raw);
  if (spec.payload.size() > limits::kMaxPayloadBytes)
    fields.wrong("payload",
                 "must have at most " + std::to_string(limits::kMaxPayloadBytes) + " bytes");
}

void read_times(Fields& fields, TaskSpec& spec) {
  const bool run_at = fields.time("run_at", spec.run_at);
  const bool delay = fields.seconds("delay_s", spec.delay_ms, 0, kMaxDurationMs);
  if (run_at && delay) fields.wrong("delay_s", "can't be given together with run_at");
  fields.seconds("retry_delay_s", spec.retry_delay_ms, 0, kMaxDurationMs);
  fields.seconds("timeout_s", spec.timeout_ms, 1, kMaxDurationMs);
  fields.seconds("queue_timeout_s", spec.queue_timeout_ms, 1, kMaxDurationMs);
  fields.seconds("input_timeout_s", spec.input_timeout_ms, 1, kMaxDurationMs);
}

void read_assignment(Fields& fields, TaskSpec& spec) {
  const json::value* value = fields.find("assignment");
  if (value == nullptr) return;
  const json::string* name = value->if_string();
  const auto assignment = name == nullptr ? std::nullopt : assignment_from(view(*name));
  if (!assignment) return fields.wrong("assignment", "must be push, polling or any");
  spec.assignment = *assignment;
}

TaskSpec read_spec(const json::object& object, std::string_view text, std::string_view prefix,
                   std::vector<FieldError>& errors) {
  TaskSpec spec;
  Fields fields(object, prefix, errors);
  read_payload(fields, text, spec);
  fields.name("queue", spec.queue, limits::kMaxNameBytes);
  fields.integer("priority", spec.priority, limits::kMinPriority, limits::kMaxPriority);
  read_assignment(fields, spec);
  fields.names("requires", spec.requires_labels, 2 * limits::kMaxLabelBytes + 1);
  read_times(fields, spec);
  fields.integer("max_attempts", spec.max_attempts, 1, limits::kMaxAttempts);
  fields.boolean("interactive", spec.interactive);
  fields.name("unique_key", spec.unique_key, limits::kMaxIdempotencyKeyBytes);
  if (fields.name("callback_url", spec.callback_url, limits::kMaxUrlBytes) &&
      !is_http_url(spec.callback_url))
    fields.wrong("callback_url", "must be an http or https URL without a user name");
  read_env(fields, spec.env);
  fields.labels("labels", spec.labels);
  fields.finish(kReadOnly);
  return spec;
}

}  // namespace

Decoded<TaskSpec> decode_submit(std::string_view body) {
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  TaskSpec spec = read_spec(**object, body, "", errors);
  if (!errors.empty()) return reject(std::move(errors));
  return spec;
}

Decoded<std::vector<TaskSpec>> decode_batch(std::string_view body) {
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  fields.required("tasks");
  const json::array* tasks = fields.array("tasks", 1, limits::kMaxBatchTasks);
  fields.finish();
  std::vector<TaskSpec> specs;
  if (tasks != nullptr) {
    const auto texts = raw_elements(raw_member(body, "tasks").value_or(std::string_view()));
    specs.reserve(tasks->size());
    for (std::size_t i = 0; i < tasks->size() && errors.size() < kMaxFieldErrors; ++i) {
      const std::string name = "tasks[" + std::to_string(i) + "]";
      const json::object* task = (*tasks)[i].if_object();
      if (task == nullptr)
        fields.wrong(name, "must be an object");
      else
        specs.push_back(read_spec(*task, texts.at(i), name + ".", errors));
    }
  }
  if (!errors.empty()) return reject(std::move(errors));
  return specs;
}

}  // namespace tandem::wire
