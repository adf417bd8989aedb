#include "tests/fuzz/websocket_model.h"

#include <optional>

#include "base/encoding.h"
#include "net/ws_peer.h"

namespace tandem::fuzz {
namespace {

namespace ws_code = net::ws_code;

enum Opcode : unsigned { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPong = 10 };

struct Frame {
  bool fin = false, reserved = false, masked = false, shortest = true;
  unsigned opcode = 0;
  std::uint64_t size = 0;
  std::string payload;  // unmasked
  bool whole = false;   // the payload is all there
  bool is_control() const { return opcode >= kClose; }
};

unsigned byte(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value = value << 8 | byte(bytes, i);
  return value;
}

// Takes a frame from the front; nothing where its head is not all there.
std::optional<Frame> take_frame(std::string_view& bytes) {
  if (bytes.size() < 2) return std::nullopt;
  Frame frame;
  frame.fin = (byte(bytes, 0) & 0x80) != 0;
  frame.reserved = (byte(bytes, 0) & 0x70) != 0;
  frame.opcode = byte(bytes, 0) & 0x0f;
  frame.masked = (byte(bytes, 1) & 0x80) != 0;
  frame.size = byte(bytes, 1) & 0x7f;
  const std::size_t length_bytes = frame.size == 126 ? 2 : frame.size == 127 ? 8 : 0;
  const std::size_t head_bytes = 2 + length_bytes + (frame.masked ? 4 : 0);
  if (bytes.size() < head_bytes) return std::nullopt;
  if (length_bytes > 0) {
    frame.size = number(bytes.substr(2, length_bytes));
    frame.shortest = frame.size >= (length_bytes == 2 ? 126u : 65536u);
  }
  const std::string_view mask = bytes.substr(2 + length_bytes, frame.masked ? 4 : 0);
  bytes.remove_prefix(head_bytes);
  frame.payload = bytes.substr(0, frame.size);
  frame.whole = frame.payload.size() == frame.size;
  bytes.remove_prefix(frame.payload.size());
  for (std::size_t i = 0; i < frame.payload.size() && frame.masked; ++i)
    frame.payload[i] = static_cast<char>(frame.payload[i] ^ mask[i % 4]);
  return frame;
}

bool is_close_code(std::uint64_t code) {
  if (code >= 3000) return true;  // from 5000 on nobody has said what they mean
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

class Session {
 public:
  explicit Session(std::size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  WebSocketModel run(std::string_view bytes) {
    while (const auto frame = take_frame(bytes)) {
      if (breaks_rules(*frame)) return end(ws_code::kProtocol);
      if (frame->is_control()) {
        if (!frame->whole) break;
        if (frame->opcode == kClose) return closed(frame->payload);
        continue;
      }
      if (frame->opcode != kContinuation) opcode_ = frame->opcode;
      if (frame->size > max_message_bytes_ - message_.size()) return end(ws_code::kTooBig);
      message_ += frame->payload;
      if (!frame->whole) break;
      if (!frame->fin) continue;
      if (opcode_ == kText && !is_utf8(message_)) return end(ws_code::kBadUtf8);
      if (opcode_ != kText) return end(ws_code::kUnsupported);
      model_.messages.push_back(std::move(message_));
      message_.clear();
      opcode_.reset();
    }
    return end(ws_code::kAbnormal);
  }

 private:
  bool breaks_rules(const Frame& frame) const {
    if (frame.reserved || !frame.masked || !frame.shortest) return true;
    if (frame.is_control()) return frame.opcode > kPong || !frame.fin || frame.size > 125;
    return frame.opcode > kBinary || opcode_.has_value() != (frame.opcode == kContinuation);
  }
  WebSocketModel closed(std::string_view payload) {
    if (payload.empty()) return end(1005);
    if (payload.size() == 1) return end(ws_code::kProtocol);
    const std::uint64_t code = number(payload.substr(0, 2));
    if (!is_close_code(code)) return end(ws_code::kProtocol);
    if (!is_utf8(payload.substr(2))) return end(ws_code::kProtocol);
    return end(static_cast<std::uint16_t>(code));
  }
  WebSocketModel end(std::uint16_t code) {
    model_.code = code;
    model_.may_be_bad_utf8 = opcode_ == kText && !is_utf8(message_);
    return model_;
  }

  std::size_t max_message_bytes_;
  WebSocketModel model_;
  std::optional<unsigned> opcode_;  // of the message that is under way
  std::string message_;
};

}  // namespace

WebSocketModel websocket_model(std::string_view bytes, std::size_t max_message_bytes) {
  return Session(max_message_bytes).run(bytes);
}

}  // namespace tandem::fuzz
