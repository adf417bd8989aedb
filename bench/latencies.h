#pragma once

#include <cstdint>
#include <vector>

namespace tandem::bench {

// Durations in microseconds, kept whole: percentiles are exact.
class Latencies {
 public:
  void add(std::int64_t microseconds) { values_.push_back(microseconds); }
  std::size_t count() const { return values_.size(); }
  // Of 0..100; 0 where there are none.
  double percentile_ms(double percent);

 private:
  std::vector<std::int64_t> values_;
};

}  // namespace tandem::bench
