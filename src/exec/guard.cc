#include "exec/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "exec/guard_loop.h"
#include "exec/packet.h"

namespace tandem::exec {

namespace {
constexpr int kHelloTimeoutMs = 10'000;

Error system_failure(const std::string& what) {
  return fail(Errc::internal, what + ": " + std::strerror(errno) + ".");
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}
}  // namespace

Result<std::unique_ptr<Guard>> Guard::start(bool use_cgroups) {
  std::unique_ptr<Guard> guard(new Guard(use_cgroups));
  if (auto forked = guard->fork_guard(); !forked) return forked.error();
  return guard;
}

Result<void> Guard::renew() {
  ::kill(pid_, SIGKILL);
  reap();
  return fork_guard();
}

Result<void> Guard::fork_guard() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return system_failure("No socket for the guard of the jobs");
  }
  socket_.reset(ends[0]);
  UniqueFd theirs(ends[1]);
  pid_ = ::fork();
  if (pid_ < 0) return system_failure("No process for the guard of the jobs");
  if (pid_ == 0) run_guard(theirs.get(), use_cgroups_);
  theirs.reset();
  pollfd answer{socket(), POLLIN, 0};
  while (::poll(&answer, 1, kHelloTimeoutMs) < 0 && errno == EINTR) {
  }
  Packet hello;
  if (receive_packet(socket(), hello) != Received::packet || hello.head.kind != PacketKind::hello) {
    ::kill(pid_, SIGKILL);
    return fail(Errc::internal, "The guard of the jobs did not start.");
  }
  capabilities_.set_bits(hello.head.value);
  capabilities_.missing = lines_of(hello.text);
  return {};
}

void Guard::reap() {
  while (pid_ > 0 && ::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

Guard::~Guard() {
  socket_.reset();
  reap();
}

}  // namespace tandem::exec
