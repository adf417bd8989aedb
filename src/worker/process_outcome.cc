#include "worker/process_outcome.h"

#include <fmt/format.h>
#include <cstring>

namespace tandem::worker {
namespace {

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("{} (SIG{})", signal, name) : std::to_string(signal);
}

double seconds(std::int64_t ms) { return static_cast<double>(ms) / 1000; }

Outcome by_itself(const exec::ExitTruth& truth) {
  if (truth.lost)
    return failed(error_code::kWorkerLost, "The process that watched over the job was killed.");
  if (truth.out_of_memory)
    return failed(error_code::kOutOfMemory, "The job needed more memory than there was.");
  if (truth.signal != 0)
    return failed(error_code::kSignal,
                  fmt::format("The job was killed by signal {}.", signal_name(truth.signal)));
  const int exit_code = truth.exit_code.value_or(0);
  if (exit_code != 0)
    return failed(error_code::kExitStatus,
                  fmt::format("The job ended with exit status {}.", exit_code));
  return {};
}

}  // namespace

Outcome outcome_of(const exec::ExitTruth& truth, StopReason reason, const TaskSpec& spec) {
  Outcome outcome;
  switch (reason) {
    case StopReason::none: outcome = by_itself(truth); break;
    case StopReason::cancelled: outcome.ending = Ending::cancelled; break;
    case StopReason::timeout:
      outcome =
          failed(error_code::kTimeout, fmt::format("The task ran longer than its timeout of {} s.",
                                                   seconds(spec.timeout_ms.value_or(0))));
      break;
    case StopReason::input_timeout:
      outcome = failed(error_code::kInputTimeout,
                       fmt::format("Nobody answered the task's question within {} s.",
                                   seconds(spec.input_timeout_ms)));
      break;
  }
  outcome.exit_code = truth.exit_code;
  if (truth.signal != 0) outcome.signal = truth.signal;
  return outcome;
}

}  // namespace tandem::worker
