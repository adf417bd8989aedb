#include "worker/alarm.h"

#include <utility>

namespace tandem::worker {

void Alarm::set(std::int64_t delay_ms, std::function<void()> ring) {
  State& state = *state_;
  state.ring = std::move(ring);
  state.timer.expires_after(std::chrono::milliseconds(delay_ms));
  const std::uint64_t setting = ++state.setting;
  state.timer.async_wait([held = state_, setting](const boost::system::error_code&) {
    if (held->setting != setting || !held->ring) return;
    std::exchange(held->ring, nullptr)();
  });
}

void Alarm::clear() {
  ++state_->setting;
  state_->ring = nullptr;
  state_->timer.cancel();
}

}  // namespace tandem::worker
