#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/unique_fd.h"
#include "logs/redis/redis_pool.h"
#include "logs/tail_reader.h"

namespace tandem::logs {

// One thread and one connection that waits in XREAD for all the watched tasks together, each from
// where it was read to: whatever breaks, it goes on from there.
//   tandem:wake:<id>  a stream of this reader, in each of its XREADs: an entry ends the wait when a
//                     task is to be watched from now on. It expires by itself.
class RedisTailReader final : public TailReader {
 public:
  // `pool` (for the wake-ups) and what `found` uses outlive it. Does not connect.
  RedisTailReader(const RedisAddress& address, RedisPool& pool, AppendsFound found);
  ~RedisTailReader() override;
  void watch(TaskId task) override;
  void unwatch(TaskId task) override;

 private:
  using Milliseconds = std::chrono::milliseconds;
  struct Place {
    TaskId task;
    std::string after;  // the id of the last entry that was read; empty: not looked up yet
  };

  void run();
  bool await_tasks();
  void pause(Milliseconds time);
  Result<void> read_once();
  Result<void> begin_new();
  std::vector<Place> places(bool are_new, std::size_t limit);
  void ask_behind(const std::vector<Place>& places);
  Result<RedisReply> await_answer();
  Result<void> end_wait();
  void take(const redisReply& streams);
  bool move_to(TaskId task, std::string after);

  const RedisAddress address_;
  RedisPool& pool_;
  const AppendsFound found_;
  const std::string wake_key_;
  const UniqueFd bell_;  // can be read: watch() or the destructor was called

  std::optional<RedisConnection> connection_;  // the reader's thread only, with the line below
  std::uint64_t wakes_ = 0;                    // entries of the wake stream so far

  std::mutex mutex_;  // guards what follows; never held while `found` is called
  std::condition_variable changed_;
  std::unordered_map<TaskId, std::string> watched_;  // as Place::after
  bool is_stopping_ = false;

  std::thread thread_;
};

}  // namespace tandem::logs
