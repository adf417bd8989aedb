#pragma once

#include <memory>
#include <set>
#include <vector>

#include "base/id.h"
#include "queue/dispatcher.h"
#include "sim/channel_ledger.h"
#include "sim/ledger.h"
#include "sim/observed_store.h"
#include "sim/world.h"

namespace tandem::sim {

constexpr std::int64_t kLeaseMs = 1000, kReconnectMs = 300, kHeartbeatMs = 250;

// A door through which the world's delays pass.
class WorldOutbox final : public Outbox {
 public:
  explicit WorldOutbox(World& world) : world_(world), number_(world.next_number()) {}
  void post(std::vector<Delivery> deliveries) override;
  int number() const { return number_; }

 private:
  World& world_;
  const int number_;
  std::int64_t last_ms_ = 0;  // first in, first out, as on a socket
};

// The server's process: the real dispatcher over the observed store, and the worker inside. It
// crashes at commits and is started again.
class Server {
 public:
  Server(World& world, Ledger& ledger, int embedded_slots);

  bool up() const { return dispatcher_ != nullptr; }
  int life() const { return life_; }
  queue::ChannelNumber next_channel() { return ++last_channel_; }
  // Lost where the server is down.
  void post(queue::Command command);
  void start();
  ObservedStore& store() { return store_; }
  ChannelLedger& channels() { return channels_; }

 private:
  void plan_turn(std::int64_t delay_ms);
  void run_turn();
  void die();
  void open_embedded();
  void run_embedded(const queue::AssignOrder& order);
  void finish_embedded(TaskId task, std::uint32_t attempt, bool failed);

  World& world_;
  Ledger& ledger_;
  ObservedStore store_;
  ChannelLedger channels_;
  WorldOutbox outbox_;
  const WorkerId embedded_;
  const int slots_;
  std::unique_ptr<queue::Dispatcher> dispatcher_;
  int life_ = 0;
  queue::ChannelNumber last_channel_ = 0;
  std::vector<queue::Command> inbox_;
  std::int64_t planned_ms_ = INT64_MAX;
  std::set<std::pair<TaskId, std::uint32_t>> embedded_running_;
};

}  // namespace tandem::sim
