#include "io/task_group.h"

#include <spdlog/spdlog.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>

#include "base/assert.h"

namespace tandem::io {

namespace {
// co_spawn starts inside the call where the caller is on the loop; members must start in a later
// turn.
Awaitable<void> start_later(Awaitable<void> work) {
  co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
  co_await std::move(work);
}

void log_exception(const std::string& name, const std::exception_ptr& error, bool cancelled) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& failure) {
    if (cancelled && failure.code() == asio::error::operation_aborted) return;
    spdlog::error("coroutine {} ended: {}", name, failure.what());
  } catch (const std::exception& failure) {
    spdlog::error("coroutine {} ended: {}", name, failure.what());
  } catch (...) {
    spdlog::error("coroutine {} ended by an unknown exception", name);
  }
}
}  // namespace

TaskGroup::~TaskGroup() { TANDEM_ASSERT(members_.empty()); }

void TaskGroup::spawn(std::string name, Awaitable<void> work) {
  members_.emplace_back();
  const auto member = std::prev(members_.end());
  member->name = std::move(name);
  auto on_end = [this, member](std::exception_ptr error) { ended(member, std::move(error)); };
  asio::co_spawn(executor_, start_later(std::move(work)),
                 asio::bind_cancellation_slot(member->stop.slot(), std::move(on_end)));
  if (cancelled_) member->stop.emit(asio::cancellation_type::terminal);
}

void TaskGroup::ended(std::list<Member>::iterator member, std::exception_ptr error) {
  if (error) log_exception(member->name, error, cancelled_);
  members_.erase(member);
  if (members_.empty()) emptied_.cancel();
}

void TaskGroup::cancel() {
  cancelled_ = true;
  // A member may end, and others start, while the signals are given.
  for (auto member = members_.begin(); member != members_.end();) {
    (member++)->stop.emit(asio::cancellation_type::terminal);
  }
}

Awaitable<void> TaskGroup::join() {
  // A cancelled caller must wait all the same: the members use what it is about to destroy.
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!members_.empty()) {
    boost::system::error_code woken;
    co_await emptied_.async_wait(asio::redirect_error(use_awaitable, woken));
  }
  co_await asio::this_coro::throw_if_cancelled(true);
}

}  // namespace tandem::io
