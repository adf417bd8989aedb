#include "worker/process_outcome.h"

#include <fmt/format.h>
#include <csignal>
#include <cstring>

namespace tandem::worker {
namespace {

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("{} (SIG{})", signal, name) : std::to_string(signal);
}

double seconds(std::int64_t ms) { return static_cast<double>(ms) / 1000; }

// What a signal meant, where a limit has sent it.
std::string why_killed(int signal, const exec::ProcessLimits& limits) {
  if (signal == SIGXCPU && limits.cpu_s)
    return fmt::format(" It had used its {} s of CPU time.", *limits.cpu_s);
  if (signal == SIGXFSZ && limits.file_bytes)
    return fmt::format(" A file of it grew beyond {} bytes.", *limits.file_bytes);
  return {};
}

Outcome by_itself(const exec::ExitTruth& truth, const exec::ProcessLimits& limits) {
  if (truth.lost)
    return failed(error_code::kWorkerLost, "The process that watched over the job was killed.");
  // A job that has got over the loss of a process, and says that all is well, is believed.
  if (truth.out_of_memory && truth.exit_code != 0)
    return failed(error_code::kOutOfMemory,
                  limits.memory_bytes ? fmt::format("The job needed more memory than its {} bytes.",
                                                    *limits.memory_bytes)
                                      : std::string("The job needed more memory than there was."));
  if (truth.signal != 0)
    return failed(error_code::kSignal,
                  fmt::format("The job was killed by signal {}.", signal_name(truth.signal)) +
                      why_killed(truth.signal, limits));
  const int exit_code = truth.exit_code.value_or(0);
  if (exit_code != 0)
    return failed(error_code::kExitStatus,
                  fmt::format("The job ended with exit status {}.", exit_code));
  return {};
}

}  // namespace

Outcome outcome_of(const exec::ExitTruth& truth, StopReason reason, const JobBounds& bounds) {
  Outcome outcome;
  switch (reason) {
    case StopReason::none: outcome = by_itself(truth, bounds.limits); break;
    case StopReason::cancelled: outcome.ending = Ending::cancelled; break;
    case StopReason::timeout:
      outcome = failed(
          error_code::kTimeout,
          fmt::format("The task ran longer than its timeout of {} s.", seconds(bounds.timeout_ms)));
      break;
    case StopReason::input_timeout:
      outcome = failed(error_code::kInputTimeout,
                       fmt::format("Nobody answered the task's question within {} s.",
                                   seconds(bounds.input_timeout_ms)));
      break;
  }
  outcome.exit_code = truth.exit_code;
  if (truth.signal != 0) outcome.signal = truth.signal;
  return outcome;
}

}  // namespace tandem::worker
