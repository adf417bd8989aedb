#include "exec/guard_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "exec/capabilities.h"
#include "exec/process_tree.h"
#include "exec/shepherd.h"

namespace tandem::exec {

namespace {
constexpr int kStrayPauseMs = 2;
constexpr int kPatientEndRounds = 100;  // then shepherds that don't end by themselves are killed
constexpr int kMaxEndRounds = 5000;     // about 10 s
constexpr int kSocketFd = 4;

// Only the socket and standard error are kept; 0, 1 and 3 are taken, so that descriptors for jobs
// never have the numbers they must get in the job.
void keep_only(int socket) {
  const int high = ::fcntl(socket, F_DUPFD_CLOEXEC, 16);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {0, 1, 3}) ::dup3(null, fd, 0);
  if (::fcntl(2, F_GETFD) < 0) ::dup2(null, 2);
  ::dup3(high, kSocketFd, O_CLOEXEC);
  ::syscall(SYS_close_range, static_cast<unsigned>(kSocketFd + 1), ~0u, 0);
}

// A job may look at its ancestors: what the server was started with is not for it.
void wipe_environment() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    ::explicit_bzero(*entry, std::strlen(*entry));
  }
}

// Also for the shepherds and the jobs; a server that ignores SIGCHLD would lose every exit status.
void reset_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);
  }
}
}  // namespace

void run_guard(int socket, bool use_cgroups) {
  try {
    ::setsid();  // a terminal's ^C is for the server, not for the jobs
    keep_only(socket);
    wipe_environment();
    reset_signals();
    [[maybe_unused]] const int moved = ::chdir("/");
    GuardLoop(UniqueFd(kSocketFd), use_cgroups).run();
  } catch (const std::exception&) {
    ::_exit(70);
  }
  ::_exit(0);
}

GuardLoop::GuardLoop(UniqueFd socket, bool use_cgroups) : socket_(std::move(socket)) {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGCHLD);
  signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  ::prctl(PR_SET_NAME, "tandem-guard");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  Capabilities capabilities;
  if (use_cgroups) root_ = CgroupRoot::make(capabilities);
  look_at_isolation(capabilities);
  say_what_is_missing(capabilities);
  say_hello(capabilities);
}

void GuardLoop::say_hello(const Capabilities& capabilities) {
  PacketHead hello{.kind = PacketKind::hello};
  hello.value = capabilities.bits();
  std::string text;
  for (const std::string& sentence : capabilities.missing) text += sentence + "\n";
  send_packet(socket_.get(), hello, text);
}

void GuardLoop::run() {
  while (!server_is_gone_ || has_children_) {
    std::array<pollfd, 2> sources{pollfd{signals_.get(), POLLIN, 0},
                                  pollfd{server_is_gone_ ? -1 : socket_.get(), POLLIN, 0}};
    ::poll(sources.data(), sources.size(), poll_timeout_ms());
    signalfd_siginfo signal{};
    while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    }
    reap();
    if (!dead_.empty()) kill_strays();
    if (!server_is_gone_) read_packets();
    if (server_is_gone_) end_all();
    if (end_rounds_ > kMaxEndRounds) break;
  }
  root_.remove();
}

int GuardLoop::poll_timeout_ms() const {
  return server_is_gone_ || !dead_.empty() ? kStrayPauseMs : -1;
}

void GuardLoop::read_packets() {
  Packet packet;
  Received received = Received::packet;
  while ((received = receive_packet(socket_.get(), packet)) == Received::packet) {
    if (packet.head.kind == PacketKind::new_shepherd) fork_shepherd();
  }
  if (received == Received::closed) server_is_gone_ = true;
}

void GuardLoop::fork_shepherd() {
  PacketHead answer{.kind = PacketKind::new_shepherd};
  answer.value = next_number_++;
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    send_packet(socket_.get(), answer);
    return;
  }
  UniqueFd launchers(ends[0]), shepherds(ends[1]);
  const pid_t guard = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    launchers.reset();
    socket_.reset();
    signals_.reset();
    try {
      ShepherdLoop(std::move(shepherds), JobCgroup::make(root_, answer.value), guard).run();
    } catch (const std::exception&) {
      ::_exit(70);
    }
    ::_exit(0);
  }
  if (pid < 0) {
    send_packet(socket_.get(), answer);
    return;
  }
  has_children_ = true;
  shepherds_[pid] = answer.value;
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const std::array<int, 2> fds{launchers.get(), pidfd.get()};
  send_packet(socket_.get(), answer, {}, fds);
}

void GuardLoop::reap() {
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    const auto shepherd = shepherds_.find(pid);
    if (shepherd == shepherds_.end()) continue;
    root_.kill_job(shepherd->second);
    dead_.push_back(shepherd->second);
    shepherds_.erase(shepherd);
  }
  has_children_ = pid == 0;
}

// A living shepherd keeps all of its job below itself: what else is here was left by a dead one.
void GuardLoop::kill_strays() {
  std::unordered_set<pid_t> shepherds;
  for (const auto& [pid, number] : shepherds_) shepherds.insert(pid);
  const auto strays = descendants_of(::getpid(), shepherds);
  if (signal_all(strays, SIGKILL) > 0) return;  // looked at again after a pause
  const auto confirmed = std::exchange(dead_, {});
  reap();  // what was left are zombies; a shepherd found dead here is for the next round
  for (const std::int64_t number : confirmed) {
    PacketHead gone{.kind = PacketKind::shepherd_gone};
    gone.value = number;
    send_packet(socket_.get(), gone);
    root_.remove_job(number);
  }
}

void GuardLoop::end_all() {
  if (end_rounds_ == 0) root_.kill_all();
  if (++end_rounds_ < kPatientEndRounds) return;
  for (const auto& [pid, number] : shepherds_) ::kill(pid, SIGKILL);
}

}  // namespace tandem::exec
