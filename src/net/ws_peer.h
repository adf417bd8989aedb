#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "io/asio.h"

namespace tandem::net {

namespace ws_code {
inline constexpr std::uint16_t kNormal = 1000, kGoingAway = 1001, kProtocol = 1002;
inline constexpr std::uint16_t kUnsupported = 1003, kAbnormal = 1006, kBadUtf8 = 1007;
inline constexpr std::uint16_t kPolicy = 1008, kTooBig = 1009, kInternal = 1011;
}  // namespace ws_code

struct WsClose {
  std::uint16_t code = 0;  // 0 while open; 1006 where the connection just broke
  std::string reason;
};

// One side of a WebSocket that speaks text messages. Every call is made on the peer's loop. net
// pings each 30 s and ends a connection whose peer is silent for 60 s or does not read for
// limits::kWriteTimeoutMs.
class WsPeer {
 public:
  virtual ~WsPeer() = default;

  // Queues a message (it must be UTF-8) and returns at once. false: nothing was queued, since it is
  // closing or the queue would pass limits::kMaxWebSocketQueueBytes; a message is always taken into
  // an empty queue.
  virtual bool send(std::shared_ptr<const std::string> text) = 0;
  virtual std::size_t queued_bytes() const = 0;
  // Called after a refused send, once, when the queue has shrunk below a quarter of its bound. Not
  // called from inside send(). Empty to drop it.
  virtual void set_on_drained(std::function<void()> callback) = 0;

  // The next message in order; nothing once the connection is closed by either side. One caller at
  // a time. Reading from the peer stops while four messages wait here.
  virtual io::Awaitable<std::optional<std::string>> receive() = 0;

  // Sends what is queued, then the close frame; ends receive(). Harmless when repeated. Within a
  // few seconds the connection is gone, whatever the peer does.
  virtual void close(std::uint16_t code, std::string reason) = 0;
  virtual bool is_open() const = 0;              // until close() or the peer's close
  virtual const WsClose& closed_by() const = 0;  // who asked first: its code and reason
};

// Runs as long as the WebSocket matters to its owner; when it returns the peer is closed with 1000
// unless it was before. An exception closes with 1011.
using WsSession = std::function<io::Awaitable<void>(std::shared_ptr<WsPeer>)>;

}  // namespace tandem::net
