#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/task.h"
#include "wire/decoded.h"
#include "wire/update_json.h"

// The bodies between a server and its workers. decode_* of a request is strict, as for any body
// from outside; decode_* of an answer is tolerant, because a foreign service may say less or more.
namespace tandem::wire {

enum class WorkerMode : std::uint8_t { push, polling, hybrid };
std::string_view to_string(WorkerMode mode);
std::optional<WorkerMode> worker_mode_from(std::string_view name);

struct Registration {
  std::string name;
  WorkerMode mode = WorkerMode::hybrid;
  Labels labels;
  std::vector<std::string> job_types, queues;  // empty: any
  int slots = 1;                               // 1..1000
  std::string version, host;
};
Decoded<Registration> decode_registration(std::string_view body);
std::string encode_registration(const Registration& registration);

struct Registered {
  std::string worker_id, worker_token, config_url;
};
std::string encode_registered(const Registered& answer);
Result<Registered> decode_registered(std::string_view body);

// POST …/claim
struct Claim {
  int max = 1;                    // 0..100; 0: only for news of the worker's own tasks
  std::int64_t wait_ms = 0;       // 0..kMaxWaitMs
  std::vector<AttemptRef> known;  // offers that it has: they are not given again
};
Decoded<Claim> decode_claim(std::string_view body);
std::string encode_claim(const Claim& claim);

// The answer to a claim: {"jobs": […], "updates": […]}. Each job is what encode_job wrote, each
// update what encode_update_answer wrote.
std::string encode_claimed(std::span<const std::string> jobs, std::span<const std::string> updates);

// What a worker is given to run. Ids are text: a foreign service has its own form.
struct Job {
  std::string task_id;
  std::uint32_t attempt = 0;  // 0: the service numbers none
  std::string payload;        // JSON object, compact
  std::string job_type;
  std::optional<std::int64_t> timeout_ms;
  bool interactive = false;
  std::int64_t input_timeout_ms = 180'000;
  std::map<std::string, std::string> env;
  std::optional<WallTime> lease_expires_at;
  std::vector<FileInfo> inputs;
};
void encode_job(const Task& task, std::optional<WallTime> lease_expires_at, std::string& out);
Job job_of(const Task& task, std::optional<WallTime> lease_expires_at);
// Takes a bare {"task_id", "payload"} too. Errors: bad_json, bad_request.
Result<Job> decode_job(std::string_view text);
// {"jobs": […]}, {"job": {…}|null}, a bare job, or an empty text: the texts of all of the jobs in
// it, fit for decode_job or not. Errors: bad_json.
Result<std::vector<std::string_view>> job_texts(std::string_view body);
// The same, decoded: all or none.
Result<std::vector<Job>> decode_jobs(std::string_view body);

// GET …/config
struct PollingConfig {
  std::string registration_url, polling_url, job_update_url, status_schema_url;
  std::string claim_url, websocket_url, push_url;  // empty: the service has none
  std::string auth_method = "bearer_token", auth_header = "Authorization", auth_prefix = "Bearer";
  std::int64_t interval_ms = 5000, max_wait_ms = 30'000, lease_ms = 30'000, heartbeat_ms = 10'000,
               accept_timeout_ms = 15'000, reconnect_ms = 1500;
  std::string config_version;
};
// The members of the configuration, then `job` (the first or null) and `jobs`. Each of `jobs` is
// what encode_job wrote.
std::string encode_polling_config(const PollingConfig& config, std::span<const std::string> jobs);
// What is missing keeps its default; polling_url alone is needed. Errors: bad_json, bad_request.
Result<PollingConfig> decode_polling_config(std::string_view body);

}  // namespace tandem::wire
