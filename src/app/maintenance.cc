#include "app/maintenance.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <future>

#include "app/direct_outbox.h"

namespace tandem::app {
namespace {

constexpr std::chrono::minutes kPause{1};
constexpr std::chrono::seconds kAnswerWait{30};
constexpr int kBatch = 500;
constexpr std::chrono::hours kSweepPause{1};
constexpr std::int64_t kSweepAgeMs = 2 * 3600 * 1000;  // no upload takes so long

}  // namespace

Maintenance::Maintenance(queue::DispatcherThread& dispatcher, const Kept& kept, const Clock& clock,
                         std::int64_t retention_ms)
    : dispatcher_(dispatcher),
      parts_{kept.reader, kept.logs, kept.blobs, stopping_},
      clock_(clock),
      retention_ms_(retention_ms),
      begun_at_(clock.wall()) {
  thread_ = std::thread([this] { run(); });
}

Maintenance::~Maintenance() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Maintenance::run() {
  sweep(begun_at_);
  auto swept_at = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const bool done = retention_ms_ == 0 || purge_some();
    if (std::chrono::steady_clock::now() - swept_at > kSweepPause) {
      sweep(clock_.wall() + -kSweepAgeMs);
      swept_at = std::chrono::steady_clock::now();
    }
    lock.lock();
    if (done) wake_.wait_for(lock, kPause, [this] { return stopping_.load(); });
  }
}

void Maintenance::sweep(WallTime made_before) {
  const auto swept = sweep_remains(parts_, made_before);
  if (!swept)
    spdlog::warn("what deleted tasks have left stays for now: {}", swept.error().detail);
  else if (*swept > 0)
    spdlog::info("removed what {} deleted tasks have left", *swept);
}

bool Maintenance::purge_some() {
  using Removed = Result<std::vector<TaskId>>;
  auto promise = std::make_shared<std::promise<Removed>>();
  queue::Purge purge{
      .finished_before = clock_.wall() + -retention_ms_, .limit = kBatch, .done = nullptr};
  purge.done = [promise](Removed removed) { promise->set_value(std::move(removed)); };
  auto answer = promise->get_future();
  dispatcher_.post({&direct_outbox(), std::move(purge)});
  if (answer.wait_for(kAnswerWait) != std::future_status::ready) return true;
  const Removed removed = answer.get();
  if (!removed || removed->empty()) return true;
  for (TaskId id : *removed)
    if (auto gone = parts_.blobs.remove(id); !gone)
      spdlog::warn("retention: the files of task {} stay: {}", to_string(id), gone.error().detail);
  parts_.logs.remove(*removed, direct_outbox(), [](Result<void> gone) {
    if (!gone) spdlog::warn("retention: logs stay: {}", gone.error().detail);
  });
  return removed->size() < kBatch;
}

}  // namespace tandem::app
