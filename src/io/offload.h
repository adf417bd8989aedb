#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/ask.h"
#include "io/timeout.h"

namespace tandem::io {

// So much is read or written at once where each piece is a hop to such a thread.
inline constexpr std::size_t kHopBytes = 512 * 1024;

// A few threads for what blocks: reads of the store, files, hashing. Bounded in threads and queue.
class OffloadPool {
 public:
  OffloadPool(std::string name, std::size_t threads, std::size_t max_queued = 1024);
  ~OffloadPool();  // stop()
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;

  // Thread-safe. False where the queue is full or the pool has stopped: `job` will not run.
  bool submit(std::function<void()> job);
  // Runs what is queued, then joins the threads. Stop the pools before the loops they answer to.
  void stop();

 private:
  void run();

  std::size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::vector<std::thread> threads_;
};

namespace detail {
template <class R, class Function>
R call_guarded(Function& function) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Function&>>) {
      function();
      return R();
    } else {
      return R(function());
    }
  } catch (const std::exception&) {
    return R(fail(Errc::internal, "A blocking operation failed unexpectedly."));
  }
}
}  // namespace detail

// Runs the blocking `function` on the pool and resumes on the caller's executor: its value or its
// Result; an exception is `internal`; a full queue or a stopped pool is too_many_requests.
// `function` stays alive, and the caller waits, until it has run, also when cancelled: it may use
// the caller's variables.
template <class Function, class T = std::invoke_result_t<Function&>,
          class R = typename detail::AsResult<T>::type>
Awaitable<R> offload(OffloadPool& pool, Function function) {
  auto call = [&pool, &function](Outbox&, std::function<void(R)> answer) {
    const bool taken =
        pool.submit([&function, answer] { answer(detail::call_guarded<R>(function)); });
    if (!taken) answer(R(fail(Errc::too_many_requests, "Too many operations wait for a thread.")));
  };
  LoopOutbox outbox(co_await asio::this_coro::executor);
  co_return co_await ask<R>(outbox, call);
}

}  // namespace tandem::io
