#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "net/request.h"
#include "net/transport.h"
#include "net/ws_peer.h"

namespace tandem::net {

struct WsLimits {
  std::size_t max_message_bytes = limits::kMaxWebSocketMessageBytes;
  std::size_t queue_bytes = limits::kMaxWebSocketQueueBytes;
  std::int64_t silence_ms = 60'000;
  std::int64_t write_timeout_ms = limits::kWriteTimeoutMs;
  std::int64_t close_timeout_ms = 5'000;  // also of the opening handshake
  std::int64_t stuck_ms = 500;            // from a cut to the end of what does not end by itself
};

// What net itself needs of a peer beside its owner's view.
class WsLink : public WsPeer {
 public:
  virtual void cut() = 0;                      // no close frame
  virtual io::Awaitable<void> finished() = 0;  // when no operation is left; ignores cancelling
};

// What the handshake of a client needs.
struct WsOffer {
  std::string host;  // with the port where it is not the scheme's own
  std::string target;
  Headers headers;
  std::vector<std::string> subprotocols;
};

// Both answer or send the handshake and start to read. Null: the peer went away.
io::Awaitable<std::shared_ptr<WsLink>> accept_websocket(Transport transport, const Request& request,
                                                        std::string subprotocol, WsLimits limits);
// The refusing answer's own error; store_unavailable where there was no answer.
io::Awaitable<Result<std::shared_ptr<WsLink>>> open_websocket(Transport transport,
                                                              const WsOffer& offer,
                                                              WsLimits limits);

}  // namespace tandem::net
