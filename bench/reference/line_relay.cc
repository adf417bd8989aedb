#include "reference/line_relay.h"

#include <sys/epoll.h>
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

struct Reader {
  UniqueFd fd;
  LineChecker checker;
};

pid_t emit_into(int fd, std::uint64_t lines) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::dup2(fd, STDOUT_FILENO);
  ::_exit(emit_lines(lines));
}

pid_t relay(int from, const std::vector<UniqueFd>& to) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  Buffer buffer(64 * 1024);
  for (ssize_t got = 0; (got = ::read(from, buffer.data(), buffer.size())) > 0;)
    for (const UniqueFd& fd : to)
      write_all(fd.get(), {buffer.data(), static_cast<std::size_t>(got)});
  ::_exit(0);
}

// Until each has got all lines.
void read_all(std::vector<Reader>& readers, std::uint64_t lines) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  for (Reader& reader : readers) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &reader}};
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, reader.fd.get(), &event);
  }
  Buffer buffer(64 * 1024);
  std::array<epoll_event, 256> events{};
  for (std::size_t done = 0; done < readers.size();) {
    const int count = ::epoll_wait(epoll.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      auto& reader = *static_cast<Reader*>(events[static_cast<std::size_t>(i)].data.ptr);
      const ssize_t got = ::read(reader.fd.get(), buffer.data(), buffer.size());
      if (got <= 0 || !reader.checker.take({buffer.data(), static_cast<std::size_t>(got)}))
        throw std::runtime_error("the relay broke");
      if (reader.checker.lines() < lines) continue;
      ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, reader.fd.get(), nullptr);
      ++done;
    }
  }
}

}  // namespace

double bare_relay_lines_per_second(std::uint64_t lines, int readers) {
  std::array<int, 2> pipe_ends{};
  if (::pipe(pipe_ends.data()) != 0) throw std::runtime_error("no pipe");
  std::vector<UniqueFd> senders;
  std::vector<Reader> receivers(static_cast<std::size_t>(readers));
  for (Reader& receiver : receivers) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0)
      throw std::runtime_error("no socket");
    senders.emplace_back(ends[0]);
    receiver.fd = UniqueFd(ends[1]);
  }
  const std::int64_t began = now_us();
  const pid_t emitter = emit_into(pipe_ends[1], lines);
  ::close(pipe_ends[1]);
  const pid_t relayer = relay(pipe_ends[0], senders);
  ::close(pipe_ends[0]);
  senders.clear();
  read_all(receivers, lines);
  const double seconds = seconds_since(began);
  ::waitpid(emitter, nullptr, 0);
  ::waitpid(relayer, nullptr, 0);
  return static_cast<double>(lines) * readers / seconds;
}

}  // namespace tandem::bench
