#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace tandem::bench {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// A request in full, as it goes on the wire.
std::string request_text(std::string_view method, std::string_view target, std::string_view token,
                         std::string_view body);

// Bytes of the answer at the start of `data`, 0 while it is not whole. Answers with Content-Length.
std::size_t answer_size(std::string_view data, int& status, std::size_t& head_size);

// A TCP connection to 127.0.0.1; throws std::runtime_error.
UniqueFd connect_to(std::uint16_t port);
void write_all(int fd, std::string_view bytes);

// One request at a time over one connection; throws std::runtime_error where it breaks.
class HttpClient {
 public:
  HttpClient(std::uint16_t port, std::string token);
  HttpAnswer get(std::string_view target) { return exchange("GET", target, ""); }
  HttpAnswer post(std::string_view target, std::string_view body) {
    return exchange("POST", target, body);
  }

 private:
  HttpAnswer exchange(std::string_view method, std::string_view target, std::string_view body);
  std::string token_;
  UniqueFd fd_;
  std::string in_;
};

}  // namespace tandem::bench
