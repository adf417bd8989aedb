#include "wire/worker_json.h"

#include <array>

#include "base/limits.h"
#include "wire/fields.h"
#include "wire/json_writer.h"
#include "wire/loose.h"
#include "wire/raw_json.h"
#include "wire/task_json.h"
#include "wire/update_fields.h"
#include "wire/worker_fields.h"

namespace tandem::wire {
namespace {

constexpr std::array<std::string_view, 3> kModes = {"push", "polling", "hybrid"};
constexpr int kMaxSlots = 1000, kMaxClaim = limits::kMaxClaimJobs;

void read_registration(Fields& fields, Registration& registration) {
  fields.required("name");
  fields.name("name", registration.name, limits::kMaxNameBytes);
  std::string mode;
  if (fields.text("mode", mode, limits::kMaxNameBytes)) {
    if (const auto known = worker_mode_from(mode))
      registration.mode = *known;
    else
      fields.wrong("mode", "must be push, polling or hybrid");
  }
  fields.labels("labels", registration.labels);
  if (fields.names("job_types", registration.job_types, limits::kMaxNameBytes))
    for (const std::string& job_type : registration.job_types)
      if (!is_job_type(job_type)) fields.wrong("job_types", "must hold job types only");
  fields.names("queues", registration.queues, limits::kMaxNameBytes);
  fields.integer("slots", registration.slots, 1, kMaxSlots);
  fields.name("version", registration.version, limits::kMaxNameBytes);
  fields.name("host", registration.host, limits::kMaxLabelBytes);
}

}  // namespace

std::string_view to_string(WorkerMode mode) { return kModes.at(static_cast<std::size_t>(mode)); }

std::optional<WorkerMode> worker_mode_from(std::string_view name) {
  for (std::size_t i = 0; i < kModes.size(); ++i)
    if (kModes[i] == name) return static_cast<WorkerMode>(i);
  return std::nullopt;
}

Decoded<Registration> decode_registration(std::string_view body) {
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  Registration registration;
  read_registration(fields, registration);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return registration;
}

std::string encode_registration(const Registration& registration) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object()
      .member("name", registration.name)
      .member("mode", to_string(registration.mode))
      .key("labels")
      .text_map(registration.labels)
      .key("job_types")
      .text_list(registration.job_types)
      .key("queues")
      .text_list(registration.queues)
      .key("slots")
      .integer(registration.slots);
  if (!registration.version.empty()) writer.member("version", registration.version);
  if (!registration.host.empty()) writer.member("host", registration.host);
  writer.end_object();
  return out;
}

std::string encode_registered(const Registered& answer) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object()
      .member("worker_id", answer.worker_id)
      .member("worker_token", answer.worker_token)
      .member("config_url", answer.config_url)
      .end_object();
  return out;
}

Result<Registered> decode_registered(std::string_view body) {
  Document document;
  if (auto parsed = document.parse(body); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  Registered answer;
  if (object != nullptr) {
    answer.worker_id = loose::text(*object, "worker_id");
    answer.worker_token = loose::text(*object, "worker_token");
    answer.config_url = loose::text(*object, "config_url");
  }
  if (answer.worker_token.empty())
    return fail(Errc::bad_request, "The answer holds no worker_token");
  return answer;
}

Decoded<Claim> decode_claim(std::string_view body) {
  if (body.empty()) return Claim{};
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  Claim claim;
  fields.integer("max", claim.max, 0, kMaxClaim);
  fields.seconds("wait_s", claim.wait_ms, 0, limits::kMaxWaitMs);
  claim.known = read_attempt_refs(fields, "known", errors);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return claim;
}

std::string encode_claim(const Claim& claim) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("max").integer(claim.max).key("wait_s").seconds(claim.wait_ms);
  if (!claim.known.empty()) write_attempt_refs(writer.key("known"), claim.known);
  writer.end_object();
  return out;
}

