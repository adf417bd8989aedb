#include "sim/worker.h"

#include <algorithm>

namespace tandem::sim {
namespace {

constexpr std::int64_t kTickMs = 20;

}  // namespace

RemoteWorker::RemoteWorker(Scene scene, std::uint8_t number, Kind kind)
    : world_(scene.world),
      ledger_(scene.ledger),
      cluster_(scene.cluster),
      fleet_(scene.fleet),
      outbox_(scene.world),
      kind_(kind),
      server_(&scene.cluster.any()) {
  id_.bytes[15] = number;
}

void RemoteWorker::start() {
  last_tick_ms_ = world_.now();
  world_.after(world_.random.between(0, kTickMs), [this] { tick(); });
}

void RemoteWorker::when_awake(std::function<void()> event) {
  if (!frozen()) return event();
  world_.after(frozen_until_ms_ - world_.now() + 1,
               [this, life = life_, event = std::move(event)]() mutable {
                 if (life == life_) when_awake(std::move(event));
               });
}

void RemoteWorker::tick() {
  if (retired_) return;
  world_.after(kTickMs, [this] { tick(); });
  if (frozen()) return;
  const std::int64_t looked_ms = last_tick_ms_;
  if (frozen_until_ms_ != 0) {  // awake again: leases first, then work
    frozen_until_ms_ = 0;
    last_tick_ms_ = world_.now();
    if (line_ == Line::socket && !session_->open) socket_broke(looked_ms);
    auto held = jobs_;
    for (auto& [key, job] : held) fence(key, job);
    ledger_.resumed(id_);
  }
  const std::int64_t elapsed = world_.now() - std::exchange(last_tick_ms_, world_.now());
  if (world_.faults) misbehave();
  if (frozen()) return;
  keep_line(looked_ms);
  auto held = jobs_;
  for (auto& [key, job] : held) fence(key, job);
  held = jobs_;
  for (auto& [key, job] : held) work(key, jobs_[key], elapsed);
  if (world_.now() - last_heartbeat_ms_ >= kHeartbeatMs) heartbeat();
}

void RemoteWorker::misbehave() {
  SeededRandom& random = world_.random;
  if (random.chance(0.002)) {  // SIGKILL
    die();
  } else if (random.chance(0.004)) {  // SIGSTOP
    frozen_until_ms_ = world_.now() + random.between(100, 4000);
    ledger_.paused(id_);
  } else if (random.chance(0.004)) {  // nothing comes through; a socket may seem alive
    cut_until_ms_ = world_.now() + random.between(50, 2500);
    if (line_ == Line::socket && random.chance(0.7)) break_socket();
  } else if (random.chance(0.01) && line_ == Line::socket) {
    break_socket();
  }
}

void RemoteWorker::die() {
  ++life_;
  if (line_ == Line::socket) break_socket();
  line_ = Line::none;
  for (const auto& [key, job] : jobs_)
    if (job.executing) ledger_.stopped(key.first, key.second, id_);
  jobs_.clear();
}

void RemoteWorker::on_assign(const queue::AssignOrder& order) {
  const Key key{order.task->task_id, order.task->attempt};
  if (ignored_.contains(key)) return;
  if (world_.faults && world_.random.chance(0.02) && !jobs_.contains(key)) {
    ignored_.insert(key);  // it makes nothing of it, however often it is given
    return;
  }
  const auto [job, first] = jobs_.try_emplace(key);
  if (first) {
    job->second.work_left_ms = world_.random.between(5, 2500);
    job->second.asks = world_.random.chance(0.3);
    job->second.has_output = world_.random.chance(0.3);
    job->second.rejected = world_.random.chance(0.05);
    job->second.lease_until_ms = world_.now() + 3000;  // to be accepted until then
    if (job->second.rejected) return finish(key, 200);
  }
  if (!job->second.accepted && !job->second.rejected) accept(key);
}

void RemoteWorker::on_cancel(Key key) {
  const auto job = jobs_.find(key);
  if (job == jobs_.end()) return;
  job->second.work_left_ms = std::min<std::int64_t>(job->second.work_left_ms, 50);
}

// What it has it ignores; what lies behind a gap will come again.
void RemoteWorker::on_input(const store::InputPiece& piece) {
  const auto job = jobs_.find({piece.task_id, piece.attempt});
  if (job == jobs_.end() || !job->second.executing) return;
  if (piece.seq != job->second.input_seq + 1) return;
  job->second.input_seq = piece.seq;
  ledger_.input_received(piece.task_id, piece.attempt, piece.seq, piece.data);
}

void RemoteWorker::work(Key key, Job& job, std::int64_t elapsed_ms) {
  if (!job.accepted && !job.rejected && world_.random.chance(0.1))
    return accept(key);  // no answer yet: again
  if (!job.executing) return;
  job.work_left_ms -= elapsed_ms;
  if (std::exchange(job.asks, false)) ask(key);
  if (std::exchange(job.has_output, false)) add_output(key);
  if (world_.random.chance(0.01)) check_lease(key);
  if (job.work_left_ms > 0) return;
  job.executing = false;
  ledger_.stopped(key.first, key.second, id_);
  finish(key, 200);
}

// The lease may have run out: it stops by itself, whatever the network does (promise 5). Sometimes
// the end of such an attempt is told all the same: it has to be refused.
void RemoteWorker::fence(Key key, Job& job) {
  if (!job.accepted && world_.now() > job.lease_until_ms) return drop(key);
  if (!job.accepted || world_.now() < job.lease_until_ms) return;
  if (job.executing && world_.random.chance(0.5))
    world_.after(world_.random.between(0, 2000), [this, key, life = life_] {
      if (life == life_) finish(key, 1);
    });
  drop(key);
}

void RemoteWorker::drop(Key key) {
  const auto job = jobs_.find(key);
  if (job == jobs_.end()) return;
  if (job->second.executing) ledger_.stopped(key.first, key.second, id_);
  if (job->second.accepted || job->second.rejected) ignored_.insert(key);
  jobs_.erase(job);
  say_ready();
}

}  // namespace tandem::sim
