#include "http_client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace tandem::bench {

std::string request_text(std::string_view method, std::string_view target, std::string_view token,
                         std::string_view body) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  if (!token.empty()) text.append("Authorization: Bearer ").append(token).append("\r\n");
  if (!body.empty()) {
    text += "Content-Type: application/json\r\nContent-Length: ";
    text += std::to_string(body.size()) + "\r\n";
  }
  return text.append("\r\n").append(body);
}

std::size_t answer_size(std::string_view data, int& status, std::size_t& head_size) {
  const std::size_t end = data.find("\r\n\r\n");
  if (end == std::string_view::npos || data.size() < 12) return 0;
  head_size = end + 4;
  status = std::atoi(data.data() + 9);
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const std::size_t at = data.substr(0, head_size).find(kLength);
  if (at == std::string_view::npos) return head_size;
  const auto length = std::strtoull(data.data() + at + kLength.size(), nullptr, 10);
  return data.size() >= head_size + length ? head_size + length : 0;
}

UniqueFd connect_to(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw std::runtime_error("can't connect");
  const int one = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return fd;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("the connection broke");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

HttpClient::HttpClient(std::uint16_t port, std::string token)
    : token_(std::move(token)), fd_(connect_to(port)) {}

HttpAnswer HttpClient::exchange(std::string_view method, std::string_view target,
                                std::string_view body) {
  write_all(fd_.get(), request_text(method, target, token_, body));
  in_.clear();
  HttpAnswer answer;
  std::size_t head = 0, size = 0;
  while ((size = answer_size(in_, answer.status, head)) == 0) {
    char buffer[65536];
    const ssize_t got = ::recv(fd_.get(), buffer, sizeof(buffer), 0);
    if (got <= 0) throw std::runtime_error("the connection broke");
    in_.append(buffer, static_cast<std::size_t>(got));
  }
  answer.body = in_.substr(head, size - head);
  return answer;
}

}  // namespace tandem::bench
