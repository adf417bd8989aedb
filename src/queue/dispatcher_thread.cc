#include "queue/dispatcher_thread.h"

#include <chrono>
#include <iterator>

#include "base/limits.h"

namespace tandem::queue {

void DispatcherThread::start() {
  thread_ = std::thread([this] { run(); });
}

void DispatcherThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void DispatcherThread::post(Command command) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(command));
    wake = sleeping_;
  }
  if (wake) wake_.notify_one();
}

void DispatcherThread::post(std::vector<Command> commands) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    inbox_.insert(inbox_.end(), std::make_move_iterator(commands.begin()),
                  std::make_move_iterator(commands.end()));
    wake = sleeping_;
  }
  if (wake) wake_.notify_one();
}

void DispatcherThread::run() {
  while (true) {
    std::vector<Command> commands;
    {
      std::unique_lock lock(mutex_);
      const std::int64_t wait_ms =
          std::min<std::int64_t>(dispatcher_.next_turn() - clock_.mono(), 60'000);
      if (wait_ms > 0 && inbox_.empty() && !stopping_) {
        sleeping_ = true;
        wake_.wait_for(lock, std::chrono::milliseconds(wait_ms),
                       [this] { return !inbox_.empty() || stopping_; });
        sleeping_ = false;
      }
      if (stopping_ && inbox_.empty()) break;
      if (inbox_.size() <= limits::kMaxTurnCommands) {
        commands.swap(inbox_);
      } else {
        const auto end = inbox_.begin() + limits::kMaxTurnCommands;
        commands.assign(std::make_move_iterator(inbox_.begin()), std::make_move_iterator(end));
        inbox_.erase(inbox_.begin(), end);
      }
    }
    Deliveries out;
    dispatcher_.turn(std::move(commands), out);
    for (auto& [outbox, deliveries] : out)
      if (outbox != nullptr) outbox->post(std::move(deliveries));
  }
  dispatcher_.last_turn();
}

}  // namespace tandem::queue
