#include "upstream/foreign_job.h"

#include <charconv>

#include "base/limits.h"
#include "blobs/sha256.h"
#include "wire/task_json.h"

namespace tandem::upstream {
namespace {

wire::UpdateStatus status_of(TaskStatus status) {
  switch (status) {
    case TaskStatus::waiting_for_input: return wire::UpdateStatus::waiting_for_input;
    case TaskStatus::completed: return wire::UpdateStatus::completed;
    case TaskStatus::failed: return wire::UpdateStatus::failed;
    case TaskStatus::cancelled: return wire::UpdateStatus::cancelled;
    default: return wire::UpdateStatus::running;
  }
}

std::string sentence_of(const wire::Rejection& rejection) {
  std::string sentence = "The job can't be run here";
  for (const wire::FieldError& field : rejection.fields)
    sentence += "; " + field.field + " " + field.message;
  return rejection.fields.empty() ? rejection.error.detail : sentence;
}

}  // namespace

std::string report_url(const ForeignJob& job) {
  return std::string(kReportScheme) + std::to_string(job.attempt) + ":" + job.task_id;
}

std::optional<ForeignJob> job_of_report_url(std::string_view url) {
  if (!url.starts_with(kReportScheme)) return std::nullopt;
  url.remove_prefix(kReportScheme.size());
  ForeignJob job;
  const char* const end = url.data() + url.size();
  const auto [rest, error] = std::from_chars(url.data(), end, job.attempt);
  if (error != std::errc() || rest == end || *rest != ':' || rest + 1 == end) return std::nullopt;
  job.task_id.assign(rest + 1, end);
  return job;
}

std::string service_name(std::string_view config_url) {
  if (const auto scheme = config_url.find("://"); scheme != std::string_view::npos)
    config_url.remove_prefix(scheme + 3);
  config_url = config_url.substr(0, config_url.find_first_of("?#"));
  if (const auto user = config_url.rfind('@', config_url.find('/')); user != std::string_view::npos)
    config_url.remove_prefix(user + 1);
  return std::string(config_url.substr(0, limits::kMaxLabelBytes));
}

Result<TaskSpec> spec_of(const wire::Job& job, const Origin& origin) {
  if (!job.inputs.empty())
    return fail(Errc::validation_failed,
                "The job has input files, which can't be fetched from here");
  TaskSpec asked;
  asked.payload = job.payload;
  asked.job_type = job.job_type;
  asked.queue = origin.queue;
  asked.timeout_ms = job.timeout_ms;
  asked.env = job.env;
  asked.labels = {{kServiceLabel, origin.service}, {kJobLabel, job.task_id}};
  std::string body;
  wire::encode_spec(asked, body);
  auto spec = wire::decode_submit(body);  // which knows every bound
  if (!spec) return fail(Errc::validation_failed, sentence_of(spec.error()));
  spec->callback_url = report_url({job.task_id, job.attempt});
  return std::move(*spec);
}

std::string idempotency_key_of(const ForeignJob& job, const std::string& service) {
  blobs::Sha256 digest;
  digest.add(service + "\n" + std::to_string(job.attempt) + "\n" + job.task_id);
  return std::string(kReportScheme) + digest.hex_digest();
}

wire::Update update_of(const Task& task, const ForeignJob& job) {
  wire::Update update;
  update.task_id = job.task_id;
  update.attempt = job.attempt;
  update.status = status_of(task.status);
  if (task.progress != Progress{}) update.progress = task.progress;
  update.input_request = task.input_request;
  // Another attempt there is another task here, whose attempts begin at 1 again.
  if (update.input_request)
    update.input_request->request_id.insert(0, std::to_string(job.attempt) + '-');
  if (!is_terminal(task.status)) return update;
  update.result = task.result;
  update.error = task.error;
  update.exit_code = task.exit_code;
  update.signal = task.signal;
  return update;
}

}  // namespace tandem::upstream
