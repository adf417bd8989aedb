#include "worker/job_rules.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/limits.h"

namespace tandem::worker {

JobRules::JobRules(config::JobRules given, std::optional<std::uint64_t> processes)
    : timeout_ms(given.timeout_ms), env(std::move(given.env)), network(given.network) {
  const config::JobLimits& bounds = given.limits;
  limits.memory_bytes = bounds.memory_bytes;
  limits.processes = bounds.processes ? bounds.processes : processes;
  limits.cpu_s = bounds.cpu_s;
  limits.open_files = bounds.open_files;
  limits.file_bytes = bounds.file_bytes;
  log_bytes = bounds.log_bytes.value_or(limits::kMaxLogBytesPerAttempt);
  output_bytes = bounds.output_bytes.value_or(limits::kMaxOutputBytes);
  if (given.user) user = exec::ProcessUser{given.user->uid, given.user->gid};
  std::vector<std::string> secrets;
  for (auto& [name, value] : given.secrets) {
    secrets.push_back(value);
    env[name] = std::move(value);
  }
  if (!secrets.empty()) mask = std::make_shared<const SecretMask>(secrets);
}

std::optional<std::int64_t> JobRules::timeout_of(const std::optional<std::int64_t>& task_ms) const {
  if (!task_ms || !timeout_ms) return task_ms ? task_ms : timeout_ms;
  return std::min(*task_ms, *timeout_ms);
}

}  // namespace tandem::worker
