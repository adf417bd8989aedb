#pragma once

#include <cstdint>
#include <memory>

#include "api/services.h"
#include "queue/commands.h"

namespace tandem::api {

// A task's image, kept up to date, with a bell for whoever waits for something to happen to it.
// Used on one loop, by one waiting coroutine. Ends the watch when it is destroyed.
class TaskFollow {
 public:
  // Errors: not_found (also where it is another client's), store_unavailable.
  static io::Awaitable<Result<std::unique_ptr<TaskFollow>>> open(const Services& services,
                                                                 Outbox& outbox, queue::Actor actor,
                                                                 TaskId id);
  ~TaskFollow();
  TaskFollow(const TaskFollow&) = delete;
  TaskFollow& operator=(const TaskFollow&) = delete;

  const queue::TaskPtr& image() const;  // null once the task is removed
  TaskId id() const { return id_; }

  // Returns after a change or a wake() since the last wait, or when the time is up.
  io::Awaitable<void> wait(std::int64_t timeout_ms);
  void wake();
  // A bell that may outlive this object and does nothing then. For this loop only.
  std::function<void()> bell() const;

 private:
  struct State;
  TaskFollow(const Services& services, Outbox& outbox, TaskId id, std::shared_ptr<State> state);

  const Services& services_;
  Outbox& outbox_;
  TaskId id_;
  std::shared_ptr<State> state_;
};

}  // namespace tandem::api
