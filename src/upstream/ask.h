#pragma once

#include <functional>
#include <utility>

#include "io/ask.h"
#include "queue/dispatcher_thread.h"

namespace tandem::upstream {

namespace detail {
template <class Function>
struct AnswerOf;
template <class T>
struct AnswerOf<std::function<void(Result<T>)>> {
  using type = T;
};
}  // namespace detail

// Gives a command to the dispatcher and waits for its answer, which is durable where it is no
// error. Errors: the command's, store_unavailable, disk_full, shutting_down.
template <class What, class T = typename detail::AnswerOf<decltype(What::done)>::type>
io::Awaitable<Result<T>> ask(queue::DispatcherThread& dispatcher, Outbox& outbox, What what) {
  auto call = [&dispatcher, &what](Outbox& door, std::function<void(Result<T>)> answer) {
    what.done = std::move(answer);
    queue::Command command{.outbox = &door, .what = std::move(what)};
    dispatcher.post(std::move(command));
  };
  co_return co_await io::ask<Result<T>>(outbox, call);
}

}  // namespace tandem::upstream
