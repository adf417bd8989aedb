#pragma once

#include <sys/types.h>

#include <array>

#include "exec/packet.h"

namespace tandem::exec {

// What the new process needs, ready before it exists: between clone and execve nothing is
// allocated. Every descriptor is ≥ 4, or −1.
struct SpawnPlan {
  char** argv = nullptr;
  char** envp = nullptr;
  const char* cwd = nullptr;
  std::array<int, 5> fds{-1, -1, -1, -1, -1};  // become 0 … 4; −1: there is no descriptor 3 or 4
  bool terminal = false;                       // descriptor 0 becomes the controlling terminal
  const LaunchFields* limits = nullptr;
  bool limit_address_space = false;  // memory_bytes as RLIMIT_AS: no cgroup does it
  bool limit_processes = false;      // processes as RLIMIT_NPROC: no cgroup does it
  int cgroup_fd = -1;                // the cgroup v2 directory to be born in, or −1
  int memory_procs_fd = -1;          // cgroup.procs of a v1 memory cgroup to join, or −1
};

struct SpawnOutcome {
  pid_t pid = -1;  // −1: `error` (errno) in `step`
  int error = 0;
  LaunchStep step = LaunchStep::clone;
};

// Starts the program in a new session, no open descriptor but 0–4, umask 022 and no way to gain
// privileges. Like vfork: the memory is shared and the caller waits for execve, so that a failure
// of any step is known here. The caller has one thread, no signal handler, and all its signals
// blocked.
SpawnOutcome spawn(const SpawnPlan& plan);

}  // namespace tandem::exec
