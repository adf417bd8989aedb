#include "service/back_off.h"

#include <algorithm>

namespace tandem::service {

std::int64_t spread(Random& random, std::int64_t interval_ms) {
  const std::uint64_t more_ms = random.below(static_cast<std::uint64_t>(interval_ms / 5 + 1));
  return interval_ms - interval_ms / 10 + static_cast<std::int64_t>(more_ms);
}

std::int64_t BackOff::next_ms(std::int64_t asked_ms) {
  constexpr int kMaxDoublings = 30;
  const int doublings = std::min(failures_, kMaxDoublings);
  ++failures_;
  const std::int64_t span_ms = std::min(bounds_.first_ms << doublings, bounds_.longest_ms);
  const auto half_ms = static_cast<std::uint64_t>(span_ms / 2);
  const auto own_ms = static_cast<std::int64_t>(half_ms + random_.below(half_ms + 1));
  if (asked_ms <= 0) return own_ms;
  const std::uint64_t spread_ms = random_.below(static_cast<std::uint64_t>(asked_ms) / 4 + 1);
  return std::max(own_ms, asked_ms + static_cast<std::int64_t>(spread_ms));
}

}  // namespace tandem::service
