#include "exec/spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

// The child runs on the parent's memory: instrumentation that keeps state there must stay out.
#define TANDEM_BARE __attribute__((no_sanitize("address", "undefined"), noinline))

namespace tandem::exec {

namespace {
struct Child {
  const SpawnPlan* plan;
  volatile int error = 0;
  volatile LaunchStep step = LaunchStep::clone;
};

constexpr std::size_t kStackBytes = 64 * 1024;
alignas(16) char child_stack[kStackBytes];

// What lies above a limit that is there already stays there. SIGXCPU comes a second before the end.
TANDEM_BARE bool limit(int resource, std::uint64_t value, std::uint64_t beyond = 0) {
  if (value == kNoLimit) return true;
  const auto which = static_cast<__rlimit_resource>(resource);
  rlimit current{};
  if (::getrlimit(which, &current) != 0) return false;
  const rlimit wanted{value < current.rlim_max ? value : current.rlim_max,
                      value + beyond < current.rlim_max ? value + beyond : current.rlim_max};
  return ::setrlimit(which, &wanted) == 0;
}

TANDEM_BARE bool apply_limits(const SpawnPlan& plan) {
  const LaunchFields& limits = *plan.limits;
  if (plan.memory_procs_fd >= 0 && ::write(plan.memory_procs_fd, "0", 1) != 1) return false;
  const std::uint64_t space = plan.limit_address_space ? limits.memory_bytes : kNoLimit;
  const std::uint64_t processes = plan.limit_processes ? limits.processes : kNoLimit;
  return limit(RLIMIT_CORE, 0) && limit(RLIMIT_AS, space) && limit(RLIMIT_CPU, limits.cpu_s, 1) &&
         limit(RLIMIT_NOFILE, limits.open_files) && limit(RLIMIT_NPROC, processes) &&
         limit(RLIMIT_FSIZE, limits.file_bytes);
}

// Nothing but a loopback of its own.
TANDEM_BARE bool leave_network() {
  if (::unshare(CLONE_NEWNET) != 0) return false;
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return true;  // a kernel without IPv4
  ifreq loopback{};
  loopback.ifr_name[0] = 'l';
  loopback.ifr_name[1] = 'o';
  loopback.ifr_flags = IFF_UP;
  const bool is_up = ::ioctl(socket, SIOCSIFFLAGS, &loopback) == 0;
  ::close(socket);
  return is_up;
}

// The bare calls: glibc's would look for other threads in the memory that is not ours.
TANDEM_BARE bool become_user(const SpawnPlan& plan) {
  const LaunchFields& who = *plan.limits;
  if (plan.terminal && ::fchown(0, who.uid, who.gid) != 0) return false;
  return ::syscall(SYS_setgroups, 1, &who.gid) == 0 &&
         ::syscall(SYS_setresgid, who.gid, who.gid, who.gid) == 0 &&
         ::syscall(SYS_setresuid, who.uid, who.uid, who.uid) == 0;
}

TANDEM_BARE bool place_descriptors(const SpawnPlan& plan) {
  const int* sources = plan.fds.data();
  // Only marked: a failing execve must leave the step's errno to be told, and execve closes them.
  if (::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) != 0) return false;
  for (int fd = 0; fd < 5; ++fd) {
    if (sources[fd] == fd && ::fcntl(fd, F_SETFD, 0) != 0) return false;
    if (sources[fd] >= 0 && ::dup2(sources[fd], fd) < 0) return false;
  }
  return true;
}

TANDEM_BARE void give_up(Child& child, LaunchStep step) {
  child.error = errno;
  child.step = step;
  ::_exit(127);
}

TANDEM_BARE int run_child(void* argument) {
  Child& child = *static_cast<Child*>(argument);
  const SpawnPlan& plan = *child.plan;
  ::setsid();
  ::umask(022);
  if (plan.limits->no_network && !leave_network()) give_up(child, LaunchStep::network);
  if (!apply_limits(plan)) give_up(child, LaunchStep::limits);
  if (!place_descriptors(plan)) give_up(child, LaunchStep::descriptors);
  if (plan.terminal && ::ioctl(0, TIOCSCTTY, 0) != 0) give_up(child, LaunchStep::terminal);
  if (plan.limits->change_user && !become_user(plan)) give_up(child, LaunchStep::user);
  if (::chdir(plan.cwd) != 0) give_up(child, LaunchStep::directory);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.argv[0], plan.argv, plan.envp);
  give_up(child, LaunchStep::program);
  return 127;
}

#if defined(__x86_64__)
// glibc has no clone3 for programs, and only clone3 puts a child in its cgroup at birth: joining
// later costs a grace period of RCU.
TANDEM_BARE long clone_into(clone_args* arguments, Child* child) {
  long result = SYS_clone3;
  register void* function __asm__("r12") = reinterpret_cast<void*>(&run_child);
  register void* argument __asm__("r13") = child;
  __asm__ volatile(
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %%r13, %%rdi\n"
      "call *%%r12\n"
      "hlt\n"
      "1:\n"
      : "+a"(result)
      : "D"(arguments), "S"(sizeof *arguments), "r"(function), "r"(argument)
      : "rcx", "r11", "memory", "cc");
  return result;
}
#endif
}  // namespace

SpawnOutcome spawn(const SpawnPlan& plan) {
  Child child{&plan};
  long pid = -1;
  if (plan.cgroup_fd >= 0) {
#if defined(__x86_64__)
    clone_args arguments{};
    arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP;
    arguments.exit_signal = SIGCHLD;
    arguments.stack = reinterpret_cast<std::uintptr_t>(child_stack);
    arguments.stack_size = kStackBytes;
    arguments.cgroup = static_cast<std::uint64_t>(plan.cgroup_fd);
    pid = clone_into(&arguments, &child);
    if (pid < 0) errno = static_cast<int>(-pid);
#else
    errno = ENOSYS;  // the guard does not offer cgroups then
#endif
  } else {
    pid = ::clone(run_child, child_stack + kStackBytes, CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
  }
  if (pid < 0) return {-1, errno, LaunchStep::clone};
  if (child.error == 0) return {static_cast<pid_t>(pid), 0, LaunchStep::program};
  ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return {-1, child.error, child.step};
}

}  // namespace tandem::exec
