#include "latencies.h"

#include <algorithm>
#include <cmath>

namespace tandem::bench {

double Latencies::percentile_ms(double percent) {
  if (values_.empty()) return 0;
  const auto last = static_cast<double>(values_.size() - 1);
  const auto at = static_cast<std::ptrdiff_t>(std::lround(last * percent / 100));
  std::nth_element(values_.begin(), values_.begin() + at, values_.end());
  return static_cast<double>(values_[static_cast<std::size_t>(at)]) / 1000;
}

}  // namespace tandem::bench
