#include <algorithm>
#include <charconv>

#include "net/connection.h"

namespace tandem::net {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;   // of a file; and what one write deadline is for
constexpr std::size_t kJoinedBytes = 32 * 1024;  // a body up to this goes out with its headers

bool may_keep_alive(const RequestHead& head) {
  if (head.version_minor == 1) return !head.headers.has_token("connection", "close");
  return head.headers.has_token("connection", "keep-alive");
}

std::optional<std::uint64_t> known_length(const Response::Body& body) {
  if (const auto* text = std::get_if<std::string>(&body)) return text->size();
  if (const auto* text = std::get_if<Response::Shared>(&body)) return *text ? (*text)->size() : 0;
  if (const auto* file = std::get_if<FileRange>(&body)) return file->length;
  return std::nullopt;
}

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

io::Awaitable<bool> Connection::flush() {
  std::size_t written = 0, since_arm = 0;
  if (!out_.empty()) arm(Phase::writing, loop_.options.write_timeout_ms);
  while (written < out_.size() && !expired_) {
    const Step step = transport_.write_now(out_.data() + written, out_.size() - written);
    if (step.kind == Step::Kind::done) {
      written += step.bytes;
      since_arm += step.bytes;
      if (since_arm >= kPieceBytes) {
        since_arm = 0;
        arm(Phase::writing, loop_.options.write_timeout_ms);
      }
    } else if (step.must_wait()) {
      co_await transport_.wait(step);
    } else {
      break;
    }
  }
  const bool all = written == out_.size();
  out_.clear();
  if (!all) transport_.cut();
  co_return all;
}

io::Awaitable<bool> Connection::write_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t room = out_.size() < kPieceBytes ? kPieceBytes - out_.size() : 0;
    const std::string_view piece = bytes.substr(0, room);
    out_ += piece;
    bytes.remove_prefix(piece.size());
    if (out_.size() < kPieceBytes) break;
    const bool written = co_await flush();
    if (!written) co_return false;
  }
  co_return true;
}

io::Awaitable<bool> Connection::write_stream(BodySource& source, bool chunked) {
  std::string chunk;
  while (true) {
    arm(Phase::handling, -1);
    auto more = co_await source.next(chunk);
    if (!more) co_return false;
    if (!*more) break;
    if (chunk.empty()) continue;
    if (chunked) {
      char digits[18];
      const auto end = std::to_chars(digits, digits + 16, chunk.size(), 16).ptr;
      out_.append(digits, end);
      out_ += "\r\n";
    }
    body_bytes_out_ += chunk.size();
    bool written = co_await write_bytes(chunk);
    if (!written) co_return false;
    if (chunked) out_ += "\r\n";
    written = co_await flush();
    if (!written) co_return false;
  }
  if (chunked) out_ += "0\r\n\r\n";
  co_return true;
}

io::Awaitable<bool> Connection::write_file(const FileRange& range) {
  std::uint64_t offset = range.offset, left = range.length;
  std::string piece;
  while (left > 0) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes));
    piece.resize(wanted);
    auto read = [&piece, &range, offset] { return range.file->read_at(offset, piece); };
    Result<std::size_t> got = 0u;
    if (loop_.files) {
      arm(Phase::handling, -1);
      got = co_await io::offload(*loop_.files, read);
    } else {
      got = read();
    }
    if (!got || *got == 0) co_return false;
    body_bytes_out_ += *got;
    const std::string_view bytes(piece.data(), *got);
    const bool written = co_await write_bytes(bytes);
    if (!written) co_return false;
    offset += *got;
    left -= *got;
  }
  co_return true;
}

io::Awaitable<bool> Connection::write_body(Response::Body& body, bool chunked) {
  if (auto* stream = std::get_if<Response::Stream>(&body)) {
    if (!*stream) co_return true;
    bool written = co_await flush();
    if (written) written = co_await write_stream(**stream, chunked);
    co_return written;
  }
  if (auto* file = std::get_if<FileRange>(&body)) co_return co_await write_file(*file);
  std::string_view bytes;
  if (const auto* text = std::get_if<std::string>(&body)) bytes = *text;
  if (const auto* text = std::get_if<Response::Shared>(&body); text && *text) bytes = **text;
  body_bytes_out_ += bytes.size();
  if (bytes.size() <= kJoinedBytes) {
    out_ += bytes;
    co_return true;
  }
  co_return co_await write_bytes(bytes);
}

// True where the connection goes on. Small answers stay in out_ until the connection would wait.
io::Awaitable<bool> Connection::answer(Request& request, Response response) {
  Framing framing;
  framing.version_minor = request.version_minor;
  framing.has_body = status_has_body(response.status);
  framing.content_length = known_length(response.body);
  framing.chunked = !framing.content_length && request.version_minor == 1;
  const bool send_body = framing.has_body && request.method != "HEAD";
  const bool endless = send_body && !framing.content_length && !framing.chunked;
  framing.keep_alive = !close_ && !loop_.draining && !response.close && !endless &&
                       may_keep_alive(request) && rest_of_body_is_here();
  append_head(out_, response, framing, request.request_id);
  body_bytes_out_ = 0;
  bool sent = true;
  if (send_body) {
    try {
      sent = co_await write_body(response.body, framing.chunked);
    } catch (const std::exception& error) {
      if (loop_.cut) throw;
      loop_.handler.failed(request.request_id, error.what());
      sent = false;
    }
  }
  if (sent && !framing.keep_alive) sent = co_await flush();
  if (sent) arm(Phase::writing, loop_.options.write_timeout_ms);
  const std::int64_t took_ms = loop_.clock.mono() - request.received;
  const Served served{request, response.status, body_bytes_out_, took_ms};
  loop_.handler.served(served);
  if (!sent) {
    // A body that broke off must not look whole.
    transport_.cut();
    co_return false;
  }
  if (!framing.keep_alive) co_await linger();
  co_return framing.keep_alive;
}

io::Awaitable<bool> Connection::refuse(Request& request, Error error) {
  if (request.request_id.empty()) note_head(request);
  Response response = Response::problem(error, request.request_id);
  response.close = true;
  if (error.code == Errc::method_not_allowed)
    response.headers.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  co_return co_await answer(request, std::move(response));
}

}  // namespace tandem::net
