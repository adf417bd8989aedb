#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/id.h"
#include "sim/cluster.h"
#include "sim/ledger.h"
#include "sim/world.h"

namespace tandem::sim {

// A client: submits, with and without idempotency keys, repeats what was not answered, and cancels,
// retries, removes and answers at random.
class SimClient {
 public:
  SimClient(World& world, Ledger& ledger, Cluster& cluster, std::uint8_t number);
  void start(int submissions, std::int64_t until_ms);

 private:
  struct Request {
    std::string key;
    std::vector<TaskSpec> specs;
  };
  TaskSpec make_spec();
  queue::Submit command_of(const Request& request, std::function<void()> answered);
  void submit(const Request& request, int tries_left);
  void meddle();
  void cancel(TaskId task);
  void retry(TaskId task);
  void remove(TaskId task);
  void input(TaskId task);
  template <class T>
  void ask(queue::Actor actor, T command);

  World& world_;
  Ledger& ledger_;
  Cluster& cluster_;
  WorldOutbox outbox_;
  IdSource ids_;
  ClientId id_;
  std::int64_t until_ms_ = 0;
  std::vector<TaskId> known_;
  int keys_ = 0, inputs_ = 0;
};

}  // namespace tandem::sim
