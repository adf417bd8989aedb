#include "ws_frames.h"

namespace tandem::bench {

std::string upgrade_request(std::string_view target, std::string_view token) {
  std::string request = "GET ";
  request.append(target);
  request +=
      " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Authorization: Bearer ";
  request.append(token);
  return request + "\r\n\r\n";
}

std::size_t frame_size(std::string_view data, std::size_t& head) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(data[at]); };
  if (data.size() < 2) return 0;
  std::size_t length = byte(1);
  head = length < 126 ? 2 : length == 126 ? 4 : 10;
  if (data.size() < head) return 0;
  if (head > 2) {
    length = 0;
    for (std::size_t at = 2; at < head; ++at) length = length << 8 | byte(at);
  }
  return head + length;
}

std::string text_frame(std::string_view text) {
  std::string frame(1, '\x81');
  const auto length = [&](int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
      frame.push_back(static_cast<char>(text.size() >> shift & 0xff));
  };
  if (text.size() < 126) {
    frame.push_back(static_cast<char>(0x80 | text.size()));
  } else if (text.size() < 65536) {
    frame.push_back('\xfe');
    length(2);
  } else {
    frame.push_back('\xff');
    length(8);
  }
  frame.append(4, '\0');
  return frame.append(text);
}

}  // namespace tandem::bench
