#include "api/multipart.h"

#include <algorithm>

#include "net/headers.h"

namespace tandem::api {
namespace {

constexpr std::size_t kMaxPartHeaderBytes = 8 * 1024;
constexpr std::size_t kMaxPreambleBytes = 8 * 1024;
constexpr std::size_t kMaxBoundaryBytes = 70;  // RFC 2046

Error bad(std::string why) { return fail(Errc::bad_multipart, std::move(why)); }

// The value of `name` among the parameters `; a=b; c="d"` behind a header's first word.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos && at < header.size()) {
    const std::size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = net::trimmed(header.substr(at + 1, equals - at - 1));
    std::string value;
    std::size_t end = equals + 1;
    if (end < header.size() && header[end] == '"') {
      for (++end; end < header.size() && header[end] != '"'; ++end) {
        const bool is_escape = header[end] == '\\' && end + 1 < header.size() &&
                               (header[end + 1] == '"' || header[end + 1] == '\\');
        if (is_escape) ++end;
        value += header[end];
      }
      end = header.find(';', end);
    } else {
      end = header.find(';', end);
      value = net::trimmed(header.substr(
          equals + 1, end == std::string_view::npos ? std::string_view::npos : end - equals - 1));
    }
    if (net::same_name(key, name)) return value;
    at = end;
  }
  return std::nullopt;
}

// A value that is quoted and does not end: its line did.
bool has_open_quote(std::string_view header) {
  bool is_quoted = false;
  for (std::size_t at = 0; at < header.size(); ++at) {
    if (header[at] == '"')
      is_quoted = !is_quoted;
    else if (is_quoted && header[at] == '\\')
      ++at;
  }
  return is_quoted;
}

}  // namespace

Result<std::string> boundary_of(std::string_view content_type) {
  auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundaryBytes)
    return bad("The Content-Type names no boundary");
  return std::move(*boundary);
}

Result<MultipartReader::Event> MultipartReader::next() {
  data_.clear();
  switch (state_) {
    case State::preamble: return read_preamble();
    case State::delimiter: return read_delimiter();
    case State::headers: return read_headers();
    case State::body: return read_body();
    case State::end: break;
  }
  drop(buffer_.size() - offset_);  // an epilogue has no meaning
  return Event::end;
}

Result<MultipartReader::Event> MultipartReader::read_preamble() {
  const std::size_t found = buffer_.find(delimiter_, offset_);
  if (found == std::string::npos) {
    if (buffer_.size() - offset_ > kMaxPreambleBytes)
      return bad("The first boundary does not come");
    return Event::need_more;
  }
  drop(found + delimiter_.size() - offset_);
  state_ = State::delimiter;
  return read_delimiter();
}

// Behind a delimiter: the last one is followed by two dashes, the others by a line end.
Result<MultipartReader::Event> MultipartReader::read_delimiter() {
  const std::string_view rest = std::string_view(buffer_).substr(offset_);
  if (rest.size() < 2) return Event::need_more;
  if (rest.starts_with("--")) {
    state_ = State::end;
    return Event::end;
  }
  if (!rest.starts_with("\r\n")) return bad("A boundary is followed by something else");
  state_ = State::headers;  // the line end stays: it may be the start of the empty line
  return read_headers();
}

Result<MultipartReader::Event> MultipartReader::read_headers() {
  const std::size_t end = buffer_.find("\r\n\r\n", offset_);
  if (end == std::string::npos) {
    if (buffer_.size() - offset_ > kMaxPartHeaderBytes)
      return bad("The headers of a part are too long");
    return Event::need_more;
  }
  part_ = Part();
  std::string_view lines(buffer_.data() + offset_, end - offset_);
  while (!lines.empty()) {
    lines.remove_prefix(2);
    const std::size_t stop = std::min(lines.find("\r\n"), lines.size());
    if (auto parsed = parse_header(lines.substr(0, stop)); !parsed) return parsed.error();
    lines.remove_prefix(stop);
  }
  if (part_.name.empty()) return bad("A part has no name");
  drop(end + 4 - offset_);
  state_ = State::body;
  return Event::part_begin;
}

Result<void> MultipartReader::parse_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bad("A header of a part has no colon");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = net::trimmed(line.substr(colon + 1));
  if (net::same_name(name, "Content-Disposition")) {
    if (!net::same_name(net::trimmed(value.substr(0, value.find(';'))), "form-data"))
      return bad("A part is no form-data");
    if (has_open_quote(value))
      return fail(Errc::validation_failed, "A name must not hold a line end", "file");
    part_.name = parameter(value, "name").value_or("");
    part_.file_name = parameter(value, "filename");
  } else if (net::same_name(name, "Content-Type")) {
    part_.content_type = value;
  } else if (net::same_name(name, "Content-Transfer-Encoding")) {
    if (!net::same_name(value, "binary") && !net::same_name(value, "8bit") &&
        !net::same_name(value, "7bit"))
      return bad("Content-Transfer-Encoding is not taken");
  }
  return {};
}

Result<MultipartReader::Event> MultipartReader::read_body() {
  const std::size_t found = buffer_.find(delimiter_, offset_);
  if (found == offset_) {
    drop(delimiter_.size());
    state_ = State::delimiter;
    return Event::part_end;
  }
  const std::size_t rest = buffer_.size() - offset_;
  std::size_t bytes = found - offset_;
  if (found == std::string::npos) {  // the end may be the start of a delimiter
    if (rest < delimiter_.size()) return Event::need_more;
    bytes = rest - (delimiter_.size() - 1);
  }
  data_.assign(buffer_, offset_, bytes);
  drop(bytes);
  return Event::data;
}

void MultipartReader::drop(std::size_t bytes) {
  offset_ += bytes;
  if (offset_ == buffer_.size() || offset_ > 64 * 1024) {
    buffer_.erase(0, offset_);
    offset_ = 0;
  }
}

}  // namespace tandem::api
