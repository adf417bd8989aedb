#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <cstddef>
#include <list>
#include <string>

#include "io/asio.h"

namespace tandem::io {

// Owns the coroutines of one part of the program, so that none is detached and the part can end.
// All calls on the executor's thread (or before its loop starts). The group must outlive its
// coroutines: `cancel()`, then `co_await join()`, then destroy.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor)
      : executor_(executor), emptied_(executor, Timer::time_point::max()) {}
  ~TaskGroup();  // asserts that none is left, unless the loop never runs again (see abandon)
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts `work` in a later turn of the loop. An exception that leaves it is logged with `name`
  // and ends only that coroutine; operation_aborted after a cancel is not logged. After cancel()
  // new work is still taken, and cancelled at once.
  void spawn(std::string name, Awaitable<void> work);
  // Every pending operation ends with operation_aborted; so does each later one of these
  // coroutines.
  void cancel();
  // Returns once no coroutine is left. Several may wait; a member of the group must not.
  Awaitable<void> join();
  // The loop has stopped for good: forget what is left; its frames are destroyed with the loop.
  void abandon() { members_.clear(); }

  std::size_t size() const { return members_.size(); }
  bool is_cancelled() const { return cancelled_; }
  Executor executor() const { return executor_; }

 private:
  struct Member {
    std::string name;
    asio::cancellation_signal stop;
  };
  void ended(std::list<Member>::iterator member, std::exception_ptr error);

  Executor executor_;
  Timer emptied_;  // never expires; cancelled when the last member has ended
  std::list<Member> members_;
  bool cancelled_ = false;
};

}  // namespace tandem::io
