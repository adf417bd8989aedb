#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/task.h"
#include "wire/update_json.h"
#include "wire/worker_json.h"

// How a job of a service and the task that it is here know each other. Pure.
namespace tandem::upstream {

// What a service calls a job. One that numbers no attempts has attempt 0.
struct ForeignJob {
  std::string task_id;
  std::uint32_t attempt = 0;
  auto operator<=>(const ForeignJob&) const = default;
};

// Where the end of such a task is owed to, as its callback_url; no client can give one like it.
inline constexpr std::string_view kReportScheme = "upstream:";
std::string report_url(const ForeignJob& job);
std::optional<ForeignJob> job_of_report_url(std::string_view url);

// Labels of such tasks: whose they are, and what they are called there.
inline constexpr char kServiceLabel[] = "upstream", kJobLabel[] = "upstream_task";
// The service behind a configuration's address, as in kServiceLabel: without what may be a secret.
std::string service_name(std::string_view config_url);

struct Origin {
  std::string service;  // its name
  std::string queue;    // that its jobs go to
};
// The task that a job is; held to the same bounds as one that a client submits. Errors:
// validation_failed, with all that is wrong.
Result<TaskSpec> spec_of(const wire::Job& job, const Origin& origin);
// The same for a job each time that it is handed out.
std::string idempotency_key_of(const ForeignJob& job, const std::string& service);

// What there is to say of a task under its name there.
wire::Update update_of(const Task& task, const ForeignJob& job);

}  // namespace tandem::upstream
