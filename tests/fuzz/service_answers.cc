// What a service that is polled may answer: its configuration, its words for how a job is, jobs,
// answers to updates, problems. It may be anybody's, and say anything.
#include <array>

#include "base/limits.h"
#include "service/receipts.h"
#include "service/retry_after.h"
#include "service/terms.h"
#include "tests/fuzz/decoded.h"
#include "upstream/foreign_job.h"
#include "wire/problem.h"
#include "wire/task_json.h"

namespace tandem::fuzz {
namespace {

constexpr std::int64_t kIntervalMs = 5000, kLeastIntervalMs = 20;
constexpr std::array kStatuses = {
    wire::UpdateStatus::running,   wire::UpdateStatus::waiting_for_input,
    wire::UpdateStatus::completed, wire::UpdateStatus::failed,
    wire::UpdateStatus::cancelled, wire::UpdateStatus::released};

void check_duration(std::int64_t ms) { TANDEM_ASSERT(ms >= 0 && ms <= limits::kMaxDurationMs); }

void check_terms(const service::Terms& terms) {
  TANDEM_ASSERT(terms.headers().fields().size() == 1);
  const std::string url = terms.task_url("../a b", "logs");
  TANDEM_ASSERT(url.ends_with("/tasks/..%2Fa%20b/logs"));
  const auto call = service::json_call(terms, terms.update_url(), "{}");
  TANDEM_ASSERT(call.timeout_ms >= 1000 && call.timeout_ms <= 20'000);
}

void check_config(std::string_view input) {
  const auto config = service::read_config(input, kIntervalMs);
  if (!config) {
    const Errc code = config.error().code;
    TANDEM_ASSERT(code == Errc::bad_json || code == Errc::bad_request);
    return;
  }
  TANDEM_ASSERT(wire::check_json(input));
  TANDEM_ASSERT(!config->polling_url.empty() && !config->job_update_url.empty());
  TANDEM_ASSERT(config->interval_ms >= kLeastIntervalMs);
  for (const std::int64_t ms :
       {config->interval_ms, config->max_wait_ms, config->lease_ms, config->heartbeat_ms,
        config->accept_timeout_ms, config->reconnect_ms})
    check_duration(ms);
  const auto again = service::read_config(wire::encode_polling_config(*config, {}), 1);
  TANDEM_ASSERT(again && service::is_same(*again, *config));
  check_terms({.config = *config, .token = "token", .statuses = {}});
}

// Whatever its words are, an update in them is JSON that says the word.
void check_words(std::string_view input) {
  const auto words = service::StatusNames::of_schema(input);
  const bool is_json = wire::check_json(input).has_value();
  TANDEM_ASSERT(is_json || words == service::StatusNames());
  for (const wire::UpdateStatus status : kStatuses) {
    const std::string_view word = words.name_of(status);
    TANDEM_ASSERT(!word.empty());
    std::string update;
    wire::encode_update({.task_id = "1", .attempt = 1, .status = status}, update, word);
    TANDEM_ASSERT(wire::check_json(update));
    TANDEM_ASSERT(wire::string_member(update, "status") == word);
  }
}

// A job that is taken is a task that could have been submitted, and its end finds the way back.
void check_job(const wire::Job& job) {
  TANDEM_ASSERT(!job.task_id.empty() && job.task_id.size() <= limits::kMaxLabelBytes);
  TANDEM_ASSERT(!job.job_type.empty() && job.job_type.size() <= limits::kMaxNameBytes);
  TANDEM_ASSERT(job.payload.starts_with('{') && wire::check_json(job.payload));
  if (const auto said = wire::raw_member(job.payload, "job_type"); said && said->starts_with('"'))
    TANDEM_ASSERT(wire::raw_string(*said) == job.job_type);
  if (job.timeout_ms) check_duration(*job.timeout_ms);
  check_duration(job.input_timeout_ms);
  const upstream::ForeignJob name{job.task_id, job.attempt};
  TANDEM_ASSERT(upstream::job_of_report_url(upstream::report_url(name)) == name);
  const auto spec = upstream::spec_of(job, {.service = "service", .queue = "default"});
  if (!spec) {
    TANDEM_ASSERT(spec.error().code == Errc::validation_failed && !spec.error().detail.empty());
    return;
  }
  TANDEM_ASSERT(spec->job_type == job.job_type);
  TANDEM_ASSERT(upstream::job_of_report_url(spec->callback_url) == name);
}

void check_jobs(std::string_view input) {
  const auto texts = wire::job_texts(input);
  const auto jobs = wire::decode_jobs(input);
  if (!texts) {
    TANDEM_ASSERT(texts.error().code == Errc::bad_json && !jobs);
    return;
  }
  std::size_t fit = 0;
  for (const std::string_view text : *texts) {
    const auto job = wire::decode_job(text);
    if (!job) continue;
    ++fit;
    check_job(*job);
  }
  TANDEM_ASSERT(jobs.has_value() == (fit == texts->size()));  // all or none
  if (jobs) TANDEM_ASSERT(jobs->size() == texts->size());
}

void check_problem(std::string_view input) {
  const wire::Problem problem = wire::decode_problem(input, Errc::store_unavailable);
  TANDEM_ASSERT(!to_string(problem.error.code).empty());
  net::HttpAnswer refusal{.status = 503, .headers = {}, .body = {}};
  refusal.headers.set("Retry-After", std::string(input.substr(0, 64)));
  const std::int64_t pause_ms = service::retry_after_ms(refusal);
  TANDEM_ASSERT(pause_ms >= 0 && pause_ms <= service::kLongestAskedMs);
}

// What is no JSON of ours is no receipt; another's service may say what it likes.
void check_receipts(std::string_view input) {
  const std::array told = {wire::AttemptRef{"1", 1}, wire::AttemptRef{"2", 1}};
  service::Terms terms;
  for (const auto& answer : service::answers_to(terms, told, input)) TANDEM_ASSERT(answer);
  terms.config.config_version = "1";
  const auto answers = service::answers_to(terms, told, input);
  TANDEM_ASSERT(answers.size() == told.size());
  const bool is_json = wire::check_json(input).has_value();
  for (std::size_t i = 0; i < told.size(); ++i)
    TANDEM_ASSERT(!answers[i] || (is_json && answers[i]->task_id == told[i].task_id));
  TANDEM_ASSERT(is_json || !service::committed_in(input));
  TANDEM_ASSERT(is_json || !service::has_stored(input, {.name = "a"}));
}

}  // namespace

void check(std::string_view input) {
  check_config(input);
  check_words(input);
  check_jobs(input);
  check_problem(input);
  check_receipts(input);
  if (const auto answers = wire::decode_update_answers(input))
    TANDEM_ASSERT(wire::check_json(wire::encode_update_answers(*answers)));
  if (const auto registered = wire::decode_registered(input))
    TANDEM_ASSERT(!registered->worker_token.empty());
}

}  // namespace tandem::fuzz
