#include "api/task_follow.h"

#include <boost/asio/redirect_error.hpp>

#include "api/ask.h"
#include "io/asio.h"

namespace tandem::api {

struct TaskFollow::State {
  explicit State(io::Executor executor) : timer(executor) {}
  void wake() {
    rung = true;
    timer.cancel();
  }

  io::Timer timer;
  queue::TaskPtr image;
  bool has_changed = false;  // since the watch began: image is newer than the command's answer
  bool rung = false;
  std::uint64_t watch_id = 0;
};

TaskFollow::TaskFollow(const Services& services, Outbox& outbox, TaskId id,
                       std::shared_ptr<State> state)
    : services_(services), outbox_(outbox), id_(id), state_(std::move(state)) {}

TaskFollow::~TaskFollow() {
  queue::Unwatch unwatch{.task_id = id_, .watch_id = state_->watch_id};
  services_.post({.outbox = &outbox_, .what = std::move(unwatch)});
}

io::Awaitable<Result<std::unique_ptr<TaskFollow>>> TaskFollow::open(const Services& services,
                                                                    Outbox& outbox,
                                                                    queue::Actor actor, TaskId id) {
  auto state = std::make_shared<State>(co_await io::asio::this_coro::executor);
  state->watch_id = std::hash<Uuid>()(services.ids.next());
  // Made before the answer: whatever becomes of this coroutine, the watch ends.
  std::unique_ptr<TaskFollow> follow(new TaskFollow(services, outbox, id, state));
  queue::Watch watch{.actor = actor,
                     .task_id = id,
                     .watch_id = state->watch_id,
                     .changed =
                         [state](queue::TaskPtr image) {
                           state->image = std::move(image);
                           state->has_changed = true;
                           state->wake();
                         },
                     .done = {}};
  auto image = co_await ask(services, outbox, std::move(watch));
  if (!image) co_return image.error();
  if (!state->has_changed) state->image = std::move(*image);
  co_return follow;
}

const queue::TaskPtr& TaskFollow::image() const { return state_->image; }

io::Awaitable<void> TaskFollow::wait(std::int64_t timeout_ms) {
  const std::shared_ptr<State> state = state_;
  if (!state->rung) {
    state->timer.expires_after(std::chrono::milliseconds(timeout_ms));
    boost::system::error_code error;
    auto token = io::asio::redirect_error(io::use_awaitable, error);
    co_await state->timer.async_wait(token);
  }
  state->rung = false;
}

void TaskFollow::wake() { state_->wake(); }

std::function<void()> TaskFollow::bell() const {
  return [weak = std::weak_ptr<State>(state_)] {
    if (const auto state = weak.lock()) state->wake();
  };
}

}  // namespace tandem::api
