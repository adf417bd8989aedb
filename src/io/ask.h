#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/result.h"
#include "io/asio.h"
#include "io/loop.h"

namespace tandem::io {

// `wait`: a cancelled caller still waits for the answer (nothing is lost; the other side must
// answer). `abandon`: a cancelled caller is answered with request_timeout at once, a late answer is
// dropped.
enum class OnCancel { wait, abandon };

namespace detail {
template <class T, class Handler>
class Question {
 public:
  explicit Question(Handler handler)
      : executor_(asio::get_associated_executor(handler)),
        work_(executor_),
        handler_(std::move(handler)) {}
  // Nobody holds the question any more and nobody answered it.
  ~Question() { answer(T(fail(Errc::shutting_down, "The answer never came."))); }

  // Thread-safe; the first answer counts. Resumes the caller on its own executor, never inside.
  void answer(T value) {
    std::unique_lock lock(mutex_);
    if (!handler_) return;
    auto resume = [handler = std::move(*handler_), held = std::move(value)]() mutable {
      std::move(handler)(std::move(held));
    };
    handler_.reset();
    lock.unlock();
    asio::post(executor_, std::move(resume));
    work_.reset();
  }

 private:
  asio::associated_executor_t<Handler> executor_;
  asio::executor_work_guard<asio::associated_executor_t<Handler>> work_;
  std::mutex mutex_;
  std::optional<Handler> handler_;  // guarded by mutex_
};
}  // namespace detail

// Makes an awaitable of `void call(Outbox&, std::function<void(T)> answer)`, T being a Result.
// `answer` may be called on any thread, also inside the call; only the first one counts. If all its
// copies are destroyed without a call, the result is shutting_down. `outbox` must outlive the
// question.
template <class T, class Call>
Awaitable<T> ask(Outbox& outbox, Call call, OnCancel on_cancel = OnCancel::wait) {
  auto initiate = [&outbox, &call, on_cancel](auto handler) {
    using Handler = decltype(handler);
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto question = std::make_shared<detail::Question<T, Handler>>(std::move(handler));
    if (on_cancel == OnCancel::abandon && slot.is_connected()) {
      std::weak_ptr<detail::Question<T, Handler>> weak = question;
      slot.assign([weak](asio::cancellation_type) {
        if (auto asked = weak.lock()) {
          asked->answer(T(fail(Errc::request_timeout, "The caller stopped waiting.")));
        }
      });
    }
    std::function<void(T)> answer = [question](T value) { question->answer(std::move(value)); };
    call(outbox, std::move(answer));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(T)>(
      initiate, use_awaitable);
}

}  // namespace tandem::io
