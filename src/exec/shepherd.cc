#include "exec/shepherd.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <utility>

#include "exec/process_tree.h"

namespace tandem::exec {

namespace {
constexpr int kGuardDied = SIGUSR2;   // the parent-death signal
constexpr int kMaxKillRounds = 2000;  // about 10 s
constexpr std::int64_t kOomBaselineAgeMs = 1000;

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

std::int64_t to_ms(const timeval& time) { return time.tv_sec * 1000 + time.tv_usec / 1000; }

std::uint64_t machine_oom_kills() {
  std::ifstream vmstat("/proc/vmstat");
  std::string name;
  std::uint64_t count = 0;
  while (vmstat >> name >> count) {
    if (name == "oom_kill") return count;
  }
  return 0;
}

// `text` holds NUL-ended strings one behind the other.
std::vector<char*> split(std::string& text) {
  std::vector<char*> parts;
  for (std::size_t at = 0; at < text.size(); at = text.find('\0', at) + 1) {
    parts.push_back(text.data() + at);
  }
  return parts;
}

bool read_text(int file, std::string& text) {
  const off_t size = ::lseek(file, 0, SEEK_END);
  if (size < 0) return false;
  text.resize(static_cast<std::size_t>(size));
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t part =
        ::pread(file, text.data() + got, text.size() - got, static_cast<off_t>(got));
    if (part <= 0) return false;
    got += static_cast<std::size_t>(part);
  }
  return true;
}
}  // namespace

ShepherdLoop::ShepherdLoop(UniqueFd socket, JobCgroup cgroup, pid_t guard)
    : socket_(std::move(socket)), cgroup_(std::move(cgroup)) {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGCHLD);
  ::sigaddset(&wanted, kGuardDied);
  signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  ::prctl(PR_SET_NAME, "tandem-shepherd");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_PDEATHSIG, kGuardDied);
  if (::getppid() != guard) owner_is_gone_ = true;
}

void ShepherdLoop::run() {
  while (!owner_is_gone_ || is_busy()) {
    if (is_busy() && (main_ended_ || owner_is_gone_ || now_ms() >= kill_at_ms_)) kill_round();
    wait_for_event();
    read_signals();
    if (is_busy()) reap();
    if (!owner_is_gone_) read_packets();
  }
}

void ShepherdLoop::wait_for_event() {
  std::array<pollfd, 2> sources{pollfd{signals_.get(), POLLIN, 0},
                                pollfd{owner_is_gone_ ? -1 : socket_.get(), POLLIN, 0}};
  std::int64_t timeout_ms = -1;
  if (kill_rounds_ > 0) {
    timeout_ms = std::min(1 + kill_rounds_ / 4, 5);
  } else if (is_busy() && kill_at_ms_ != INT64_MAX) {
    timeout_ms = std::clamp<std::int64_t>(kill_at_ms_ - now_ms(), 0, 3'600'000);
  }
  if (owner_is_gone_ && !is_busy()) timeout_ms = 0;
  ::poll(sources.data(), sources.size(), static_cast<int>(timeout_ms));
}

void ShepherdLoop::read_signals() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    if (static_cast<int>(signal.ssi_signo) == kGuardDied) owner_is_gone_ = true;
  }
}

void ShepherdLoop::read_packets() {
  Packet packet;
  Received received = Received::packet;
  while ((received = receive_packet(socket_.get(), packet)) == Received::packet) handle(packet);
  if (received == Received::closed) owner_is_gone_ = true;
}

void ShepherdLoop::handle(Packet& packet) {
  if (packet.head.kind == PacketKind::launch) {
    launch(packet);
    return;
  }
  if (!is_busy()) return;  // it crossed the report of the exit
  const std::int64_t at_ms = now_ms() + packet.head.value;
  if (packet.head.kind == PacketKind::kill_after) kill_at_ms_ = at_ms;
  if (packet.head.kind == PacketKind::terminate) {
    kill_at_ms_ = std::min(kill_at_ms_, at_ms);
    if (packet.head.value > 0) signal_job(SIGTERM);
  }
}

