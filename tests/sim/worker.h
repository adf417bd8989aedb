#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "sim/ledger.h"
#include "sim/server.h"
#include "sim/world.h"

namespace tandem::sim {

// A worker on another machine: accepts, works, keeps its leases, and fences itself. In the bad
// times it crashes, stands still past its leases, loses its connection, repeats and comes late.
class RemoteWorker {
 public:
  RemoteWorker(World& world, Ledger& ledger, Server& server, std::uint8_t number);
  void start();

 private:
  using Key = std::pair<TaskId, std::uint32_t>;
  struct Job {
    bool accepted = false;
    bool executing = false;
    bool asks = false;
    std::int64_t lease_until_ms = 0;  // by the sending time of what renewed it
    std::int64_t work_left_ms = 0;
  };

  void tick();
  void connect();
  void on_order(const queue::WorkerOrder& order);
  void on_assign(const queue::AssignOrder& order);
  void accept(Key key);
  void work(Key key, Job& job, std::int64_t elapsed_ms);
  void ask(Key key);
  void fence(Key key, Job& job);
  void heartbeat();
  void finish(Key key, int tries_left);
  void drop(Key key, bool give_slot);
  void misbehave();
  bool frozen() const { return world_.now() < frozen_until_ms_; }
  // Runs now, or once the machine moves again.
  void when_awake(std::function<void()> event);
  void request(queue::Command command);

  World& world_;
  Ledger& ledger_;
  Server& server_;
  WorldOutbox outbox_;
  WorkerId id_;
  int life_ = 0;        // grows when the process dies
  int connection_ = 0;  // grows when the connection breaks
  int server_life_ = -1;
  bool connected_ = false;
  std::int64_t frozen_until_ms_ = 0, last_tick_ms_ = 0, last_heartbeat_ms_ = 0;
  std::map<Key, Job> jobs_;
};

}  // namespace tandem::sim
