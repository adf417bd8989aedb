#include "sim/server.h"

#include <algorithm>
#include <map>

namespace tandem::sim {
namespace {

template <class AnyId>
AnyId fixed(int number) {
  AnyId id;
  id.bytes[15] = static_cast<std::uint8_t>(number);
  return id;
}

}  // namespace

void WorldOutbox::post(std::vector<Delivery> deliveries) {
  last_ms_ = std::max(last_ms_, world_.now() + world_.random.between(0, 8));
  for (Delivery& delivery : deliveries) world_.after(last_ms_ - world_.now(), std::move(delivery));
}

Server::Server(World& world, Ledger& ledger, store::MemoryDatabase* database, int number,
               int embedded_slots)
    : world_(world),
      ledger_(ledger),
      id_(fixed<ServerId>(1 + number)),
      store_(world, ledger, database, id_),
      channels_(world),
      outbox_(world),
      is_alone_(database == nullptr),
      embedded_(fixed<WorkerId>(200 + number)),
      slots_(embedded_slots) {}

void Server::start() {
  store_.restarted();
  ++life_;
  read_workers();
  const queue::DispatcherSettings settings{
      .lease_ms = kLeaseMs,
      .accept_timeout_ms = 400,
      .reconnect_ms = kReconnectMs,
      .ready_window = 3,
      .read_batch = 2,
      .embedded_worker = embedded_,
      .check_spec = {},
      .standing_of = [this](WorkerId id) { return standing_of(id); }};
  dispatcher_ = std::make_unique<queue::Dispatcher>(store_, world_, settings);
  if (!is_alone_) watch_accounts();
  if (slots_ > 0) open_embedded();
  planned_ms_ = INT64_MAX;
  plan_turn(0);
}

void Server::post(queue::Command command) {
  if (!up()) return;
  inbox_.push_back(std::move(command));
  plan_turn(world_.random.between(0, 2));
}

queue::WorkerStanding Server::standing_of(WorkerId id) const {
  const auto found = standings_.find(id);
  return found == standings_.end() ? queue::WorkerStanding::good : found->second;
}

void Server::read_workers() {
  constexpr int kAll = 1000;
  const auto records = store_.workers().list_workers({}, kAll);
  for (const store::WorkerRecord& record : *records) {
    queue::WorkerStanding& standing = standings_[record.worker_id];
    standing = record.draining ? queue::WorkerStanding::draining : queue::WorkerStanding::good;
    if (record.revoked_at) standing = queue::WorkerStanding::revoked;
  }
}

void Server::watch_accounts() {
  const auto read_again = [this, life = life_] {
    if (life != life_) return;
    read_workers();
    post({&outbox_, queue::ReviewWorkers{}});
  };
  const auto changed = [this, read_again] {
    world_.after(world_.random.between(0, 50),
                 [this, read_again] { when_awake([read_again] { read_again(); }); });
  };
  inbox_.push_back({&outbox_, queue::WatchAccounts{.changed = changed}});
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
  if (is_frozen()) return plan_turn(frozen_until_ms_ - world_.now());
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
    auto* const door = dynamic_cast<WorldOutbox*>(outbox);
    if (door != nullptr)
      posts[door->number()] = {door, std::move(deliveries)};
    else if (!crashed)
      outbox->post(std::move(deliveries));  // the dispatcher's own
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
  for (const auto& [key, job] : jobs_)
    if (!job.has_ended) ledger_.stopped(key.first, key.second, embedded_);
  jobs_.clear();
  ++life_;
  const bool soon = world_.random.chance(0.4);  // within what a worker has to be heard of again
  std::int64_t down_ms = world_.random.between(10, soon ? 100 : 1500);
  if (!is_alone_ && world_.random.chance(0.3)) down_ms = world_.random.between(6'000, 12'000);
  world_.after(down_ms, [this] { start(); });
}

void Server::when_awake(std::function<void()> event) {
  if (!is_frozen()) return event();
  world_.after(frozen_until_ms_ - world_.now(),
               [this, life = life_, event = std::move(event)]() mutable {
                 if (life == life_) when_awake(std::move(event));
               });
}

void Server::open_embedded() {
  queue::OpenWorker open{.profile = {.worker_id = embedded_, .name = "inside", .in_process = true},
                         .order = nullptr,
                         .done = nullptr};
  open.order = [this, life = life_](const queue::WorkerOrder& order) {
    if (life == life_) when_awake([this, order] { obey(order); });
  };
  inbox_.push_back({&outbox_, std::move(open)});
  inbox_.push_back({&outbox_, queue::Ready{embedded_, slots_}});
}

void Server::obey(const queue::WorkerOrder& order) {
  if (const auto* assign = std::get_if<queue::AssignOrder>(&order))
    run_embedded({assign->task->task_id, assign->task->attempt}, assign->lease_until);
  if (const auto* lease = std::get_if<queue::LeaseOrder>(&order))
    keep_embedded({lease->task_id, lease->attempt}, lease->until);
  if (const auto* lost = std::get_if<queue::LostOrder>(&order))
    forget_embedded({lost->task_id, lost->attempt});
}

void Server::run_embedded(Key key, std::optional<MonoTime> lease_until) {
  if (!jobs_.try_emplace(key).second) return;
  if (lease_until && *lease_until <= world_.mono()) {
    jobs_.at(key).has_ended = true;
    return report_embedded(key, "worker_lost");
  }
  if (lease_until) keep_embedded(key, *lease_until);
  ledger_.started(key.first, key.second, embedded_);
  const char* const error = world_.random.chance(0.2) ? "exit_status" : nullptr;
  const bool is_long = !is_alone_ && world_.random.chance(0.2);
  world_.after(world_.random.between(1, is_long ? 15'000 : 300), [this, key, error, life = life_] {
    if (life == life_) end_embedded(key, error);
  });
}

void Server::keep_embedded(Key key, MonoTime until) {
  const auto found = jobs_.find(key);
  if (found == jobs_.end() || found->second.has_ended) return;
  const std::int64_t left_ms = until - world_.mono();
  found->second.killed_at_ms = world_.now() + left_ms;
  world_.after(std::max<std::int64_t>(left_ms, 0), [this, key, life = life_] {
    const auto job = jobs_.find(key);
    if (life != life_ || job == jobs_.end() || world_.now() < job->second.killed_at_ms) return;
    end_embedded(key, "worker_lost");
  });
}

// The process does not stand still with the server; who tells of its end does.
void Server::end_embedded(Key key, const char* error) {
  const auto found = jobs_.find(key);
  if (found == jobs_.end() || std::exchange(found->second.has_ended, true)) return;
  ledger_.stopped(key.first, key.second, embedded_);
  when_awake([this, key, error] { report_embedded(key, error); });
}

void Server::report_embedded(Key key, const char* error) {
  if (!jobs_.contains(key)) return;
  queue::Update update{.worker_id = embedded_, .task_id = key.first, .attempt = key.second};
  update.kind = error ? queue::UpdateKind::failed : queue::UpdateKind::completed;
  update.result = Ledger::result_of(key.first, key.second, embedded_);
  if (error) update.error = TaskError{error, "simulated"};
  update.done = [this, key, error, life = life_](Result<queue::UpdateAnswer> answer) {
    if (life != life_) return;
    const bool again = !answer && answer.error().code == Errc::store_unavailable;
    if (!again) return forget_embedded(key);
    world_.after(50, [this, key, error, life] {
      if (life == life_) when_awake([this, key, error] { report_embedded(key, error); });
    });
  };
  post({&outbox_, std::move(update)});
}

void Server::forget_embedded(Key key) {
  const auto found = jobs_.find(key);
  if (found == jobs_.end()) return;
  if (!found->second.has_ended) ledger_.stopped(key.first, key.second, embedded_);
  jobs_.erase(found);
  post({&outbox_, queue::Ready{embedded_, 1}});
}

}  // namespace tandem::sim
