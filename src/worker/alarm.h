#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "io/asio.h"

namespace tandem::worker {

// Calls a function once, later, on the loop; not after clear(), nor after the alarm is gone, also
// where its time was over already. One thread, the loop's.
class Alarm {
 public:
  explicit Alarm(io::Executor executor) : state_(std::make_shared<State>(executor)) {}
  ~Alarm() { clear(); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // In place of what was set before.
  void set(std::int64_t delay_ms, std::function<void()> ring);
  void clear();
  bool is_set() const { return static_cast<bool>(state_->ring); }

 private:
  struct State {
    explicit State(io::Executor executor) : timer(executor) {}
    io::Timer timer;
    std::uint64_t setting = 0;
    std::function<void()> ring;
  };
  std::shared_ptr<State> state_;
};

}  // namespace tandem::worker
