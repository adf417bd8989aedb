#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "sim/cluster.h"
#include "sim/fleet.h"
#include "sim/ledger.h"
#include "sim/world.h"

namespace tandem::sim {

struct Scene {
  World& world;
  Ledger& ledger;
  Cluster& cluster;
  Fleet& fleet;
};

// A worker on another machine: accepts, works, keeps its leases, and fences itself. It has a
// socket, polls, or goes from one to the other. In the bad times it crashes, stands still past its
// leases, loses its connection, repeats and comes late.
class RemoteWorker {
 public:
  struct Kind {
    bool push = true, polls = false, has_gpu = false;
  };
  RemoteWorker(Scene scene, std::uint8_t number, Kind kind);
  void start();
  WorkerId id() const { return id_; }

 private:
  using Key = std::pair<TaskId, std::uint32_t>;
  struct Job {
    bool accepted = false;
    bool executing = false;
    bool asks = false, has_output = false;
    bool rejected = false;            // its end is told in place of an acceptance
    std::int64_t lease_until_ms = 0;  // by the sending time of what renewed it
    std::int64_t work_left_ms = 0;
    std::uint64_t input_seq = 0;
  };
  // The server's end of a socket.
  struct Session {
    Server* server = nullptr;
    queue::ChannelNumber channel = 0;
    int server_life = 0;
    std::int64_t heard_ms = 0;
    bool open = true;
    std::set<Key> offers;            // that came by it
    std::optional<WallTime> bye_at;  // then it wanted nothing more
  };
  using SessionPtr = std::shared_ptr<Session>;
  enum class Line : std::uint8_t { none, socket, polls };

  // worker.cc: what it does
  void tick();
  void misbehave();
  void die();
  void on_assign(const queue::AssignOrder& order);
  void on_cancel(Key key);
  void on_input(const store::InputPiece& piece);
  void work(Key key, Job& job, std::int64_t elapsed_ms);
  void fence(Key key, Job& job);
  void drop(Key key);
  bool is_cut_off() const { return world_.now() < cut_until_ms_; }
  bool frozen() const { return world_.now() < frozen_until_ms_; }
  // Runs now, or once the machine moves again; not where the process has died.
  void when_awake(std::function<void()> event);

  // worker_requests.cc: what it says of its attempts
  void accept(Key key);
  void on_accepted(Key key, std::int64_t sent_ms, const Result<queue::UpdateAnswer>& answer);
  void ask(Key key);
  void heartbeat();
  void beat(std::vector<queue::Lease> leases, std::int64_t sent_ms);
  void on_beat(const queue::HeartbeatAnswer& heard, std::int64_t sent_ms);
  void renew_by_update(Key key);
  void check_lease(Key key);
  void add_output(Key key);
  void finish(Key key, int tries_left);
  void renewed(Key key, std::int64_t sent_ms);
  // Makes the command once it arrives. Requests may be lost, late or doubled.
  void request(std::function<queue::Command()> at_arrival);
  Server& next_server();  // a worker that polls comes to others too, as a balancer has it
  // So may their answers.
  void answer(std::function<void()> what);
  void retire();  // it was told that it is revoked
  queue::Update update_of(Key key, queue::UpdateKind kind) const;
  bool is_over(Key key) const { return ledger_.is_over(key.first, key.second, id_); }

  // worker_line.cc: how it reaches the server
  void keep_line(std::int64_t looked_ms);
  void leave_line();
  void open_socket();
  void on_order(const SessionPtr& session, const queue::WorkerOrder& order);
  void obey(const queue::WorkerOrder& order);
  void watch_silence(const SessionPtr& session);
  void hang_up(const SessionPtr& session, bool lost);
  void say_bye();
  bool is_given_back(Key key) const;
  void break_socket();
  void socket_broke(std::int64_t since_ms);
  void say_ready();
  void poll();
  void claim(Server& server, int number, int max, std::int64_t wait_ms);
  std::vector<queue::Lease> known_offers();
  void on_given(WallTime came_at, queue::ChannelNumber channel, int drain_changes,
                const std::vector<queue::Lease>& known, const queue::Claimed& claimed);
  void on_claimed(int number, const queue::Claimed& claimed);
  void reached();  // the server has answered on this line
  std::int64_t lease_end(std::int64_t sent_ms) const;
  WorkerProfile profile(const Server& server, WorkerChannel channel) const;

  World& world_;
  Ledger& ledger_;
  Cluster& cluster_;
  Fleet& fleet_;
  WorldOutbox outbox_;
  const Kind kind_;
  WorkerId id_;
  int life_ = 0;  // grows when the process dies
  bool retired_ = false;
  std::int64_t frozen_until_ms_ = 0, cut_until_ms_ = 0, last_tick_ms_ = 0, last_heartbeat_ms_ = 0;
  std::map<Key, Job> jobs_;
  std::set<Key> spoken_of_;  // at the server's door
  // What it had not spoken of when it said that it wants nothing more, and what happened before.
  struct GivenBack {
    int server_life = 0, store_failures = 0;
  };
  std::map<Key, GivenBack> given_back_;
  std::set<Key> ignored_;  // what comes of them: those that it has run already, for one

  Server* server_;  // that it speaks to, for the most part
  Line line_ = Line::none;
  std::int64_t reached_ms_ = INT64_MAX;  // on this line
  SessionPtr session_;                   // of the socket
  int polls_ = 0, first_poll_ = 0;       // their numbers; those before are of an earlier line
  std::int64_t next_poll_ms_ = 0;
};

}  // namespace tandem::sim
