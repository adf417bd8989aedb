#pragma once

#include <atomic>
#include <cstdint>

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

// Whether logs can be read and written; asked at most once a second. Thread-safe.
class LogProbe {
 public:
  explicit LogProbe(const Services& services) : services_(services) {}
  io::Awaitable<bool> is_ready();

 private:
  const Services& services_;
  std::atomic<std::int64_t> checked_at_ms_{INT64_MIN};  // on the monotonic clock
  std::atomic<bool> ready_{true};
};

}  // namespace tandem::api
