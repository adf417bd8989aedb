#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace tandem::auth {

// Bounds failed logins per client id and address. After kFreeFailures failures each further attempt
// waits twice as long as the last, up to kMaxWaitMs. An address alone is bounded too, over all
// client ids. Memory is bounded: the entry that was not used for longest goes first. Thread-safe.
class LoginThrottle {
 public:
  explicit LoginThrottle(const Clock& clock, std::size_t max_entries = 10'000)
      : clock_(clock), max_entries_(max_entries) {}

  // Before the secret is checked. Nothing: go on. Else seconds for Retry-After (429).
  std::optional<int> blocked_for_s(std::string_view client_id, std::string_view address);
  void failed(std::string_view client_id, std::string_view address);
  void succeeded(std::string_view client_id, std::string_view address);  // forgets the pair

  static constexpr int kFreeFailures = 5;
  static constexpr int kFreeAddressFailures = 30;
  static constexpr std::int64_t kFirstWaitMs = 1000;
  static constexpr std::int64_t kMaxWaitMs = 300'000;
  static constexpr std::int64_t kForgetAfterMs = 900'000;  // without a failure

 private:
  struct Entry {
    std::string key;
    int failures = 0;
    MonoTime last_failure;
    MonoTime blocked_until;
  };
  using Entries = std::list<Entry>;  // the last used first

  std::int64_t wait_ms(const std::string& key, MonoTime now);  // with mutex_ held
  void count(std::string key, int free_failures, MonoTime now);

  const Clock& clock_;
  const std::size_t max_entries_;
  std::mutex mutex_;
  Entries entries_;  // guarded by mutex_, with index_
  std::unordered_map<std::string, Entries::iterator> index_;
};

}  // namespace tandem::auth
