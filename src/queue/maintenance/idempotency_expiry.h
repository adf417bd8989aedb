#pragma once

#include "base/limits.h"
#include "queue/maintenance/dispatcher_door.h"
#include "queue/maintenance/job.h"

namespace tandem::queue {

// Drops idempotency rows after a day.
class IdempotencyExpiry final : public MaintenanceJob {
 public:
  IdempotencyExpiry(DispatcherDoor& dispatcher, const Clock& clock)
      : dispatcher_(dispatcher), clock_(clock) {}

  std::string_view name() const override { return "expiry of idempotency keys"; }
  std::int64_t every_ms() const override { return 60'000; }
  Result<bool> run() override {
    constexpr int kBatch = 1000;
    ExpireIdempotency expire{
        .before = clock_.wall() + -limits::kIdempotencyTtlMs, .limit = kBatch, .done = nullptr};
    const auto dropped = dispatcher_.ask<std::int64_t>(std::move(expire));
    if (!dropped) return dropped.error();
    return *dropped == kBatch;
  }

 private:
  DispatcherDoor& dispatcher_;
  const Clock& clock_;
};

}  // namespace tandem::queue
