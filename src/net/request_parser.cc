#include "net/request_parser.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace tandem::net {
namespace {

namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kMaxChunkLineBytes = 4096;  // of a chunk's size line, or of all trailers
constexpr std::size_t kMaxFields = 100;
constexpr std::size_t kMinLastChunkBytes = 5;  // "0", an empty line

Error bad(std::string_view what) { return fail(Errc::bad_request, std::string(what)); }

bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control(char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; }

bool is_host(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return is_token_char(c) || c == ':' || c == '[' || c == ']' || c == '(' || c == ')' ||
           c == ';' || c == '=';
  });
}

// The framing fields of one head.
struct Seen {
  std::size_t fields = 0, hosts = 0, lengths = 0, codings = 0;

  Result<void> note(std::string_view name, std::string_view value) {
    if (++fields > kMaxFields) return fail(Errc::headers_too_large, "Too many header fields.");
    if (same_name(name, "host")) {
      ++hosts;
      if (!is_host(value)) return bad("The Host header is not valid.");
    } else if (same_name(name, "content-length")) {
      ++lengths;
      if (value.empty() || value.size() > 18 ||
          !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; }))
        return bad("Content-Length is not a number.");
    } else if (same_name(name, "transfer-encoding")) {
      ++codings;
      if (!same_name(value, "chunked")) return bad("Transfer-Encoding other than chunked.");
    }
    return {};
  }

  Result<void> judge(bool is_1_1) const {
    if (lengths > 1) return bad("Content-Length is given twice.");
    if (codings > 1) return bad("Transfer-Encoding is given twice.");
    if (lengths > 0 && codings > 0) return bad("Content-Length beside Transfer-Encoding.");
    if (codings > 0 && !is_1_1) return bad("Transfer-Encoding in HTTP/1.0.");
    if (hosts > 1) return bad("Host is given twice.");
    if (hosts == 0 && is_1_1) return bad("The Host header is missing.");
    return {};
  }
};

Result<void> check_method(std::string_view method) {
  constexpr std::array<std::string_view, 7> kServed = {"GET",   "POST", "PUT",    "DELETE",
                                                       "PATCH", "HEAD", "OPTIONS"};
  if (std::ranges::find(kServed, method) != kServed.end()) return {};
  if (method == "CONNECT" || method == "TRACE")
    return fail(Errc::method_not_allowed, "This method is not allowed here.");
  if (method.empty() || method.size() > 32 || !std::ranges::all_of(method, is_token_char))
    return bad("The method is not valid.");
  return fail(Errc::not_implemented, "This method is not known here.");
}

}  // namespace

struct RequestParser::Impl final : http::basic_parser<true> {
  RequestHead* head = nullptr;  // set while the head is read
  std::string* out = nullptr;   // set while a body is read
  bool target_ok = false;
  std::uint64_t chunk_left = 0;  // of the chunk whose head was read

 private:
  void on_request_impl(http::verb, boost::beast::string_view method,
                       boost::beast::string_view target, int version, ErrorCode&) override {
    head->method.assign(method.data(), method.size());
    head->version_minor = version == 11 ? 1 : 0;
    auto parsed = net::parse_target({target.data(), target.size()});
    target_ok = parsed.has_value();
    if (parsed) head->target = std::move(*parsed);
  }
  void on_response_impl(int, boost::beast::string_view, int, ErrorCode&) override {}
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     ErrorCode&) override {
    // Trailers are dropped.
    if (head) head->headers.add({name.data(), name.size()}, {value.data(), value.size()});
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(boost::beast::string_view body, ErrorCode&) override {
    out->append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, boost::beast::string_view, ErrorCode&) override {
    chunk_left = size;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body,
                                 ErrorCode&) override {
    out->append(body.data(), body.size());
    chunk_left -= body.size();
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}
};

RequestParser::RequestParser(std::size_t max_header_bytes) : max_header_bytes_(max_header_bytes) {}
RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  scanned_ = 0;
  impl_.reset();
}

