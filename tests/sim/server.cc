#include "sim/server.h"

#include <algorithm>
#include <map>

namespace tandem::sim {
namespace {

WorkerId fixed_worker(std::uint8_t number) {
  WorkerId id;
  id.bytes[15] = number;
  return id;
}

}  // namespace

void WorldOutbox::post(std::vector<Delivery> deliveries) {
  last_ms_ = std::max(last_ms_, world_.now() + world_.random.between(0, 8));
  for (Delivery& delivery : deliveries) world_.after(last_ms_ - world_.now(), std::move(delivery));
}

Server::Server(World& world, Ledger& ledger, int embedded_slots)
    : world_(world),
      ledger_(ledger),
      store_(world, ledger),
      channels_(world),
      outbox_(world),
      embedded_(fixed_worker(200)),
      slots_(embedded_slots) {}

void Server::start() {
  store_.restarted();
  ++life_;
  dispatcher_ =
      std::make_unique<queue::Dispatcher>(store_, world_,
                                          queue::DispatcherSettings{.lease_ms = kLeaseMs,
                                                                    .accept_timeout_ms = 400,
                                                                    .reconnect_ms = kReconnectMs,
                                                                    .ready_window = 3,
                                                                    .read_batch = 2,
                                                                    .embedded_worker = embedded_});
  if (slots_ > 0) open_embedded();
  planned_ms_ = INT64_MAX;
  plan_turn(0);
}

void Server::post(queue::Command command) {
  if (!up()) return;
  inbox_.push_back(std::move(command));
  plan_turn(world_.random.between(0, 2));
}

void Server::plan_turn(std::int64_t delay_ms) {
  const std::int64_t when = world_.now() + delay_ms;
  if (when >= planned_ms_) return;
  planned_ms_ = when;
  world_.after(delay_ms, [this, when, life = life_] {
    if (life == life_ && up() && planned_ms_ == when) run_turn();
  });
}

void Server::run_turn() {
  planned_ms_ = INT64_MAX;
  queue::Deliveries out;
  bool crashed = false;
  try {
    dispatcher_->turn(std::exchange(inbox_, {}), out);
  } catch (const Crash&) {
    crashed = true;
  }
  // Not in the order of their addresses, which no two runs have in common.
  std::map<int, std::pair<WorldOutbox*, std::vector<Outbox::Delivery>>> posts;
  for (auto& [outbox, deliveries] : out) {
    auto* const door = static_cast<WorldOutbox*>(outbox);
    posts[door->number()] = {door, std::move(deliveries)};
  }
  for (auto& [number, post] : posts) post.first->post(std::move(post.second));
  if (crashed) return die();
  const MonoTime next = dispatcher_->next_turn();
  if (next != kNever) plan_turn(std::max<std::int64_t>(0, next - world_.mono()));
}

void Server::die() {
  dispatcher_.reset();
  channels_.server_died();
  inbox_.clear();
  for (const auto& [task, attempt] : embedded_running_) ledger_.stopped(task, attempt, embedded_);
  embedded_running_.clear();
  ++life_;
  const bool soon = world_.random.chance(0.4);  // within what a worker has to be heard of again
  world_.after(world_.random.between(10, soon ? 100 : 1500), [this] { start(); });
}

void Server::open_embedded() {
  queue::OpenWorker open{.profile = {.worker_id = embedded_, .name = "inside", .in_process = true},
                         .order = nullptr,
                         .done = nullptr};
  open.order = [this, life = life_](const queue::WorkerOrder& order) {
    if (life != life_) return;
    if (const auto* assign = std::get_if<queue::AssignOrder>(&order)) run_embedded(*assign);
  };
  inbox_.push_back({&outbox_, std::move(open)});
  inbox_.push_back({&outbox_, queue::Ready{embedded_, slots_}});
}

void Server::run_embedded(const queue::AssignOrder& order) {
  const TaskId task = order.task->task_id;
  const std::uint32_t attempt = order.task->attempt;
  if (!embedded_running_.emplace(task, attempt).second) return;
  ledger_.started(task, attempt, embedded_);
  const bool failed = world_.random.chance(0.2);
  world_.after(world_.random.between(1, 300), [this, task, attempt, failed, life = life_] {
    if (life == life_) finish_embedded(task, attempt, failed);
  });
}

void Server::finish_embedded(TaskId task, std::uint32_t attempt, bool failed) {
  queue::Update update{.worker_id = embedded_, .task_id = task, .attempt = attempt};
  update.kind = failed ? queue::UpdateKind::failed : queue::UpdateKind::completed;
  update.result = Ledger::result_of(task, attempt, embedded_);
  if (failed) update.error = TaskError{"exit_status", "simulated"};
  update.done = [this, task, attempt, failed, life = life_](Result<queue::UpdateAnswer> answer) {
    if (life != life_) return;
    const bool again = !answer && answer.error().code == Errc::store_unavailable;
    if (again) {
      world_.after(50, [this, task, attempt, failed, life] {
        if (life == life_) finish_embedded(task, attempt, failed);
      });
      return;
    }
    if (embedded_running_.erase({task, attempt}) == 0) return;
    post({&outbox_, queue::Ready{embedded_, 1}});
  };
  // The work is over before its end is told.
  ledger_.stopped(task, attempt, embedded_);
  post({&outbox_, std::move(update)});
}

}  // namespace tandem::sim
