#include "reference/line_relay.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "base/unique_fd.h"
#include "http_client.h"
#include "log_lines.h"
#include "usage.h"

namespace tandem::bench {
namespace {

using Buffer = std::vector<char>;

pid_t emit_into(int fd, std::uint64_t lines) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::dup2(fd, STDOUT_FILENO);
  ::_exit(emit_lines(lines));
}

pid_t relay(int from, int to) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  Buffer buffer(64 * 1024);
  for (ssize_t got = 0; (got = ::read(from, buffer.data(), buffer.size())) > 0;)
    write_all(to, {buffer.data(), static_cast<std::size_t>(got)});
  ::_exit(0);
}

}  // namespace

double bare_relay_lines_per_second(std::uint64_t lines) {
  std::array<int, 2> pipe_ends{}, socket_ends{};
  if (::pipe(pipe_ends.data()) != 0 ||
      ::socketpair(AF_UNIX, SOCK_STREAM, 0, socket_ends.data()) != 0)
    throw std::runtime_error("no pipe");
  const std::int64_t began = now_us();
  const pid_t emitter = emit_into(pipe_ends[1], lines);
  ::close(pipe_ends[1]);
  const pid_t relayer = relay(pipe_ends[0], socket_ends[0]);
  ::close(pipe_ends[0]);
  ::close(socket_ends[0]);
  const UniqueFd in(socket_ends[1]);
  LineChecker checker;
  Buffer buffer(64 * 1024);
  while (checker.lines() < lines) {
    const ssize_t got = ::read(in.get(), buffer.data(), buffer.size());
    if (got <= 0 || !checker.take({buffer.data(), static_cast<std::size_t>(got)}))
      throw std::runtime_error("the relay broke");
  }
  const double seconds = seconds_since(began);
  ::waitpid(emitter, nullptr, 0);
  ::waitpid(relayer, nullptr, 0);
  return static_cast<double>(lines) / seconds;
}

}  // namespace tandem::bench
