#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

// Time on the wall: milliseconds since 1970 in UTC. For what people read and what is stored.
struct WallTime {
  std::int64_t ms = 0;
  auto operator<=>(const WallTime&) const = default;
};
inline WallTime operator+(WallTime time, std::int64_t ms) { return {time.ms + ms}; }
inline std::int64_t operator-(WallTime a, WallTime b) { return a.ms - b.ms; }

// Time that only grows, whatever is done to the wall clock. For leases, timers and deadlines.
struct MonoTime {
  std::int64_t ms = 0;
  auto operator<=>(const MonoTime&) const = default;
};
inline MonoTime operator+(MonoTime time, std::int64_t ms) { return {time.ms + ms}; }
inline std::int64_t operator-(MonoTime a, MonoTime b) { return a.ms - b.ms; }
constexpr MonoTime kNever{INT64_MAX};

// The one seam to time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual MonoTime mono() const = 0;
};

// The machine's clocks. The wall clock is read once and then follows the monotonic one, so that a
// jump of the machine's time fires no timer early (promise 19); it is corrected at a restart.
class SystemClock final : public Clock {
 public:
  SystemClock();
  WallTime wall() const override;
  MonoTime mono() const override;

 private:
  std::int64_t wall_minus_mono_ms_;
};

// RFC 3339 in UTC with milliseconds: 2026-01-31T23:59:59.123Z.
std::string to_rfc3339(WallTime time);
// Takes any RFC 3339 offset and fraction; nothing where the text is not a time of the years
// 1970…9999.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace tandem
