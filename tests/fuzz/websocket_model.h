#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::fuzz {

// What a WebSocket that takes text messages makes of the bytes of a client (RFC 6455), written anew
// to compare with.
struct WebSocketModel {
  std::vector<std::string> messages;
  // The code of the end: the client's, 1005 for a close without one, ours for what breaks the
  // rules; 1006 where the bytes just end.
  std::uint16_t code = 1006;
  // The end came within a text that may have been refused before, as soon as a byte of it was no
  // UTF-8.
  bool may_be_bad_utf8 = false;
};

WebSocketModel websocket_model(std::string_view bytes, std::size_t max_message_bytes);

}  // namespace tandem::fuzz
