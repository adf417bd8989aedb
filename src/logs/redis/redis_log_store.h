#pragma once

#include <memory>

#include "logs/log_store.h"
#include "logs/redis/redis_address.h"

namespace tandem::logs {

// Logs as Redis Streams, which others may read too (docs/operating/redis.md):
//   tandem:log:{TASK_ID}  a stream; the id of an entry is `<attempt>-<seq>`, its fields are
//                         ts (milliseconds since 1970), stream (stdout, stderr, system), data, and
//                         total (bytes of data of the attempt, up to this record)
//   tandem:logs           a sorted set with the ids of the tasks that have such a stream
//   tandem:installation   whose logs these are
// As durable as Redis is told to be: append() returns when Redis has acknowledged. Records that
// Redis has lost are said to be missing by a system record, when the log goes on behind them.
class RedisLogStore : public LiveLogStore {
 public:
  // Does not connect: a server starts also while Redis is away.
  static std::unique_ptr<RedisLogStore> make(const RedisAddress& address);
};

}  // namespace tandem::logs
