#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "queue/maintenance/job.h"

namespace tandem::queue {

// Runs jobs, each at its own pace, in pieces that take turns. A job that fails is run again after
// kRetryMs; that it fails is said once, and that it works again once.
class Maintenance {
 public:
  static constexpr std::int64_t kRetryMs = 10'000;
  using Say = std::function<void(const std::string& sentence)>;

  Maintenance(const Clock& clock, Say say) : clock_(clock), say_(std::move(say)) {}
  ~Maintenance() { stop(); }

  void add(std::unique_ptr<MaintenanceJob> job);  // before start(); due at once
  // One piece of each job that is due. When the next one is.
  MonoTime run_due();

  // On a thread of its own, until stop(), which waits for the piece under way.
  void start();
  void stop();

 private:
  struct Entry {
    std::unique_ptr<MaintenanceJob> job;
    MonoTime due{0};
    bool is_failing = false;
  };
  void run_piece(Entry& entry);
  void run();

  const Clock& clock_;
  const Say say_;
  std::vector<Entry> jobs_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace tandem::queue
