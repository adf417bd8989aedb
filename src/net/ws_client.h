#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "io/asio.h"
#include "net/headers.h"
#include "net/ws_peer.h"

namespace tandem::net {

struct WsClientOptions {
  std::string url;  // ws:// or wss://, http:// or https:// for the same
  Headers headers;  // e.g. Authorization
  std::vector<std::string> subprotocols;
  std::string ca_file;  // PEM; empty: the system's
  bool verify_tls = true;
  std::int64_t timeout_ms = 10'000;  // until it is open
  std::int64_t silence_ms = 60'000;  // pings are sent after half of it
  std::size_t max_message_bytes = limits::kMaxWebSocketMessageBytes;
};

// Opens a WebSocket on the caller's loop. The answer's own code (problem+json) where the server
// refuses; else store_unavailable (not reached), request_timeout, bad_request (not a URL). The
// connection lives until it is closed: drop the peer only after close() or the end of receive().
io::Awaitable<Result<std::shared_ptr<WsPeer>>> connect_websocket(WsClientOptions options);

}  // namespace tandem::net