std::string encode_claimed(std::span<const std::string> jobs,
                           std::span<const std::string> updates) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("jobs").begin_array();
  for (const std::string& job : jobs) writer.raw(job);
  writer.end_array().key("updates").begin_array();
  for (const std::string& update : updates) writer.raw(update);
  writer.end_array().end_object();
  return out;
}

void encode_job(const Task& task, std::optional<WallTime> lease_expires_at, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object()
      .key("task_id")
      .id(task.task_id)
      .key("attempt")
      .integer(task.attempt)
      .key("payload")
      .raw_or_null(task.spec.payload)
      .key("timeout_s")
      .seconds_or_null(task.spec.timeout_ms)
      .key("interactive")
      .boolean(task.spec.interactive)
      .key("input_timeout_s")
      .seconds(task.spec.input_timeout_ms)
      .key("env")
      .text_map(task.spec.env)
      .key("lease_expires_at")
      .time_or_null(lease_expires_at)
      .key("inputs")
      .begin_array();
  for (const FileInfo& file : task.inputs)
    writer.begin_object()
        .member("name", file.name)
        .key("size_bytes")
        .integer(static_cast<std::int64_t>(file.size_bytes))
        .member("sha256", file.sha256)
        .end_object();
  writer.end_array().end_object();
}

Job job_of(const Task& task, std::optional<WallTime> lease_expires_at) {
  Job job;
  job.task_id = to_string(task.task_id);
  job.attempt = task.attempt;
  job.payload = task.spec.payload;
  job.job_type = task.spec.job_type;
  job.timeout_ms = task.spec.timeout_ms;
  job.interactive = task.spec.interactive;
  job.input_timeout_ms = task.spec.input_timeout_ms;
  job.env = task.spec.env;
  job.lease_expires_at = lease_expires_at;
  job.inputs = task.inputs;
  return job;
}

Result<Job> decode_job(std::string_view text) {
  Document document;
  if (auto parsed = document.parse(text); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  if (object == nullptr) return fail(Errc::bad_request, "The job is no JSON object");
  const loose::Object* payload = loose::object(*object, "payload");
  Job job;
  job.task_id = loose::text(*object, "task_id");
  if (payload != nullptr) job.job_type = loose::text(*payload, "job_type");
  if (job.task_id.empty() || job.task_id.size() > limits::kMaxLabelBytes ||
      !is_one_line(job.task_id))
    return fail(Errc::bad_request, "The job has no fit task_id");
  if (!is_job_type(job.job_type)) return fail(Errc::bad_request, "The job has no fit job_type");
  append_compact(job.payload, raw_member(text, "payload").value_or("{}"));
  job.attempt = static_cast<std::uint32_t>(loose::integer(*object, "attempt", 0));
  job.timeout_ms = loose::seconds(*object, "timeout_s");
  job.interactive = loose::flag(*object, "interactive");
  job.input_timeout_ms = loose::seconds(*object, "input_timeout_s").value_or(job.input_timeout_ms);
  job.env = loose::text_map(*object, "env");
  job.lease_expires_at = loose::time(*object, "lease_expires_at");
  job.inputs = loose::files(*object, "inputs");
  return job;
}

Result<std::vector<std::string_view>> job_texts(std::string_view body) {
  std::vector<std::string_view> texts;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return texts;
  if (auto checked = check_json(body); !checked) return checked.error();
  if (const auto list = raw_member(body, "jobs"); list && list->starts_with('['))
    texts = raw_elements(*list);
  const auto one = raw_member(body, "job");
  if (texts.empty() && one && one->starts_with('{')) texts.push_back(*one);
  if (texts.empty() && raw_member(body, "task_id")) texts.push_back(body);
  return texts;
}

Result<std::vector<Job>> decode_jobs(std::string_view body) {
  const auto texts = job_texts(body);
  if (!texts) return texts.error();
  std::vector<Job> jobs;
  for (const std::string_view text : *texts) {
    auto job = decode_job(text);
    if (!job) return job.error();
    jobs.push_back(std::move(*job));
  }
  return jobs;
}

}  // namespace tandem::wire
