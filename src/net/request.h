#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/body_source.h"
#include "net/headers.h"

namespace tandem::net {

// The parameters behind the `?`, decoded, in their order.
class Query {
 public:
  using Item = std::pair<std::string, std::string>;
  const std::string* find(std::string_view name) const;  // the first of that name
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<Item>& items() const { return items_; }
  void add(std::string name, std::string value);
  void clear() { items_.clear(); }

 private:
  std::vector<Item> items_;
};

// A request target, taken apart. Routes match on `segments`: each was cut at `/` before it was
// decoded, so that `a%2Fb` is one segment. `/a//b` has an empty segment in the middle, `/a/` one at
// its end, `/` a single empty one. All decoded text is UTF-8 without NUL.
struct Target {
  std::string raw;   // as sent, without scheme and authority
  std::string path;  // decoded
  std::vector<std::string> segments;
  Query query;
};

// Nothing where the target is not a path (or an absolute http/https URL with one), holds a broken
// escape, a control character, a fragment, or does not decode to UTF-8.
std::optional<Target> parse_target(std::string_view text);

// All that is known once the headers have been read.
struct RequestHead {
  std::string method;  // upper case; one of those that net knows
  Target target;
  int version_minor = 1;  // HTTP/1.0 or 1.1
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  std::string remote_address;  // without port: 127.0.0.1, ::1
  std::string request_id;      // the client's where it is sane, else made here
  bool tls = false;
  MonoTime received;  // when the head was complete

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  bool wants_websocket() const;  // Upgrade: websocket; net checks the rest of the handshake
};

struct Request : RequestHead {
  std::string body;                         // whole, unless the route streams
  std::unique_ptr<BodySource> body_stream;  // only for a route that streams; never null there
  std::shared_ptr<void> context;            // as put into RouteDecision::context
  MonoTime deadline = kNever;               // when an answer is no longer of use
  // Called on the loop when the peer goes away while handle() or the answer's stream is at work, at
  // most once, within about a second. Set it from inside handle().
  std::function<void()> on_disconnect;
};

}  // namespace tandem::net
