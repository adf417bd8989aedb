#include "app/maintenance.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <future>

namespace tandem::app {
namespace {

constexpr std::chrono::minutes kPause{1};
constexpr std::chrono::seconds kAnswerWait{30};
constexpr int kBatch = 500;

// Answers are given on the thread that posts them.
class DirectOutbox final : public Outbox {
 public:
  void post(std::vector<Delivery> deliveries) override {
    for (Delivery& delivery : deliveries) delivery();
  }
};

DirectOutbox& direct_outbox() {
  static DirectOutbox outbox;
  return outbox;
}

}  // namespace

Maintenance::Maintenance(queue::DispatcherThread& dispatcher, logs::LogHub& logs,
                         blobs::BlobStore& blobs, const Clock& clock, std::int64_t retention_ms)
    : dispatcher_(dispatcher),
      logs_(logs),
      blobs_(blobs),
      clock_(clock),
      retention_ms_(retention_ms) {
  if (retention_ms_ > 0) thread_ = std::thread([this] { run(); });
}

Maintenance::~Maintenance() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Maintenance::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const bool done = purge_some();
    lock.lock();
    if (done) wake_.wait_for(lock, kPause, [this] { return stopping_; });
  }
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
    if (auto gone = blobs_.remove(id); !gone)
      spdlog::warn("retention: the files of task {} stay: {}", to_string(id), gone.error().detail);
  logs_.remove(*removed, direct_outbox(), [](Result<void> gone) {
    if (!gone) spdlog::warn("retention: logs stay: {}", gone.error().detail);
  });
  return removed->size() < kBatch;
}

}  // namespace tandem::app
