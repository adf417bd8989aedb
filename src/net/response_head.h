#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "net/response.h"

namespace tandem::net {

// How the end of an answer's body is found.
struct Framing {
  std::optional<std::uint64_t> content_length;  // none and not chunked: ends with the connection
  bool chunked = false;
  bool has_body = true;  // false for 1xx, 204, 304: neither field is sent
  bool keep_alive = true;
  int version_minor = 1;
};

// Writes status line and headers behind `out`. Framing fields and fields with a control character
// that the response brought along are left away.
void append_head(std::string& out, const Response& response, const Framing& framing,
                 std::string_view request_id);

// Request ids: the client's where it is sane, else one of a random prefix and a counter.
class RequestIds {
 public:
  explicit RequestIds(Random& random);
  std::string of(std::string_view from_client);

 private:
  std::string prefix_;
  std::uint64_t next_ = 0;
};

}  // namespace tandem::net
