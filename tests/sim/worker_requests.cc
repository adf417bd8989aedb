#include <algorithm>

#include "sim/worker.h"

namespace tandem::sim {

void RemoteWorker::request(std::function<queue::Command()> at_arrival) {
  if (is_cut_off()) return;
  const SessionPtr session = line_ == Line::socket ? session_ : nullptr;
  Server* const server = session ? session->server : &next_server();
  world_.send([this, session, server, life = life_, at_arrival = std::move(at_arrival)] {
    if (!session && !server->admits(id_))
      return when_awake([this, life] {
        if (life == life_) retire();
      });
    if (session) session->heard_ms = world_.now();
    server->post(at_arrival());
  });
}

Server& RemoteWorker::next_server() {
  return world_.random.chance(0.1) ? cluster_.any() : *server_;
}

void RemoteWorker::answer(std::function<void()> what) {
  if (is_cut_off()) return;
  world_.send([this, life = life_, what = std::move(what)] {
    when_awake([this, life, what] {
      if (life == life_ && !retired_) what();
    });
  });
}

void RemoteWorker::retire() {
  retired_ = true;
  line_ = Line::none;
  const auto held = jobs_;
  for (const auto& [key, job] : held) drop(key);
}

queue::Update RemoteWorker::update_of(Key key, queue::UpdateKind kind) const {
  queue::Update update{.worker_id = id_, .task_id = key.first, .attempt = key.second};
  update.kind = kind;
  return update;
}

void RemoteWorker::renewed(Key key, std::int64_t sent_ms) {
  const auto job = jobs_.find(key);
  if (job == jobs_.end() || !job->second.accepted) return;
  job->second.lease_until_ms = std::max(job->second.lease_until_ms, lease_end(sent_ms));
}

void RemoteWorker::accept(Key key) {
  request([this, key, life = life_, sent = world_.now()] {
    queue::Update update = update_of(key, queue::UpdateKind::running);
    spoken_of_.insert(key);
    update.done = [this, key, life, sent,
                   given_back = is_given_back(key)](const Result<queue::UpdateAnswer>& given) {
      if (given && given_back && is_given_back(key))
        throw Broken("an offer that had been given back was taken");
      if (life == life_) answer([this, key, sent, given] { on_accepted(key, sent, given); });
    };
    return queue::Command{&outbox_, std::move(update)};
  });
}

void RemoteWorker::on_accepted(Key key, std::int64_t sent_ms,
                               const Result<queue::UpdateAnswer>& answer) {
  const auto found = jobs_.find(key);
  if (found == jobs_.end()) return;
  Job& job = found->second;
  if (!answer) {
    if (answer.error().code == Errc::stale_attempt && !job.executing) drop(key);
    return;
  }
  if (job.accepted) return;
  job.accepted = true;
  job.lease_until_ms = lease_end(sent_ms);
  if (world_.now() >= job.lease_until_ms) return fence(key, job);
  job.executing = true;
  ledger_.started(key.first, key.second, id_);
  say_ready();
}

void RemoteWorker::ask(Key key) {
  request([this, key] {
    queue::Update update = update_of(key, queue::UpdateKind::waiting_for_input);
    update.input_request = InputRequest{.request_id = "1", .prompt = "?", .password = false};
    return queue::Command{&outbox_, std::move(update)};
  });
}

// One who polls renews by updates, for the most part.
void RemoteWorker::heartbeat() {
  last_heartbeat_ms_ = world_.now();
  std::vector<queue::Lease> leases;
  const bool by_update = line_ == Line::polls && world_.random.chance(0.8);
  for (const auto& [key, job] : jobs_) {
    if (!job.accepted) continue;
    if (by_update) renew_by_update(key);
    leases.push_back({key.first, key.second, job.input_seq});
  }
  if (!by_update) beat(std::move(leases), world_.now());
}

void RemoteWorker::beat(std::vector<queue::Lease> leases, std::int64_t sent_ms) {
  request([this, leases = std::move(leases), sent_ms, life = life_] {
    std::set<Key> over;
    for (const queue::Lease& lease : leases)
      if (is_over({lease.task_id, lease.attempt})) over.emplace(lease.task_id, lease.attempt);
    queue::Heartbeat beat{.worker_id = id_, .leases = leases, .done = nullptr};
    beat.done = [this, over, sent_ms, life](const Result<queue::HeartbeatAnswer>& given) {
      if (!given) return;
      std::set<Key> told;
      for (const queue::Lease& lease : given->lost) told.emplace(lease.task_id, lease.attempt);
      for (const Key& key : over) ledger_.renewed(key.first, key.second, !told.contains(key));
      if (life == life_) answer([this, heard = *given, sent_ms] { on_beat(heard, sent_ms); });
    };
    return queue::Command{&outbox_, std::move(beat)};
  });
}

void RemoteWorker::on_beat(const queue::HeartbeatAnswer& heard, std::int64_t sent_ms) {
  for (const queue::Lease& lease : heard.renewed) renewed({lease.task_id, lease.attempt}, sent_ms);
  for (const queue::Lease& lease : heard.lost) drop({lease.task_id, lease.attempt});
}

void RemoteWorker::renew_by_update(Key key) {
  const std::uint64_t has_input = jobs_[key].input_seq;
  request([this, key, has_input, life = life_, sent = world_.now()] {
    queue::Update update = update_of(key, queue::UpdateKind::progress);
    update.input_seq = has_input;
    update.done = [this, key, life, sent,
                   over = is_over(key)](const Result<queue::UpdateAnswer>& given) {
      if (given) ledger_.renewed(key.first, key.second, over);
      if (life != life_) return;
      answer([this, key, sent, given] {
        if (!given) {
          if (given.error().code == Errc::stale_attempt) drop(key);
          return;
        }
        renewed(key, sent);
        if (given->cancel_requested) on_cancel(key);
        for (const store::InputPiece& piece : given->input) on_input(piece);
      });
    };
    return queue::Command{&outbox_, std::move(update)};
  });
}

void RemoteWorker::check_lease(Key key) {
  request([this, key, life = life_, sent = world_.now()] {
    queue::CheckLease check{.worker_id = id_, .lease = {key.first, key.second}, .done = nullptr};
    check.done = [this, key, life, sent, over = is_over(key)](const Result<queue::TaskPtr>& given) {
      if (given) ledger_.renewed(key.first, key.second, over);
      if (life == life_ && given) answer([this, key, sent] { renewed(key, sent); });
    };
    return queue::Command{&outbox_, std::move(check)};
  });
}

void RemoteWorker::add_output(Key key) {
  request([this, key] {
    queue::AddOutput add{.worker_id = id_,
                         .lease = {key.first, key.second},
                         .file = {.name = "out",
                                  .size_bytes = 1,
                                  .sha256 = Ledger::result_of(key.first, key.second, id_),
                                  .content_type = ""},
                         .done = nullptr};
    add.done = [this, key, over = is_over(key)](const Result<queue::TaskPtr>& given) {
      if (!given) return;
      ledger_.renewed(key.first, key.second, over);
      ledger_.output_answered(key.first, key.second, "out");
    };
    return queue::Command{&outbox_, std::move(add)};
  });
}

void RemoteWorker::finish(Key key, int tries_left) {
  const auto kind =
      world_.random.chance(0.15) ? queue::UpdateKind::failed : queue::UpdateKind::completed;
  request([this, key, kind, life = life_] {
    queue::Update update = update_of(key, kind);
    spoken_of_.insert(key);
    update.result = Ledger::result_of(key.first, key.second, id_);
    update.error = TaskError{"exit_status", "simulated"};
    update.done = [this, key, life](const Result<queue::UpdateAnswer>& given) {
      if (life != life_) return;
      if (given && is_terminal(given->status))
        ledger_.terminal_answered(key.first, given->status, key.second);
      if (given || given.error().code == Errc::stale_attempt) drop(key);
    };
    return queue::Command{&outbox_, std::move(update)};
  });
  if (tries_left <= 1) return;
  world_.after(world_.random.between(100, 400), [this, key, tries_left, life = life_] {
    if (life == life_ && jobs_.contains(key))
      when_awake([this, key, tries_left] { finish(key, tries_left - 1); });
  });
}

}  // namespace tandem::sim
