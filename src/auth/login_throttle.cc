#include "auth/login_throttle.h"

#include <algorithm>
#include <utility>

namespace tandem::auth {
namespace {

constexpr std::size_t kMaxKeyBytes = 256;  // what a caller sends must not size our memory

std::string pair_key(std::string_view client_id, std::string_view address) {
  std::string key = "p";
  key += address.substr(0, kMaxKeyBytes);
  key += '\0';
  key += client_id.substr(0, kMaxKeyBytes);
  return key;
}

std::string address_key(std::string_view address) {
  return "a" + std::string(address.substr(0, kMaxKeyBytes));
}

}  // namespace

std::optional<int> LoginThrottle::blocked_for_s(std::string_view client_id,
                                                std::string_view address) {
  const MonoTime now = clock_.mono();
  const std::lock_guard lock(mutex_);
  const std::int64_t wait =
      std::max(wait_ms(pair_key(client_id, address), now), wait_ms(address_key(address), now));
  if (wait <= 0) return std::nullopt;
  return static_cast<int>((wait + 999) / 1000);
}

void LoginThrottle::failed(std::string_view client_id, std::string_view address) {
  const MonoTime now = clock_.mono();
  const std::lock_guard lock(mutex_);
  count(pair_key(client_id, address), kFreeFailures, now);
  count(address_key(address), kFreeAddressFailures, now);
}

void LoginThrottle::succeeded(std::string_view client_id, std::string_view address) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(pair_key(client_id, address));
  if (found == index_.end()) return;
  entries_.erase(found->second);
  index_.erase(found);
}

std::int64_t LoginThrottle::wait_ms(const std::string& key, MonoTime now) {
  const auto found = index_.find(key);
  return found == index_.end() ? 0 : found->second->blocked_until - now;
}

void LoginThrottle::count(std::string key, int free_failures, MonoTime now) {
  auto found = index_.find(key);
  if (found == index_.end()) {
    if (entries_.size() >= max_entries_ && !entries_.empty()) {
      index_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.push_front(Entry{key, 0, now, MonoTime{}});
    found = index_.emplace(std::move(key), entries_.begin()).first;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  Entry& entry = entries_.front();
  if (now - entry.last_failure > kForgetAfterMs) entry.failures = 0;
  entry.last_failure = now;
  ++entry.failures;
  if (entry.failures < free_failures) return;
  const int doublings = std::min(entry.failures - free_failures, 20);
  entry.blocked_until = now + std::min(kFirstWaitMs << doublings, kMaxWaitMs);
}

}  // namespace tandem::auth
