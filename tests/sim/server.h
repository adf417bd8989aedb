#pragma once

#include <map>
#include <memory>
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

// A server's process: the real dispatcher over the observed store, and the worker inside with the
// processes of its jobs. It crashes at commits and is started again; where it stands still its
// jobs do not.
class Server {
 public:
  // `number`: of its kind. `database`: null where it is alone.
  Server(World& world, Ledger& ledger, store::MemoryDatabase* database, int number,
         int embedded_slots);

  bool up() const { return dispatcher_ != nullptr; }
  int life() const { return life_; }
  ServerId id() const { return id_; }
  queue::ChannelNumber next_channel() { return ++last_channel_; }
  // Lost where the server is down.
  void post(queue::Command command);
  void ring() { post({&outbox_, queue::Knock{}}); }
  // The gate for workers, which goes by their records as this server has read them last.
  bool admits(WorkerId id) const { return standing_of(id) != queue::WorkerStanding::revoked; }
  queue::WorkerStanding standing_of(WorkerId id) const;
  void read_workers();
  void start();
  void freeze(std::int64_t ms) { frozen_until_ms_ = world_.now() + ms; }
  ObservedStore& store() { return store_; }
  ChannelLedger& channels() { return channels_; }

 private:
  using Key = std::pair<TaskId, std::uint32_t>;
  struct Job {
    std::int64_t killed_at_ms = INT64_MAX;  // by its shepherd: the end of its lease
    bool has_ended = false;
  };
  bool is_frozen() const { return world_.now() < frozen_until_ms_; }
  void plan_turn(std::int64_t delay_ms);
  void run_turn();
  void die();
  // Runs while the server is up and moves; not in another life of it.
  void when_awake(std::function<void()> event);
  void watch_accounts();
  void open_embedded();
  void obey(const queue::WorkerOrder& order);
  void run_embedded(Key key, std::optional<MonoTime> lease_until);
  void keep_embedded(Key key, MonoTime until);
  void end_embedded(Key key, const char* error);  // of its process; null: it succeeded
  void report_embedded(Key key, const char* error);
  void forget_embedded(Key key);

  World& world_;
  Ledger& ledger_;
  const ServerId id_;
  ObservedStore store_;
  ChannelLedger channels_;
  WorldOutbox outbox_;
  const bool is_alone_;
  const WorkerId embedded_;
  const int slots_;
  std::unique_ptr<queue::Dispatcher> dispatcher_;
  int life_ = 0;
  queue::ChannelNumber last_channel_ = 0;
  std::vector<queue::Command> inbox_;
  std::int64_t planned_ms_ = INT64_MAX, frozen_until_ms_ = 0;
  std::map<Key, Job> jobs_;
  std::map<WorkerId, queue::WorkerStanding> standings_;
};

}  // namespace tandem::sim
