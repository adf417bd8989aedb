#pragma once

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <exception>
#include <optional>
#include <type_traits>

#include "base/result.h"
#include "io/asio.h"

namespace tandem::io {

namespace detail {
template <class T>
struct AsResult {
  using type = Result<T>;
};
template <class T>
struct AsResult<Result<T>> {
  using type = Result<T>;
};

template <class T>
Awaitable<void> keep_value(Awaitable<T> work, std::optional<T>& value) {
  value.emplace(co_await std::move(work));
}
// True where the work ended in time. Rethrows what the work threw, unless the time ran out first.
Awaitable<bool> run_until(Awaitable<void> work, std::int64_t timeout_ms);
}  // namespace detail

// Runs `work` for at most `timeout_ms`, then cancels it: request_timeout. A Result is not wrapped
// twice. Where the work's value and the end of the time meet, the value is kept. Exceptions of the
// work come out; so does the cancelling of the caller (operation_aborted). Returns only once the
// work has ended, so it may use the caller's variables; work that cannot be cancelled is waited
// for.
template <class T>
Awaitable<typename detail::AsResult<T>::type> with_timeout(Awaitable<T> work,
                                                           std::int64_t timeout_ms) {
  std::optional<T> value;
  Awaitable<void> kept = detail::keep_value(std::move(work), value);
  co_await detail::run_until(std::move(kept), timeout_ms);
  if (value) co_return std::move(*value);
  co_return fail(Errc::request_timeout, "The time for this operation is over.");
}

Awaitable<Result<void>> with_timeout(Awaitable<void> work, std::int64_t timeout_ms);

}  // namespace tandem::io
