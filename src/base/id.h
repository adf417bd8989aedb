#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace tandem {

// 16 bytes, ordered by value; written in lower case as 8-4-4-4-12.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }
};

std::string to_string(const Uuid& id);
// Takes only the canonical lower-case form.
std::optional<Uuid> parse_uuid(std::string_view text);

// An id that can't be mistaken for one of another kind.
template <class Tag>
struct Id : Uuid {
  Id() = default;
  explicit Id(const Uuid& value) : Uuid(value) {}
  auto operator<=>(const Id&) const = default;
  static std::optional<Id> parse(std::string_view text) {
    const auto value = parse_uuid(text);
    if (!value) return std::nullopt;
    return Id(*value);
  }
};

using TaskId = Id<struct TaskTag>;
using WorkerId = Id<struct WorkerTag>;
using ClientId = Id<struct ClientTag>;
using ServerId = Id<struct ServerTag>;

// Makes UUIDv7 (RFC 9562): each is greater than all that this source made before, also within one
// millisecond and when the wall clock goes back. Thread-safe.
class IdSource {
 public:
  IdSource(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  Uuid next();
  template <class AnyId>
  AnyId make() {
    return AnyId(next());
  }

 private:
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::uint64_t last_ms_ = 0;    // guarded by mutex_, with the two below
  std::uint64_t last_tail_ = 0;  // the low 62 bits
  std::uint16_t last_head_ = 0;  // the 12 bits behind the time
};

}  // namespace tandem

template <>
struct std::hash<tandem::Uuid> {
  std::size_t operator()(const tandem::Uuid& id) const {
    std::uint64_t low = 0, high = 0;
    std::memcpy(&high, id.bytes.data(), 8);
    std::memcpy(&low, id.bytes.data() + 8, 8);
    const std::uint64_t mixed = (low ^ (high * 0x9E3779B97F4A7C15ull)) * 0xBF58476D1CE4E5B9ull;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32));
  }
};
template <class Tag>
struct std::hash<tandem::Id<Tag>> : std::hash<tandem::Uuid> {};
