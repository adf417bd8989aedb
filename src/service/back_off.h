#pragma once

#include <cstdint>

#include "base/random.h"

namespace tandem::service {

// An interval, a tenth of it more or less by chance, so that not all who keep it act at one moment.
std::int64_t spread(Random& random, std::int64_t interval_ms);

struct BackOffBounds {
  std::int64_t first_ms = 200, longest_ms = 30'000;
};

// Pauses between tries of what must work in the end: each about twice the one before, with chance,
// so that a thousand workers do not come back at one moment. Never gives up.
class BackOff {
 public:
  explicit BackOff(Random& random, BackOffBounds bounds = {}) : random_(random), bounds_(bounds) {}

  // How long to wait after one more failure: between a half and the whole of the current span.
  // Where the other side asked for a pause, at least that and up to a quarter more.
  std::int64_t next_ms(std::int64_t asked_ms = 0);
  void reset() { failures_ = 0; }  // it worked
  int failures() const { return failures_; }

 private:
  Random& random_;
  BackOffBounds bounds_;
  int failures_ = 0;
};

}  // namespace tandem::service
