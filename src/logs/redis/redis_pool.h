#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "logs/redis/redis_connection.h"

namespace tandem::logs {

// Connections to one Redis, for many threads. While Redis is away one caller at a time finds out
// whether it is back; the others are told at once that it is not, so that nobody queues up for a
// time-out.
class RedisPool {
 public:
  // `script` is loaded by every connection.
  RedisPool(RedisAddress address, std::string_view script)
      : address_(std::move(address)), script_(script) {}

  // work(connection) -> Result<T>, on a connection of its own; once more where the connection
  // turns out to have been cut off while it lay idle. So `work` can be repeated.
  template <class Work>
  auto run(Work work) -> decltype(work(std::declval<RedisConnection&>())) {
    for (;;) {
      auto lent = take();
      if (!lent) return lent.error();
      auto result = work(*lent->connection);
      const bool was_stale =
          lent->was_idle && lent->connection->fault() == RedisConnection::Fault::cut_off;
      give_back(std::move(*lent),
                result.has_error() ? std::optional(result.error()) : std::nullopt);
      if (!was_stale) return result;
    }
  }

 private:
  static constexpr std::size_t kMaxIdle = 8;
  static constexpr std::chrono::milliseconds kTryAgainAfter{200};
  struct Lent {
    std::unique_ptr<RedisConnection> connection;
    bool was_idle = false;
  };
  Result<Lent> take();
  Result<Lent> open_one();
  void give_back(Lent lent, std::optional<Error> error);
  void note(std::optional<Error> error);

  const RedisAddress address_;
  const std::string script_;
  std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<RedisConnection>> idle_;
  std::optional<Error> away_;  // why; none: as far as we know it is there
  bool is_being_tried_ = false;
  std::chrono::steady_clock::time_point try_again_at_;
};

}  // namespace tandem::logs
