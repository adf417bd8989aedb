#include "service/retry_after.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace tandem::service {

std::int64_t retry_after_ms(const net::HttpAnswer& answer) {
  constexpr std::int64_t kLongestS = kLongestAskedMs / 1000;
  if (answer.status != 429 && answer.status != 503) return 0;
  const std::string_view text = answer.headers.get("Retry-After");
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return 0;
  std::int64_t seconds = kLongestS;  // where there are more than fit
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::min(seconds, kLongestS) * 1000;
}

}  // namespace tandem::service
