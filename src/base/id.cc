#include "base/id.h"

namespace tandem {
namespace {

constexpr std::uint64_t kTailMask = (1ull << 62) - 1;
constexpr char kHex[] = "0123456789abcdef";

int lower_hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool is_dash(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

void put_big_endian(std::uint8_t* out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i, value >>= 8) out[i] = static_cast<std::uint8_t>(value);
}

}  // namespace

std::string to_string(const Uuid& id) {
  std::string text(36, '-');
  std::size_t at = 0;
  for (std::uint8_t byte : id.bytes) {
    if (is_dash(at)) ++at;
    text[at++] = kHex[byte >> 4];
    text[at++] = kHex[byte & 15];
  }
  return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid id;
  std::size_t at = 0;
  for (std::uint8_t& byte : id.bytes) {
    if (is_dash(at) && text[at++] != '-') return std::nullopt;
    const int high = lower_hex_value(text[at]), low = lower_hex_value(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    byte = static_cast<std::uint8_t>(high << 4 | low);
    at += 2;
  }
  return id;
}

// RFC 9562, section 6.2, method 2: within a millisecond the random tail counts up by a random step,
// so that ids are ordered and still can't be guessed from their neighbours.
Uuid IdSource::next() {
  const std::uint64_t chance = random_.next();
  const std::lock_guard lock(mutex_);
  const auto now = static_cast<std::uint64_t>(clock_.wall().ms);
  if (now > last_ms_) {
    last_ms_ = now;
    last_head_ = static_cast<std::uint16_t>(chance & 0x7FF);
    last_tail_ = (chance * 0x9E3779B97F4A7C15ull) & kTailMask;
  } else {
    last_tail_ = (last_tail_ + 1 + (chance & 0xFFFFFFFFFFFF)) & kTailMask;
    if (last_tail_ <= (chance & 0xFFFFFFFFFFFF)) last_head_ = (last_head_ + 1) & 0xFFF;
    if (last_head_ == 0 && last_tail_ <= (chance & 0xFFFFFFFFFFFF)) ++last_ms_;
  }
  Uuid id;
  put_big_endian(id.bytes.data(), last_ms_, 6);
  put_big_endian(id.bytes.data() + 6, 0x7000u | last_head_, 2);
  put_big_endian(id.bytes.data() + 8, (2ull << 62) | last_tail_, 8);
  return id;
}

}  // namespace tandem
