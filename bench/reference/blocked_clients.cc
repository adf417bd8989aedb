#include "reference/blocked_clients.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>
#include <string_view>

#include "http_client.h"
#include "usage.h"

namespace tandem::bench {
namespace {

constexpr int kLimitMs = 10'000;

}  // namespace

BlockedClients::BlockedClients(int clients)
    : redis_({"--maxclients", std::to_string(clients + 100)}),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  const double before = memory_bytes(redis_.pid());
  for (int i = 0; i < clients; ++i) {
    clients_.push_back(connect_to(redis_.address().port));
    const auto client = static_cast<std::size_t>(i);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = client}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, clients_.back().get(), &event);
    block(client);
  }
  wait_until_us(now_us() + 1'000'000);
  kib_each_ = (memory_bytes(redis_.pid()) - before) / clients / 1024;
}

double BlockedClients::percent_of_a_core(double seconds) {
  const double cpu = cpu_seconds(redis_.pid());
  const std::int64_t began = now_us();
  while (seconds_since(began) < seconds) hear(100);
  return (cpu_seconds(redis_.pid()) - cpu) / seconds_since(began) * 100;
}

Latencies BlockedClients::pick_up_times(int elements) {
  const UniqueFd producer = connect_to(redis_.address().port);
  Latencies times;
  for (int i = 0; i < elements; ++i) {
    const std::int64_t pushed = now_us();
    write_all(producer.get(), "RPUSH jobs job\r\n");
    while (!hear(kLimitMs))
      if (now_us() - pushed > kLimitMs * 1000) throw std::runtime_error("nobody takes an element");
    times.add(now_us() - pushed);
    char answer[64];
    if (::recv(producer.get(), answer, sizeof answer, 0) <= 0)
      throw std::runtime_error("Redis does not answer");
  }
  return times;
}

void BlockedClients::block(std::size_t client) {
  write_all(clients_[client].get(), "BLPOP jobs 30\r\n");
}

bool BlockedClients::hear(int timeout_ms) {
  std::array<epoll_event, 64> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
  bool has_element = false;
  for (int i = 0; i < count; ++i) {
    const std::size_t client = events[static_cast<std::size_t>(i)].data.u64;
    char answer[64];
    const ssize_t got = ::recv(clients_[client].get(), answer, sizeof answer, 0);
    if (got <= 0) throw std::runtime_error("Redis closes a connection");
    // An array of the list and its element, or of nothing.
    has_element |= std::string_view(answer, static_cast<std::size_t>(got)).starts_with("*2");
    block(client);
  }
  return has_element;
}

}  // namespace tandem::bench
