#pragma once

#include "queue/maintenance/dispatcher_door.h"
#include "queue/maintenance/job.h"

namespace tandem::queue {

// Drops refresh tokens that have expired.
class RefreshExpiry final : public MaintenanceJob {
 public:
  RefreshExpiry(DispatcherDoor& dispatcher, const Clock& clock)
      : dispatcher_(dispatcher), clock_(clock) {}

  std::string_view name() const override { return "expiry of refresh tokens"; }
  std::int64_t every_ms() const override { return 600'000; }
  Result<bool> run() override {
    constexpr int kBatch = 1000;
    auto dropped = std::make_shared<std::int64_t>(0);
    Transact transact{.run = nullptr, .done = nullptr};
    transact.run = [dropped, now = clock_.wall()](store::Store& store) -> Result<void> {
      auto count = store.accounts().expire_refresh(now, kBatch);
      if (!count) return count.error();
      *dropped = *count;
      return {};
    };
    const auto done = dispatcher_.ask<std::monostate>(std::move(transact));
    if (!done) return done.error();
    return *dropped == kBatch;
  }

 private:
  DispatcherDoor& dispatcher_;
  const Clock& clock_;
};

}  // namespace tandem::queue
