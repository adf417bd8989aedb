#include "io/loop.h"

#include <pthread.h>

#include <boost/asio/post.hpp>

#include "base/assert.h"

namespace tandem::io {

Loop::Loop(std::string name) : name_(std::move(name)) {}

Loop::~Loop() { stop(); }

void Loop::start() {
  TANDEM_ASSERT(!thread_.joinable());
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
    context_.run();
  });
}

void Loop::stop() {
  if (!thread_.joinable()) return;
  TANDEM_ASSERT(!is_this_thread());
  context_.stop();
  thread_.join();
}

void Loop::post(std::function<void()> task) { asio::post(context_, std::move(task)); }

void LoopOutbox::post(std::vector<Delivery> deliveries) {
  if (deliveries.empty()) return;
  asio::post(executor_, [batch = std::move(deliveries)] {
    for (const Delivery& deliver : batch) deliver();
  });
}

Awaitable<void> sleep_for(std::int64_t duration_ms) {
  Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(duration_ms));
  co_await timer.async_wait(use_awaitable);
}

}  // namespace tandem::io
