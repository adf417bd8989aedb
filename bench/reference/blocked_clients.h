#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "latencies.h"
#include "logs/redis/test_redis_server.h"

namespace tandem::bench {

// Idle workers as Redis has them: clients that wait in BLPOP for the same list, each for 30 s at a
// time. Throws std::runtime_error.
class BlockedClients {
 public:
  explicit BlockedClients(int clients);

  double kib_each() const { return kib_each_; }
  double percent_of_a_core(double seconds);
  // From before an element is pushed until a client has it.
  Latencies pick_up_times(int elements);

 private:
  void block(std::size_t client);
  bool hear(int timeout_ms);  // whether a client has got an element

  logs::TestRedisServer redis_;
  std::vector<UniqueFd> clients_;
  UniqueFd epoll_;
  double kib_each_ = 0;
};

}  // namespace tandem::bench
