#include "sim/worker.h"

#include <algorithm>

namespace tandem::sim {
namespace {

constexpr std::int64_t kTickMs = 20, kHeartbeatMs = 250, kLeaseMs = 1000, kSafetyMs = 60;
constexpr int kSlots = 2;

}  // namespace

RemoteWorker::RemoteWorker(World& world, Ledger& ledger, Server& server, std::uint8_t number)
    : world_(world), ledger_(ledger), server_(server), outbox_(world) {
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
  world_.after(kTickMs, [this] { tick(); });
  if (frozen()) return;
  if (frozen_until_ms_ != 0) {  // awake again: leases first, then work
    frozen_until_ms_ = 0;
    last_tick_ms_ = world_.now();
    auto held = jobs_;
    for (auto& [key, job] : held) fence(key, job);
    ledger_.resumed(id_);
  }
  const std::int64_t elapsed = world_.now() - std::exchange(last_tick_ms_, world_.now());
  if (world_.faults) misbehave();
  if (frozen()) return;
  const bool broken = connected_ && (!server_.up() || server_.life() != server_life_);
  if (broken) connected_ = false;
  if (!connected_ && server_.up()) connect();
  auto held = jobs_;
  for (auto& [key, job] : held) fence(key, job);
  held = jobs_;
  for (auto& [key, job] : held) work(key, jobs_[key], elapsed);
  if (world_.now() - last_heartbeat_ms_ >= kHeartbeatMs) heartbeat();
}

void RemoteWorker::misbehave() {
  SeededRandom& random = world_.random;
  if (random.chance(0.002)) {  // SIGKILL
    ++life_;
    for (const auto& [key, job] : jobs_)
      if (job.executing) ledger_.stopped(key.first, key.second, id_);
    jobs_.clear();
    connected_ = false;
  } else if (random.chance(0.004)) {  // SIGSTOP
    frozen_until_ms_ = world_.now() + random.between(100, 4000);
    ledger_.paused(id_);
  } else if (random.chance(0.01)) {  // the connection breaks
    connected_ = false;
  }
}

void RemoteWorker::connect() {
  connected_ = true;
  server_life_ = server_.life();
  ++connection_;
  queue::OpenWorker open{
      .profile = {.worker_id = id_, .name = "remote"}, .order = nullptr, .done = nullptr};
  open.order = [this, connection = connection_, life = life_](const queue::WorkerOrder& order) {
    when_awake([this, connection, life, order] {
      if (connection == connection_ && life == life_ && connected_) on_order(order);
    });
  };
  server_.post({&outbox_, std::move(open)});
  const int free = std::max(0, kSlots - static_cast<int>(jobs_.size()));
  server_.post({&outbox_, queue::Ready{id_, free}});
}

// Requests may be lost, late or doubled; so may their answers.
void RemoteWorker::request(queue::Command command) {
  auto shared = std::make_shared<queue::Command>(std::move(command));
  world_.send([this, shared] { server_.post(*shared); });
}

void RemoteWorker::on_order(const queue::WorkerOrder& order) {
  if (const auto* assign = std::get_if<queue::AssignOrder>(&order)) return on_assign(*assign);
  if (const auto* lost = std::get_if<queue::LostOrder>(&order))
    return drop({lost->task_id, lost->attempt}, true);
  if (const auto* cancel = std::get_if<queue::CancelOrder>(&order)) {
    const Key key{cancel->task_id, cancel->attempt};
    const auto job = jobs_.find(key);
    if (job != jobs_.end())
      job->second.work_left_ms = std::min<std::int64_t>(job->second.work_left_ms, 50);
    return;
  }
  if (const auto* piece = std::get_if<store::InputPiece>(&order)) {
    const auto job = jobs_.find({piece->task_id, piece->attempt});
    if (job != jobs_.end() && job->second.executing)
      ledger_.input_received(piece->task_id, piece->attempt, piece->seq, piece->data);
  }
}

void RemoteWorker::on_assign(const queue::AssignOrder& order) {
  const Key key{order.task->task_id, order.task->attempt};
  const auto [job, first] = jobs_.try_emplace(key);
  if (first) {
    job->second.work_left_ms = world_.random.between(5, 2500);
    job->second.asks = world_.random.chance(0.3);
    job->second.lease_until_ms = world_.now() + 3000;  // to be accepted until then
  }
  if (!job->second.accepted) accept(key);
}

void RemoteWorker::accept(Key key) {
  queue::Update update{.worker_id = id_, .task_id = key.first, .attempt = key.second};
  update.kind = queue::UpdateKind::running;
  update.done = [this, key, life = life_, sent = world_.now()](Result<queue::UpdateAnswer> answer) {
    world_.send([this, key, life, sent, answer] {
      when_awake([this, key, life, sent, answer] {
        const auto job = jobs_.find(key);
        if (life != life_ || job == jobs_.end()) return;
        if (!answer) {
          if (answer.error().code == Errc::stale_attempt && !job->second.executing) drop(key, true);
          return;
        }
        if (job->second.accepted) return;
        job->second.accepted = true;
        job->second.lease_until_ms = sent + kLeaseMs - kSafetyMs;
        if (world_.now() >= job->second.lease_until_ms) return fence(key, job->second);
        job->second.executing = true;
        ledger_.started(key.first, key.second, id_);
      });
    });
  };
  request({&outbox_, std::move(update)});
}

void RemoteWorker::work(Key key, Job& job, std::int64_t elapsed_ms) {
  if (!job.accepted && world_.random.chance(0.1)) return accept(key);  // no answer yet: again
  if (!job.executing) return;
  job.work_left_ms -= elapsed_ms;
  if (job.asks) ask(key);
  job.asks = false;
  if (job.work_left_ms > 0) return;
  job.executing = false;
  ledger_.stopped(key.first, key.second, id_);
  finish(key, 200);
}

void RemoteWorker::ask(Key key) {
  queue::Update update{.worker_id = id_, .task_id = key.first, .attempt = key.second};
  update.kind = queue::UpdateKind::waiting_for_input;
  update.input_request = InputRequest{.request_id = "1", .prompt = "?", .password = false};
  request({&outbox_, std::move(update)});
}

// The lease may have run out: it stops by itself, whatever the network does (promise 5). Sometimes
// the end of such an attempt is told all the same: it has to be refused.
void RemoteWorker::fence(Key key, Job& job) {
  if (!job.accepted && world_.now() > job.lease_until_ms) return drop(key, true);
  if (!job.accepted || world_.now() < job.lease_until_ms) return;
  if (job.executing) ledger_.stopped(key.first, key.second, id_);
  if (job.executing && world_.random.chance(0.5))
    world_.after(world_.random.between(0, 2000), [this, key, life = life_] {
      if (life == life_) finish(key, 1);
    });
  drop(key, true);
}

void RemoteWorker::heartbeat() {
  last_heartbeat_ms_ = world_.now();
  queue::Heartbeat beat{.worker_id = id_, .leases = {}, .done = nullptr};
  for (const auto& [key, job] : jobs_)
    if (job.accepted) beat.leases.push_back({key.first, key.second});
  if (beat.leases.empty()) return;
  beat.done = [this, leases = beat.leases, sent = world_.now(),
               life = life_](Result<std::vector<queue::Lease>> lost) {
    world_.send([this, leases, sent, life, lost] {
      when_awake([this, leases, sent, life, lost] {
        if (life != life_ || !lost) return;
        for (const queue::Lease& lease : leases) {
          const auto job = jobs_.find({lease.task_id, lease.attempt});
          const bool gone = std::any_of(lost->begin(), lost->end(), [&](const queue::Lease& one) {
            return one.task_id == lease.task_id && one.attempt == lease.attempt;
          });
          if (job == jobs_.end()) continue;
          if (gone)
            drop(job->first, true);
          else
            job->second.lease_until_ms =
                std::max(job->second.lease_until_ms, sent + kLeaseMs - kSafetyMs);
        }
      });
    });
  };
  request({&outbox_, std::move(beat)});
}

void RemoteWorker::finish(Key key, int tries_left) {
  queue::Update update{.worker_id = id_, .task_id = key.first, .attempt = key.second};
  update.kind =
      world_.random.chance(0.15) ? queue::UpdateKind::failed : queue::UpdateKind::completed;
  update.result = Ledger::result_of(key.first, key.second, id_);
  update.error = TaskError{"exit_status", "simulated"};
  update.done = [this, key, life = life_](Result<queue::UpdateAnswer> answer) {
    if (life != life_) return;
    if (answer && is_terminal(answer->status))
      ledger_.terminal_answered(key.first, answer->status, key.second);
    if (answer || answer.error().code == Errc::stale_attempt) drop(key, true);
  };
  request({&outbox_, std::move(update)});
  if (tries_left <= 1) return;
  world_.after(world_.random.between(100, 400), [this, key, tries_left, life = life_] {
    if (life == life_ && jobs_.contains(key))
      when_awake([this, key, tries_left] { finish(key, tries_left - 1); });
  });
}

void RemoteWorker::drop(Key key, bool give_slot) {
  const auto job = jobs_.find(key);
  if (job == jobs_.end()) return;
  if (job->second.executing) ledger_.stopped(key.first, key.second, id_);
  jobs_.erase(job);
  if (give_slot && connected_) server_.post({&outbox_, queue::Ready{id_, 1}});
}

}  // namespace tandem::sim
