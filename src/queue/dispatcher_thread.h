#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "queue/dispatcher.h"

namespace tandem::queue {

// Runs the dispatcher: a thread that sleeps until a command comes or something is due, then runs a
// turn. While a turn commits, commands gather for the next one.
class DispatcherThread {
 public:
  // All three outlive the thread, as do the outboxes of the commands.
  DispatcherThread(Dispatcher& dispatcher, const Clock& clock)
      : dispatcher_(dispatcher), clock_(clock) {}
  ~DispatcherThread() { stop(); }

  void start();
  // Runs what has come in, then joins. Commands that come later are dropped unanswered.
  void stop();

  // Thread-safe, does not block.
  void post(Command command);
  void post(std::vector<Command> commands);

 private:
  void run();

  Dispatcher& dispatcher_;
  const Clock& clock_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Command> inbox_;  // guarded by mutex_, with the flags
  bool sleeping_ = false;
  bool stopping_ = false;
};

}  // namespace tandem::queue
