#pragma once

#include <boost/asio/redirect_error.hpp>
#include <cstdint>

#include "io/asio.h"

namespace tandem::service {

// What one coroutine of a loop sleeps on; others wake it. It looks again for itself why.
class Wakeup {
 public:
  explicit Wakeup(io::Executor executor) : timer_(executor) {}

  void wake() { timer_.cancel(); }
  // Until wake(), or the time is over.
  io::Awaitable<void> wait(std::int64_t at_most_ms) {
    timer_.expires_after(std::chrono::milliseconds(at_most_ms));
    boost::system::error_code woken;
    co_await timer_.async_wait(io::asio::redirect_error(io::use_awaitable, woken));
  }

 private:
  io::Timer timer_;
};

}  // namespace tandem::service
