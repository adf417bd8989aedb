#include "worker_crowd.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <boost/json/parse.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "http_client.h"
#include "usage.h"
#include "ws_frames.h"

namespace tandem::bench {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr double kOpenLimitS = 60;
constexpr int kRegistrars = 16;
constexpr std::string_view kPolling = "/api/v1/polling/";

}  // namespace

std::vector<std::string> register_workers(std::uint16_t port, const std::string& token, int count) {
  std::vector<std::string> tokens(static_cast<std::size_t>(count));
  std::vector<std::jthread> threads;
  for (int first = 0; first < kRegistrars; ++first)
    threads.emplace_back([&, first] {
      HttpClient client(port, token);
      for (int i = first; i < count; i += kRegistrars) {
        const std::string body = R"({"name":"w)" + std::to_string(i) + "\"}";
        const auto answer = boost::json::parse(client.post("/api/v1/polling/register", body).body);
        tokens[static_cast<std::size_t>(i)] = answer.at("worker_token").as_string();
      }
    });
  threads.clear();
  return tokens;
}

WorkerCrowd::WorkerCrowd(std::uint16_t port, std::vector<std::string> tokens, Channel channel,
                         Said said)
    : tokens_(std::move(tokens)),
      channel_(channel),
      said_(std::move(said)),
      workers_(tokens_.size()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      buffer_(kReadBytes) {
  for (std::size_t who = 0; who < workers_.size(); ++who) {
    Worker& worker = workers_[who];
    worker.fd = connect_to(port);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = who}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, worker.fd.get(), &event);
    worker.open = channel_ == Channel::http;
    if (channel_ == Channel::socket)
      write_all(worker.fd.get(), upgrade_request("/api/v1/polling/ws?batch=true", tokens_[who]));
    else
      ++opened_;
  }
  read_until([this] { return opened_ == workers_.size(); }, kOpenLimitS);
}

void WorkerCrowd::send(std::size_t who, std::string_view text) {
  write_all(workers_[who].fd.get(), text_frame(text));
}

void WorkerCrowd::post(std::size_t who, std::string_view target, std::string_view body) {
  write_all(workers_[who].fd.get(),
            request_text("POST", std::string(kPolling).append(target), tokens_[who], body));
}

void WorkerCrowd::get(std::size_t who, std::string_view target) {
  write_all(workers_[who].fd.get(),
            request_text("GET", std::string(kPolling).append(target), tokens_[who], ""));
}

void WorkerCrowd::read_until(const std::function<bool()>& done, double limit_s) {
  const std::int64_t began = now_us();
  while (!done()) {
    if (seconds_since(began) > limit_s) throw std::runtime_error("the workers wait for too long");
    poll(100);
  }
}

void WorkerCrowd::read_for(double seconds) {
  const std::int64_t began = now_us();
  while (seconds_since(began) < seconds) poll(20);
}

void WorkerCrowd::poll(int timeout_ms) {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
  for (int i = 0; i < count; ++i) receive(events[static_cast<std::size_t>(i)].data.u64);
}

void WorkerCrowd::receive(std::size_t who) {
  Worker& worker = workers_[who];
  const ssize_t got = ::recv(worker.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got < 0) return;
  if (got == 0) throw std::runtime_error("the server closed a worker's connection");
  worker.in.append(buffer_.data(), static_cast<std::size_t>(got));
  if (!worker.open) {
    const std::size_t end = worker.in.find("\r\n\r\n");
    if (end == std::string::npos) return;
    if (!worker.in.starts_with("HTTP/1.1 101")) throw std::runtime_error("no WebSocket");
    worker.in.erase(0, end + 4);
    worker.open = true;
    ++opened_;
  }
  take(who);
}

void WorkerCrowd::take(std::size_t who) {
  const std::string in = std::exchange(workers_[who].in, {});
  std::string_view rest = in;
  std::size_t head = 0, size = 0;
  int status = 200;
  const auto next = [&] {
    size = channel_ == Channel::socket ? frame_size(rest, head) : answer_size(rest, status, head);
    return size != 0 && rest.size() >= size;
  };
  while (next()) {
    const bool is_text = channel_ == Channel::http || (rest[0] & 0x0f) == 1;
    if (status >= 300) throw std::runtime_error("a worker was refused: " + std::string(rest));
    if (is_text) said_(who, rest.substr(head, size - head));
    rest.remove_prefix(size);
  }
  workers_[who].in.insert(0, rest);
}

}  // namespace tandem::bench
