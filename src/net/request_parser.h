#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/request.h"

namespace tandem::net {

// Reads requests of HTTP/1.0 and 1.1 from bytes that come in any pieces. Beast does the framing; a
// scan of our own before it refuses what Beast or a proxy in front could read in two ways: bare LF
// or CR, folded lines, control characters, Transfer-Encoding beside Content-Length, repeated
// Content-Length, a missing, repeated or odd Host, leading blanks. After an error the connection is
// of no more use.
class RequestParser {
 public:
  explicit RequestParser(std::size_t max_header_bytes);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  void reset();  // for the next request of the connection

  // `data`: all bytes since reset(). The number of bytes that made up the head once it is complete,
  // with method, target, version, headers and framing of `head` set; 0 while more are needed.
  // Errors: bad_request, headers_too_large, not_implemented (a method that does not exist),
  // method_not_allowed (CONNECT, TRACE).
  Result<std::size_t> read_head(std::string_view data, RequestHead& head);

  // Behind read_head(). The next bytes of the body: returns how many of `data` were used up and
  // appends what they carried to `out`. Give what was not used again, with more behind it.
  // Errors: bad_request, too_large.
  Result<std::size_t> read_body(std::string_view data, std::string& out);
  void set_body_limit(std::uint64_t max_bytes);
  bool is_complete() const;  // head and body

 private:
  struct Impl;
  Result<bool> scan(std::string_view data);
  Result<void> check_lines(std::string_view head);

  std::size_t max_header_bytes_;
  std::size_t scanned_ = 0;  // bytes of the head that are known to be whole lines
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::net
