#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/limits.h"
#include "config/worker_file.h"
#include "exec/process.h"
#include "worker/secret_mask.h"

namespace tandem::worker {

using limits::kMaxJobProcesses;

// How the jobs of one type are run: what the worker's file says, made ready, with the built-in
// bounds where it says nothing.
struct JobRules {
  JobRules() : JobRules(config::JobRules(), std::nullopt) {}
  // `processes`: the built-in limit, where this system can hold it.
  JobRules(config::JobRules given, std::optional<std::uint64_t> processes);

  std::optional<std::int64_t> timeout_ms;  // at most
  std::map<std::string, std::string> env;  // secrets included; no task may set these
  exec::ProcessLimits limits;
  std::uint64_t log_bytes = 0, output_bytes = 0;
  std::optional<exec::ProcessUser> user;
  bool network = true;
  std::shared_ptr<const SecretMask> mask;  // null: there are no secrets

  // Without the secrets.
  std::string masked(std::string text) const { return mask ? mask->masked_text(text) : text; }
  // The shorter one of the task's and the rules'.
  std::optional<std::int64_t> timeout_of(const std::optional<std::int64_t>& task_ms) const;
};

}  // namespace tandem::worker
