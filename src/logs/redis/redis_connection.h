#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "logs/redis/redis_address.h"

struct redisContext;
struct redisReply;

namespace tandem::logs {

struct RedisReplyFree {
  void operator()(redisReply* reply) const;
};
using RedisReply = std::unique_ptr<redisReply, RedisReplyFree>;

// One connection to Redis. Every call blocks, at most about kReplyMs; after an error it is broken
// and good for nothing but to be destroyed. One thread at a time.
// Errors: store_unavailable (out of reach, too slow, refused), disk_full (no memory left).
class RedisConnection {
 public:
  static constexpr std::int64_t kConnectMs = 500;    // to be connected
  static constexpr std::int64_t kGreetingMs = 700;   // for user, password and database
  static constexpr std::int64_t kReplyMs = 1500;     // for each answer
  static constexpr std::size_t kMaxErrorText = 160;  // of what Redis says

  static Result<RedisConnection> open(const RedisAddress& address);

  // Puts a command at the end of the pipeline; sent by the first reply() behind it.
  void add(std::span<const std::string_view> command);
  void add(std::initializer_list<std::string_view> command) {
    add(std::span(command.begin(), command.size()));
  }
  // The answer to the next command of the pipeline; an error where Redis refused it.
  Result<RedisReply> reply();
  Result<RedisReply> ask(std::initializer_list<std::string_view> command) {
    add(command);
    return reply();
  }
  // Sends the pipeline now; fd() can be read when its answers come.
  Result<void> send();
  int fd() const;
  // From now on an answer may take so long: one that is waited for on purpose.
  void be_patient(std::int64_t reply_ms);

  // Why it is good for nothing any more. refused: Redis is there, and answered with an error.
  // cut_off: at once, perhaps by a Redis that was started anew. slow: no answer came in time.
  enum class Fault : std::uint8_t { none, refused, cut_off, slow };
  Fault fault() const { return fault_; }

  // Makes a script known to Redis, for EVALSHA with script().
  Result<void> load(std::string_view script);
  const std::string& script() const { return script_digest_; }

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };
  explicit RedisConnection(redisContext* context) : context_(context) {}
  Result<void> greet(const RedisAddress& address);
  void hand_over();
  Error broken();

  std::unique_ptr<redisContext, Free> context_;
  std::string buffer_;  // the commands that are not sent yet
  std::string script_digest_;
  Fault fault_ = Fault::none;
};

}  // namespace tandem::logs
