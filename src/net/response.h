#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/random_access_file.h"
#include "base/result.h"
#include "net/body_source.h"
#include "net/headers.h"
#include "net/ws_peer.h"

namespace tandem::net {

// Bytes of a file, read in bounded pieces. The connection is cut where they can't be read, or are
// fewer than was said.
struct FileRange {
  std::unique_ptr<const RandomAccessFile> file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Turns the connection into a WebSocket. net checks the handshake first (400, or 426 with
// Sec-WebSocket-Version) and then runs the session on the same loop.
struct WsUpgrade {
  std::string subprotocol;  // chosen among the offered ones; empty: none
  WsSession session;
};

// What a handler answers. net adds Date, Content-Length or Transfer-Encoding, Connection and
// X-Request-Id, and leaves the body away for HEAD, 204 and 304.
struct Response {
  using Shared = std::shared_ptr<const std::string>;
  using Stream = std::unique_ptr<BodySource>;
  using Body = std::variant<std::string, Shared, Stream, FileRange, WsUpgrade>;

  int status = 200;
  Headers headers;
  Body body;
  bool close = false;  // end the connection after this answer

  static Response empty(int status = 204);
  static Response text(std::string body, std::string_view content_type, int status = 200);
  static Response json(std::string body, int status = 200) {
    return text(std::move(body), "application/json", status);
  }
  static Response shared(Shared body, std::string_view content_type, int status = 200);
  static Response stream(Stream body, std::string_view content_type, int status = 200);
  static Response file(FileRange range, std::string_view content_type, int status = 200);
  static Response upgrade(std::string subprotocol, WsSession session);
  // application/problem+json of base/error.h's table: code, status, title, detail, request_id, and
  // errors: [{field, message}] where the error names a field.
  static Response problem(const Error& error, std::string_view request_id);
};

// The subprotocols offered in Sec-WebSocket-Protocol, in the client's order.
std::vector<std::string> offered_subprotocols(const Headers& headers);

std::string_view reason_phrase(int status);
std::string json_quoted(std::string_view text);  // with the quotes; bad UTF-8 becomes U+FFFD

}  // namespace tandem::net
