#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace tandem::bench {

// Registers workers of these names' number; answers their tokens. Over a few connections at once.
std::vector<std::string> register_workers(std::uint16_t port, const std::string& token, int count);

// Many workers, each with one connection, driven by one thread: on WebSockets, or by HTTP requests
// one at a time. Throws std::runtime_error where a connection breaks.
class WorkerCrowd {
 public:
  enum class Channel : bool { socket, http };
  // A message of the socket, or the body of an answer.
  using Said = std::function<void(std::size_t who, std::string_view text)>;

  WorkerCrowd(std::uint16_t port, std::vector<std::string> tokens, Channel channel, Said said);

  // A message of the worker; of one on HTTP, a request's target behind /api/v1/polling/ and body.
  void send(std::size_t who, std::string_view text);
  void post(std::size_t who, std::string_view target, std::string_view body);
  void get(std::size_t who, std::string_view target);

  // Reads until the condition holds; it is looked at after each read. Throws after `limit_s`.
  void read_until(const std::function<bool()>& done, double limit_s);
  void read_for(double seconds);

 private:
  struct Worker {
    UniqueFd fd;
    std::string in;
    bool open = false;
  };
  void poll(int timeout_ms);
  void receive(std::size_t who);
  void take(std::size_t who);

  const std::vector<std::string> tokens_;
  const Channel channel_;
  const Said said_;
  std::vector<Worker> workers_;
  UniqueFd epoll_;
  std::vector<char> buffer_;
  std::size_t opened_ = 0;
};

}  // namespace tandem::bench