// True once the empty line is there. Line ends are checked as they come, so that a client that
// sends bare LFs is told so and does not wait for a timeout.
Result<bool> RequestParser::scan(std::string_view data) {
  while (true) {
    const std::size_t end = data.find('\n', scanned_);
    if (end == std::string_view::npos) break;
    if (end == 0 || data[end - 1] != '\r') return bad("A line ends with a bare LF.");
    const bool empty_line = end == scanned_ + 1;
    if (empty_line && scanned_ == 0) return bad("The request begins with an empty line.");
    scanned_ = end + 1;
    if (scanned_ > max_header_bytes_) break;
    if (empty_line) return true;
  }
  if (std::max(scanned_, data.size()) > max_header_bytes_)
    return fail(Errc::headers_too_large, "The request headers are too large.");
  return false;
}

Result<void> RequestParser::check_lines(std::string_view head) {
  const std::size_t first_end = head.find("\r\n");
  const std::string_view first = head.substr(0, first_end);
  if (std::ranges::any_of(first, is_control))
    return bad("A control character in the request line.");
  const std::size_t target = first.find(' ');
  const std::size_t version = first.rfind(' ');
  if (target == std::string_view::npos || version <= target + 1)
    return bad("The request line is not valid.");
  if (first.substr(target + 1, version - target - 1).find(' ') != std::string_view::npos)
    return bad("The request line is not valid.");
  const std::string_view protocol = first.substr(version + 1);
  if (protocol != "HTTP/1.1" && protocol != "HTTP/1.0")
    return bad("Only the versions 1.0 and 1.1 of HTTP are spoken here.");
  Seen seen;
  std::string_view rest = head.substr(first_end + 2);
  while (rest.size() > 2) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos ||
        !std::ranges::all_of(line.substr(0, colon), is_token_char))
      return bad("A header field's name is not valid, or the line is folded.");
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (std::ranges::any_of(value, is_control))
      return bad("A control character in a header field.");
    if (auto noted = seen.note(line.substr(0, colon), value); !noted) return noted;
    rest.remove_prefix(end + 2);
  }
  if (auto judged = seen.judge(protocol == "HTTP/1.1"); !judged) return judged;
  return check_method(first.substr(0, target));
}

Result<std::size_t> RequestParser::read_head(std::string_view data, RequestHead& head) {
  auto whole = scan(data);
  if (!whole) return whole.error();
  if (!*whole) return std::size_t{0};
  const std::string_view bytes = data.substr(0, scanned_);
  if (auto checked = check_lines(bytes); !checked) return checked.error();
  impl_ = std::make_unique<Impl>();
  impl_->header_limit(static_cast<std::uint32_t>(max_header_bytes_ + 1));
  impl_->body_limit(boost::none);
  impl_->head = &head;
  ErrorCode error;
  const std::size_t used = impl_->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  impl_->head = nullptr;
  if (error || used != bytes.size() || !impl_->is_header_done())
    return bad("The request can't be read.");
  if (!impl_->target_ok) return bad("The request target is not valid.");
  head.chunked = impl_->chunked();
  const auto length = impl_->content_length();
  if (length) head.content_length = *length;
  return used;
}

Result<std::size_t> RequestParser::read_body(std::string_view data, std::string& out) {
  impl_->out = &out;
  std::size_t used = 0;
  while (used < data.size() && !impl_->is_done()) {
    ErrorCode error;
    const std::string_view rest = data.substr(used);
    // Beast takes it for given that the head of the last chunk comes with what ends it.
    if (impl_->chunked() && impl_->chunk_left == 0 && rest.size() < kMinLastChunkBytes) break;
    const std::size_t n = impl_->put(boost::asio::buffer(rest.data(), rest.size()), error);
    used += n;
    if (error == http::error::body_limit)
      return fail(Errc::too_large, "The body is larger than this address takes.");
    if (error == http::error::need_more) {
      if (data.size() - used > kMaxChunkLineBytes) return bad("A chunk's head is too long.");
      break;
    }
    if (error) return bad("The body's framing is broken.");
  }
  return used;
}

void RequestParser::set_body_limit(std::uint64_t max_bytes) { impl_->body_limit(max_bytes); }
bool RequestParser::is_complete() const { return impl_ && impl_->is_done(); }

}  // namespace tandem::net
