#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::api {

// The boundary of a multipart/form-data Content-Type; bad_multipart where there is none that is
// fit.
Result<std::string> boundary_of(std::string_view content_type);

// Reads multipart/form-data (RFC 7578) piece by piece, in memory of one piece and one part's
// headers.
class MultipartReader {
 public:
  enum class Event : std::uint8_t { need_more, part_begin, data, part_end, end };
  struct Part {
    std::string name;
    std::optional<std::string> file_name;
    std::string content_type;
  };

  explicit MultipartReader(std::string_view boundary)
      : delimiter_("\r\n--" + std::string(boundary)), buffer_("\r\n") {}

  void feed(std::string_view bytes) { buffer_ += bytes; }
  // What comes next. After need_more: feed(), or bad_multipart is the truth where there is no more.
  // Errors: bad_multipart; validation_failed, where a line ends within a quoted name; final.
  Result<Event> next();
  const Part& part() const { return part_; }       // from part_begin on
  std::string_view data() const { return data_; }  // after data, until the next call

 private:
  enum class State : std::uint8_t { preamble, delimiter, headers, body, end };
  Result<Event> read_preamble();
  Result<Event> read_delimiter();
  Result<Event> read_headers();
  Result<Event> read_body();
  Result<void> parse_header(std::string_view line);
  void drop(std::size_t bytes);

  std::string delimiter_;
  std::string buffer_;  // not read yet, from offset_ on
  std::size_t offset_ = 0;
  State state_ = State::preamble;
  Part part_;
  std::string data_;
};

}  // namespace tandem::api
