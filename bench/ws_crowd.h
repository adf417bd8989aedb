#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace tandem::bench {

// Many WebSockets on one task, read by one thread. It counts the lines that the log frames carry,
// by their escaped line ends, and watches for the `end` frame. Throws std::runtime_error.
class WsCrowd {
 public:
  WsCrowd(std::uint16_t port, const std::string& token, const std::string& task_id, int sockets);

  // Reads until each has got its `end`, or `limit_s` seconds are over.
  void read_to_the_end(double limit_s);
  // Takes what has come by now, so that nothing of it waits in buffers.
  void read_some(double seconds);

  std::uint64_t lines() const { return lines_; }
  std::uint64_t gaps() const { return gaps_; }
  int ended() const { return ended_; }

 private:
  struct Socket {
    UniqueFd fd;
    std::string in;
    bool open = false, ended = false;
  };
  void poll(int timeout_ms);
  void receive(Socket& socket);
  void take_frames(Socket& socket);
  void take(Socket& socket, std::string_view text);

  std::vector<Socket> sockets_;
  UniqueFd epoll_;
  std::vector<char> buffer_;
  std::uint64_t lines_ = 0, gaps_ = 0;
  int opened_ = 0, ended_ = 0;
};

}  // namespace tandem::bench
