#include "store/packed.h"

#include <bit>

namespace tandem::store {

PackWriter& PackWriter::number(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
  bytes_.push_back(static_cast<char>(value));
  return *this;
}

PackWriter& PackWriter::signed_number(std::int64_t value) {
  return number(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
}

PackWriter& PackWriter::text(std::string_view value) {
  number(value.size());
  bytes_.append(value);
  return *this;
}

PackWriter& PackWriter::maybe(const std::optional<std::int64_t>& value) {
  number(value ? 1 : 0);
  if (value) signed_number(*value);
  return *this;
}

PackWriter& PackWriter::real(double value) { return number(std::bit_cast<std::uint64_t>(value)); }

std::uint64_t PackReader::number() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  ok_ = false;
  rest_ = {};
  return 0;
}

std::int64_t PackReader::signed_number() {
  const std::uint64_t value = number();
  return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
}

std::string_view PackReader::text() {
  const std::uint64_t size = number();
  if (size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const std::string_view value = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return value;
}

std::optional<std::int64_t> PackReader::maybe() {
  if (number() == 0) return std::nullopt;
  return signed_number();
}

double PackReader::real() { return std::bit_cast<double>(number()); }

}  // namespace tandem::store
