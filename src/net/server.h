#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "io/loop.h"
#include "io/offload.h"
#include "net/handler.h"

namespace tandem::net {

// The settings exist for tests and operators; the defaults are those of base/limits.h.
struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                   // 0: any free one, the same for all loops
  std::string tls_cert_file, tls_key_file;  // PEM; both or none
  std::int64_t header_timeout_ms = limits::kHeaderTimeoutMs;
  std::int64_t body_timeout_ms = limits::kBodyTimeoutMs;    // for each 64 KiB
  std::int64_t write_timeout_ms = limits::kWriteTimeoutMs;  // for each 64 KiB
  std::int64_t idle_timeout_ms = limits::kIdleTimeoutMs;
  std::int64_t request_timeout_ms = 2 * limits::kMaxWaitMs;  // Request::deadline
  std::int64_t ws_silence_ms = 60'000;                       // pings are sent after half of it
  std::size_t max_header_bytes = limits::kMaxHeaderBytes;
  std::size_t max_connections = limits::kMaxConnections;  // of all loops together
  std::size_t ws_queue_bytes = limits::kMaxWebSocketQueueBytes;
};

struct ServerParts {
  std::vector<io::Loop*> loops;  // started or not; at least one
  Handler& handler;
  const Clock& clock;
  io::OffloadPool* files = nullptr;  // reads FileRange bodies; null: they are read on the loop
};

// HTTP/1.1 and WebSocket, plain or TLS. One acceptor for each loop (SO_REUSEPORT); a connection
// stays on its loop. Requests of one connection are handled one after another, in their order.
// The parts must outlive the server. start() and stop() are called on a thread that is no loop.
class Server {
 public:
  Server(ServerParts parts, ServerOptions options);
  ~Server();  // stop(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes the port; who connects waits until start(). Fails with validation_failed (address,
  // certificate, key) or conflict (port in use).
  Result<void> listen();
  // Lets connections in, and listens before where listen() was not called; fails as that does.
  Result<void> start();
  std::uint16_t port() const;  // after listen()
  std::string url() const;     // http://127.0.0.1:8080

  // Phase one: no new connection, idle ones are closed, answers say Connection: close, WebSockets
  // are closed with 1001. Phase two, after drain_ms: what is left is cut and its handlers are
  // cancelled. Returns when nothing is left. The loops must run. May be repeated.
  void stop(std::int64_t drain_ms);
  std::size_t connections() const;  // open now; thread-safe

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::net
