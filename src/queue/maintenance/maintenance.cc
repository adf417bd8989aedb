#include "queue/maintenance/maintenance.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tandem::queue {

void Maintenance::add(std::unique_ptr<MaintenanceJob> job) {
  jobs_.push_back({.job = std::move(job), .due = clock_.mono()});
}

MonoTime Maintenance::run_due() {
  MonoTime next = kNever;
  for (Entry& entry : jobs_) {
    if (entry.due <= clock_.mono()) run_piece(entry);
    next = std::min(next, entry.due);
  }
  return next;
}

void Maintenance::run_piece(Entry& entry) {
  const Result<bool> more = entry.job->run();
  const std::string name(entry.job->name());
  if (!more) {
    entry.due = clock_.mono() + kRetryMs;
    if (!std::exchange(entry.is_failing, true))
      say_("maintenance: " + name + " fails and is tried again: " + more.error().detail);
    return;
  }
  if (std::exchange(entry.is_failing, false)) say_("maintenance: " + name + " works again");
  entry.due = clock_.mono() + (*more ? 0 : entry.job->every_ms());
}

void Maintenance::start() {
  thread_ = std::thread([this] { run(); });
}

void Maintenance::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Maintenance::run() {
  constexpr std::int64_t kMaxSleepMs = 60'000;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const std::int64_t wait_ms = std::min(run_due() - clock_.mono(), kMaxSleepMs);
    lock.lock();
    if (wait_ms > 0)
      wake_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return stopping_; });
  }
}

}  // namespace tandem::queue
