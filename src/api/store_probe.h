#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "api/services.h"

namespace tandem::api {

// Whether the store can be written, by an empty transaction through the dispatcher; asked at most
// once a second, however many ask. Thread-safe.
class StoreProbe {
 public:
  explicit StoreProbe(const Services& services) : services_(services) {}
  io::Awaitable<bool> is_ready(Outbox& outbox);

 private:
  const Services& services_;
  std::atomic<std::int64_t> checked_at_ms_{INT64_MIN};  // on the monotonic clock
  std::atomic<bool> ready_{false};
};

// Whether an engine that is not the store works, such as that of the logs; `check` blocks. Asked at
// most once a second, and waited for no longer than two. Thread-safe.
class EngineProbe {
 public:
  EngineProbe(const Services& services, std::function<Result<void>()> check)
      : services_(services), check_(std::move(check)) {}
  io::Awaitable<bool> is_ready(Outbox& outbox);

 private:
  const Services& services_;
  const std::function<Result<void>()> check_;
  std::atomic<std::int64_t> checked_at_ms_{INT64_MIN};  // on the monotonic clock
  std::atomic<bool> ready_{true};
};

}  // namespace tandem::api
