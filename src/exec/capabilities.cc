#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "exec/capabilities.h"

namespace tandem::exec {

namespace {
bool may(int capability) {
  __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &head, sets.data()) != 0) return false;
  return (sets[0].effective >> capability & 1) != 0;
}

// A container may refuse what the capability would allow, so it is tried.
bool can_leave_network() {
  if (!may(CAP_SYS_ADMIN)) return false;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(::unshare(CLONE_NEWNET) == 0 ? 0 : 1);
  int status = 1;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && status == 0;
}
}  // namespace

void look_at_isolation(Capabilities& found) {
  found.other_users = may(CAP_SETUID) && may(CAP_SETGID);
  found.no_network = can_leave_network();
}

void say_what_is_missing(Capabilities& found) {
  const auto miss = [&found](bool is_there, const char* sentence) {
    if (!is_there) found.missing.emplace_back(sentence);
  };
  miss(found.containment == Containment::cgroup,
       "No writable cgroup v2 with cgroup.kill: the processes of a job are found by lineage.");
  miss(found.memory_limit,
       "No writable memory cgroup: a memory limit bounds the address space of each process.");
  miss(found.process_limit,
       "No writable pids cgroup: a limit on processes counts all of the job's user, and does not "
       "hold for root.");
  miss(found.other_users, "This process may not change users: jobs run as its own user.");
  miss(found.no_network, "No network namespaces: jobs cannot be cut off the network.");
}

std::int64_t Capabilities::bits() const {
  return (containment == Containment::cgroup ? 1 : 0) | (memory_limit ? 2 : 0) |
         (process_limit ? 4 : 0) | (other_users ? 8 : 0) | (no_network ? 16 : 0);
}

void Capabilities::set_bits(std::int64_t bits) {
  containment = (bits & 1) != 0 ? Containment::cgroup : Containment::lineage;
  memory_limit = (bits & 2) != 0;
  process_limit = (bits & 4) != 0;
  other_users = (bits & 8) != 0;
  no_network = (bits & 16) != 0;
}

}  // namespace tandem::exec
