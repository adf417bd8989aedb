#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/outbox.h"
#include "io/asio.h"

namespace tandem::io {

// One event loop: an io_context and the one thread that runs it. What lives on a loop is used only
// on its thread, so it needs no lock. An exception that leaves a handler ends the program.
class Loop {
 public:
  explicit Loop(std::string name);
  ~Loop();  // stop()
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start();  // once
  // Ends the loop after the handler that runs now and joins its thread; what is still queued is
  // destroyed with the loop. End the task groups first. May be repeated; never from the loop
  // itself.
  void stop();

  // Thread-safe. Runs on the loop's thread, in order, never inside post().
  void post(std::function<void()> task);
  Executor executor() { return context_.get_executor(); }
  asio::io_context& context() { return context_; }
  bool is_this_thread() const { return std::this_thread::get_id() == thread_.get_id(); }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  asio::io_context context_{1};
  asio::executor_work_guard<Executor> work_{context_.get_executor()};
  std::thread thread_;
};

// A loop's door for the dispatcher and other threads: one wake-up for each batch. Must not outlive
// the loop.
class LoopOutbox final : public Outbox {
 public:
  explicit LoopOutbox(Executor executor) : executor_(executor) {}
  void post(std::vector<Delivery> deliveries) override;

 private:
  Executor executor_;
};

}  // namespace tandem::io
