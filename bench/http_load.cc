#include "http_load.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

#include "base/unique_fd.h"
#include "http_client.h"
#include "usage.h"

namespace tandem::bench {
namespace {

constexpr std::int64_t kLimitUs = 60'000'000;

struct Connection {
  UniqueFd fd;
  std::string in;
  std::int64_t sent_us = 0;
};

class Run {
 public:
  Run(std::uint16_t port, int connections, const std::string& request, std::uint64_t requests)
      : request_(request), left_(requests), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (int i = 0; i < connections; ++i) connections_.push_back({.fd = connect_to(port)});
    for (Connection& connection : connections_) {
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.fd.get(), &event);
    }
  }

  LoadResult run() {
    const std::int64_t began = now_us();
    for (Connection& connection : connections_) send(connection);
    while (flying_ > 0) {
      std::array<epoll_event, 128> events;
      const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 1000);
      for (int i = 0; i < count; ++i)
        receive(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
      if (now_us() - began > kLimitUs) break;
    }
    result_.seconds = seconds_since(began);
    return std::move(result_);
  }

 private:
  void send(Connection& connection) {
    if (left_ == 0) return;
    --left_;
    ++flying_;
    connection.sent_us = now_us();
    write_all(connection.fd.get(), request_);
  }

  void receive(Connection& connection) {
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(connection.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) throw std::runtime_error("the server closed a connection");
    connection.in.append(buffer.data(), static_cast<std::size_t>(got));
    int status = 0;
    std::size_t head = 0;
    const std::size_t size = answer_size(connection.in, status, head);
    if (size == 0) return;
    connection.in.erase(0, size);
    --flying_;
    ++result_.answers;
    if (status < 200 || status > 299) ++result_.refused;
    result_.latencies.add(now_us() - connection.sent_us);
    send(connection);
  }

  const std::string& request_;
  std::uint64_t left_;
  std::uint64_t flying_ = 0;
  UniqueFd epoll_;
  std::vector<Connection> connections_;
  LoadResult result_;
};

}  // namespace

LoadResult HttpLoad::run(const std::string& request, std::uint64_t requests) const {
  return Run(port_, connections_, request, requests).run();
}

}  // namespace tandem::bench
