#pragma once

#include <atomic>

#include "base/clock.h"

namespace tandem {

// A clock that a test moves. Its two times differ, so that no code may take one for the other.
struct ManualClock final : Clock {
  WallTime wall() const override { return {1'800'000'000'000 + now_ms}; }
  MonoTime mono() const override { return {1000 + now_ms}; }
  std::atomic<std::int64_t> now_ms = 0;
};

}  // namespace tandem
