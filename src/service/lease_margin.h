#pragma once

#include <algorithm>
#include <cstdint>

namespace tandem::service {

// How long an attempt may go on that its service is not told of for `span_ms`: less by a tenth, for
// the time that killing takes, and for clocks that do not go alike.
inline std::int64_t without_margin(std::int64_t span_ms) {
  constexpr std::int64_t kLeastMarginMs = 100, kMostMarginMs = 2000;
  return span_ms - std::clamp(span_ms / 10, std::min(kLeastMarginMs, span_ms / 2), kMostMarginMs);
}

}  // namespace tandem::service
