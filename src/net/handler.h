#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/request.h"
#include "net/response.h"

namespace tandem::net {

// What is to become of a request whose headers have been read.
struct RouteDecision {
  std::optional<Response> refuse;    // answered at once; the body is not wanted
  std::uint64_t max_body_bytes = 0;  // more is 413
  bool stream_body = false;          // Request::body_stream in place of Request::body
  std::int64_t timeout_ms = 0;       // for Request::deadline; 0: the server's default
  std::shared_ptr<void> context;     // handed to handle(), e.g. who the caller is and the route
  // Where it can't be told at once: awaited before anything else, and gives the decision, that has
  // none of these. The request's head stays as it is meanwhile.
  std::function<io::Awaitable<RouteDecision>()> later;
};

// For access logs and metrics: one for each answer, net's own refusals included.
struct Served {
  const RequestHead& head;  // method and target are empty where they could not be read
  int status = 0;
  std::uint64_t body_bytes = 0;  // of the answer
  std::int64_t duration_ms = 0;  // from the complete head to the last byte handed to the kernel
};

// What a server serves. Called on all loops at once: implementations are thread-safe. One request's
// calls are made on its connection's loop and must not block it.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual RouteDecision decide(const RequestHead& head) = 0;
  // An exception is answered as `internal` and told to failed().
  virtual io::Awaitable<Response> handle(Request& request) = 0;
  virtual void served(const Served&) {}
  virtual void failed(const std::string& /*request_id*/, const std::string& /*what*/) {}
};

}  // namespace tandem::net
