#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::store {

// A compact row of values: whole numbers in LEB128, signed ones in zigzag, texts behind their
// length. The reader must know what the writer wrote.
class PackWriter {
 public:
  PackWriter& number(std::uint64_t value);
  PackWriter& signed_number(std::int64_t value);
  PackWriter& text(std::string_view value);
  PackWriter& maybe(const std::optional<std::int64_t>& value);
  PackWriter& real(double value);
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Bytes that are not as expected give zeros and empty texts, and ok() is false from then on.
class PackReader {
 public:
  explicit PackReader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number();
  std::int64_t signed_number();
  std::string_view text();  // borrowed from the bytes
  std::optional<std::int64_t> maybe();
  double real();
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace tandem::store
