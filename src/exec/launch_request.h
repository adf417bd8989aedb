#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "exec/packet.h"
#include "exec/process.h"

namespace tandem::exec {

// The server's ends of what the job reads and writes; absent: −1.
struct Process::Ends {
  UniqueFd stdin_fd, stdout_fd, stderr_fd, control_fd;
  bool pty = false;
};

// A ProcessSpec as it is sent to a shepherd.
struct LaunchRequest {
  PacketHead head{.kind = PacketKind::launch};
  std::string text;
  std::vector<UniqueFd> jobs_ends;
  Process::Ends our_ends;

  // Checks `spec` (validation_failed) and opens pipes or a terminal (internal).
  static Result<LaunchRequest> make(ProcessSpec& spec);
  std::vector<int> fds() const;
};

// The sentence for a launch that failed with errno `error` in `step`.
Error launch_failure(LaunchStep step, int error);

}  // namespace tandem::exec
