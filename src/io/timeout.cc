#include "io/timeout.h"

namespace tandem::io {

namespace detail {
Awaitable<bool> run_until(Awaitable<void> work, std::int64_t timeout_ms) {
  const auto executor = co_await asio::this_coro::executor;
  Timer timer(executor, std::chrono::milliseconds(timeout_ms));
  auto group = asio::experimental::make_parallel_group(
      asio::co_spawn(executor, std::move(work), asio::deferred), timer.async_wait(asio::deferred));
  auto [order, work_error, timer_error] =
      co_await group.async_wait(asio::experimental::wait_for_one(), use_awaitable);
  const bool time_is_over = order[0] == 1 && !timer_error;
  if (!work_error) co_return true;
  if (!time_is_over) std::rethrow_exception(work_error);
  co_return false;
}
}  // namespace detail

Awaitable<Result<void>> with_timeout(Awaitable<void> work, std::int64_t timeout_ms) {
  const bool in_time = co_await detail::run_until(std::move(work), timeout_ms);
  Result<void> result;
  if (!in_time) result = fail(Errc::request_timeout, "The time for this operation is over.");
  co_return result;
}

}  // namespace tandem::io
