#pragma once

#include <chrono>
#include <future>
#include <memory>

#include "queue/direct_outbox.h"
#include "queue/dispatcher_thread.h"

namespace tandem::queue {

// Asks the dispatcher and waits for its answer. For threads that may block.
class DispatcherDoor {
 public:
  explicit DispatcherDoor(DispatcherThread& dispatcher) : dispatcher_(dispatcher) {}

  // `command` has a `done` for a Result<T>. An answer that does not come in half a minute is an
  // error, store_unavailable; the command may still be done.
  template <class T, class Command>
  Result<T> ask(Command command) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto answer = promise->get_future();
    command.done = [promise](Result<T> value) { promise->set_value(std::move(value)); };
    dispatcher_.post({.outbox = &outbox_, .what = std::move(command)});
    if (answer.wait_for(kPatience) != std::future_status::ready)
      return fail(Errc::store_unavailable, "The dispatcher does not answer");
    return answer.get();
  }
  Outbox& outbox() { return outbox_; }

 private:
  static constexpr std::chrono::seconds kPatience{30};
  DispatcherThread& dispatcher_;
  DirectOutbox outbox_;
};

}  // namespace tandem::queue
