#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "base/outbox.h"

namespace tandem::logs {

// For tests: the receiver is the thread that calls run_until().
class TestOutbox final : public Outbox {
 public:
  void post(std::vector<Delivery> deliveries) override {
    const std::lock_guard lock(mutex_);
    ++posts_;
    for (Delivery& one : deliveries) queue_.push_back(std::move(one));
    arrived_.notify_all();  // under the lock: the receiver may be gone right after it
  }

  // Runs deliveries until `done()`; false where a minute has passed without it.
  bool run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!done()) {
      std::unique_lock lock(mutex_);
      if (!arrived_.wait_until(lock, deadline, [this] { return !queue_.empty(); })) return false;
      const Delivery next = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      next();
    }
    return true;
  }

  // Runs what has arrived.
  void run_arrived() {
    for (;;) {
      std::unique_lock lock(mutex_);
      if (queue_.empty()) return;
      const Delivery next = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      next();
    }
  }

  std::size_t posts() const {
    const std::lock_guard lock(mutex_);
    return posts_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Delivery> queue_;
  std::size_t posts_ = 0;
};

}  // namespace tandem::logs