void ShepherdLoop::launch(Packet& packet) {
  LaunchFields& fields = packet.head.launch;
  PacketHead answer{.kind = PacketKind::launched};
  const std::size_t wanted = 3u + fields.control + fields.input + fields.text_in_file;
  std::string& text = packet.text;
  const bool whole = !is_busy() && packet.fds.size() == wanted &&
                     (!fields.text_in_file || read_text(packet.fds.back().get(), text));
  std::vector<char*> strings = whole ? split(text) : std::vector<char*>();
  if (strings.size() != 1u + fields.argc + fields.envc) {
    answer.error = EPROTO;
    send_packet(socket_.get(), answer);
    return;
  }
  std::vector<char*> argv(strings.begin() + 1, strings.begin() + 1 + fields.argc);
  std::vector<char*> envp(strings.begin() + 1 + fields.argc, strings.end());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  SpawnPlan plan{.argv = argv.data(),
                 .envp = envp.data(),
                 .cwd = strings[0],
                 .terminal = fields.pty,
                 .limits = &fields};
  for (std::size_t i = 0; i < 3u + fields.control; ++i) plan.fds[i] = packet.fds[i].get();
  if (fields.input) plan.fds[4] = packet.fds[3u + fields.control].get();
  set_up_limits(plan);
  oom_score_.raise();
  const SpawnOutcome outcome = spawn(plan);
  oom_score_.restore();
  packet.fds.clear();
  answer.value = outcome.pid;
  answer.error = static_cast<std::uint32_t>(outcome.error);
  answer.step = outcome.step;
  if (outcome.pid > 0) {
    main_ = outcome.pid;
    main_ended_ = false;
    exit_ = {};
    kill_at_ms_ = fields.kill_at_ms;
    kill_rounds_ = 0;
  }
  send_packet(socket_.get(), answer);
}

void ShepherdLoop::set_up_limits(SpawnPlan& plan) {
  const auto given = [](std::uint64_t limit) {
    return limit == kNoLimit ? std::optional<std::uint64_t>() : limit;
  };
  has_memory_limit_ = cgroup_.limit_memory(given(plan.limits->memory_bytes));
  plan.limit_address_space = !has_memory_limit_;
  plan.limit_processes = !cgroup_.limit_processes(given(plan.limits->processes));
  plan.cgroup_fd = cgroup_.directory_fd();
  plan.memory_procs_fd = cgroup_.memory_procs_fd();
  const std::int64_t now = now_ms();
  if (has_memory_limit_ || now - machine_read_at_ms_ < kOomBaselineAgeMs) return;
  machine_oom_kills_ = machine_oom_kills();
  machine_read_at_ms_ = now;
}

void ShepherdLoop::signal_job(int signal) {
  const auto pids = descendants_of(::getpid());
  signal_all(pids, signal);
  signal_all(pids, SIGCONT);  // a stopped process must be able to act on it
}

void ShepherdLoop::reap() {
  int status = 0;
  rusage usage{};
  pid_t pid = 0;
  while ((pid = ::wait4(-1, &status, WNOHANG, &usage)) > 0) {
    if (pid != main_) continue;
    main_ended_ = true;
    exit_.wait_status = status;
    exit_.user_ms = to_ms(usage.ru_utime);
    exit_.system_ms = to_ms(usage.ru_stime);
    exit_.max_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  }
  const bool none_left = pid < 0 && errno == ECHILD;
  if (!main_ended_) return;
  if (none_left) {
    report_exit(false);
  } else if (kill_rounds_ > kMaxKillRounds) {
    report_exit(true);  // the guard goes on with what is stuck
  }
}

void ShepherdLoop::kill_round() {
  cgroup_.kill();
  // The first round trusts the cgroup; a process that left it, or was never in one, is found in
  // /proc.
  if (!cgroup_.can_kill() || kill_rounds_ > 0) signal_all(descendants_of(::getpid()), SIGKILL);
  ++kill_rounds_;
}

void ShepherdLoop::report_exit(bool leftovers) {
  exit_.out_of_memory = was_out_of_memory();
  exit_.leftovers = leftovers;
  exit_.retired = leftovers || !cgroup_.renew();
  job_oom_kills_ = cgroup_.oom_kills();
  has_memory_limit_ = false;
  main_ = 0;
  kill_rounds_ = 0;
  const PacketHead report{.kind = PacketKind::exited, .exit = exit_};
  // Without its owner the job did not end: it is lost.
  if (!owner_is_gone_ && !send_packet(socket_.get(), report)) owner_is_gone_ = true;
  if (exit_.retired) owner_is_gone_ = true;
}

// A job without a limit of its own can still be what the machine's want of memory has killed.
bool ShepherdLoop::was_out_of_memory() {
  if (has_memory_limit_) {
    return cgroup_.oom_kills() > job_oom_kills_;
  }
  const int status = exit_.wait_status;
  const bool was_killed = (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                          (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGKILL);
  if (!was_killed || now_ms() >= kill_at_ms_) return false;
  const std::uint64_t before = std::exchange(machine_oom_kills_, machine_oom_kills());
  return machine_oom_kills_ > before;
}

}  // namespace tandem::exec
