#include "ws_crowd.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

#include "http_client.h"
#include "usage.h"
#include "ws_frames.h"

namespace tandem::bench {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr double kOpenLimitS = 30;

std::uint64_t escaped_line_ends(std::string_view text) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; (at = text.find('\\', at)) != std::string_view::npos; at += 2)
    if (at + 1 < text.size() && text[at + 1] == 'n') ++count;
  return count;
}

}  // namespace

WsCrowd::WsCrowd(std::uint16_t port, const std::string& token, const std::string& task_id,
                 int sockets)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kReadBytes) {
  const std::string request = upgrade_request("/api/v1/tasks/" + task_id + "/ws", token);
  sockets_.resize(static_cast<std::size_t>(sockets));
  for (Socket& socket : sockets_) {
    socket.fd = connect_to(port);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &socket}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.fd.get(), &event);
    write_all(socket.fd.get(), request);
  }
  const std::int64_t began = now_us();
  while (opened_ < sockets && seconds_since(began) < kOpenLimitS) poll(100);
  if (opened_ < sockets) throw std::runtime_error("WebSockets do not open");
}

void WsCrowd::read_to_the_end(double limit_s) {
  const std::int64_t began = now_us();
  const int all = static_cast<int>(sockets_.size());
  while (ended_ < all && seconds_since(began) < limit_s) poll(100);
}

void WsCrowd::read_some(double seconds) {
  const std::int64_t began = now_us();
  while (seconds_since(began) < seconds) poll(20);
}

void WsCrowd::poll(int timeout_ms) {
  std::array<epoll_event, 256> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
  for (int i = 0; i < count; ++i)
    receive(*static_cast<Socket*>(events[static_cast<std::size_t>(i)].data.ptr));
}

void WsCrowd::receive(Socket& socket) {
  const ssize_t got = ::recv(socket.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got < 0) return;
  if (got == 0) {
    if (!socket.ended) throw std::runtime_error("a WebSocket was closed before its end");
    socket.fd.reset();
    return;
  }
  socket.in.append(buffer_.data(), static_cast<std::size_t>(got));
  if (!socket.open) {
    const std::size_t end = socket.in.find("\r\n\r\n");
    if (end == std::string::npos) return;
    if (!socket.in.starts_with("HTTP/1.1 101")) throw std::runtime_error("no WebSocket");
    socket.in.erase(0, end + 4);
    socket.open = true;
    ++opened_;
  }
  take_frames(socket);
}

void WsCrowd::take_frames(Socket& socket) {
  std::string_view rest = socket.in;
  std::size_t head = 0, size = 0;
  while ((size = frame_size(rest, head)) != 0 && rest.size() >= size) {
    const bool is_text = (rest[0] & 0x0f) == 1;
    if (is_text) take(socket, rest.substr(head, size - head));
    rest.remove_prefix(size);
  }
  socket.in.erase(0, socket.in.size() - rest.size());
}

void WsCrowd::take(Socket& socket, std::string_view text) {
  if (text.starts_with("{\"type\":\"log\"")) {
    lines_ += escaped_line_ends(text);
  } else if (text.starts_with("{\"type\":\"gap\"")) {
    ++gaps_;
  } else if (text.starts_with("{\"type\":\"end\"")) {
    socket.ended = true;
    ++ended_;
  }
}

}  // namespace tandem::bench
