#include <algorithm>

#include "sim/worker.h"

namespace tandem::sim {
namespace {

constexpr std::int64_t kSafetyMs = 60, kSilenceMs = 2 * kHeartbeatMs, kLongestWaitMs = 1500;
constexpr int kSlots = 2;

}  // namespace

// How long what was said then keeps a lease. A socket that the server thinks dead cuts leases
// short: by silence, which the worker may not know of, or as long as the server has not been
// reached on another line at any time.
std::int64_t RemoteWorker::lease_end(std::int64_t sent_ms) const {
  std::int64_t lasts_ms = kLeaseMs;
  if (line_ == Line::socket) lasts_ms = std::min(kLeaseMs, kSilenceMs + kReconnectMs);
  if (sent_ms < reached_ms_) lasts_ms = kReconnectMs;
  return sent_ms + lasts_ms - kSafetyMs;
}

WorkerProfile RemoteWorker::profile(const Server& server, WorkerChannel channel) const {
  return {.worker_id = id_,
          .name = "remote",
          .channel = channel,
          .labels = kind_.has_gpu ? Labels{{"gpu", ""}} : Labels{},
          .job_types = {},
          .queues = {},
          .in_process = false,
          .draining = server.standing_of(id_) == queue::WorkerStanding::draining};
}

// `looked_ms`: when it was here last. What has happened to the socket happened after that.
void RemoteWorker::keep_line(std::int64_t looked_ms) {
  const bool broken = line_ == Line::socket && (!session_->open || !session_->server->up() ||
                                                session_->server->life() != session_->server_life);
  if (broken) socket_broke(looked_ms);
  if (is_cut_off()) return;
  if (world_.random.chance(kind_.push && kind_.polls ? 0.02 : 0.002)) leave_line();
  const bool may_say_bye = line_ == Line::socket && !session_->bye_at;
  if (may_say_bye && world_.random.chance(0.004)) say_bye();
  if (line_ == Line::socket && session_->bye_at && jobs_.empty()) leave_line();
  if (line_ == Line::none) {
    if (cluster_.has_several() && (!server_->up() || world_.random.chance(0.3)))
      server_ = &cluster_.reachable();
    const bool polls = kind_.polls && (!kind_.push || world_.random.chance(0.5));
    if (polls) {
      line_ = Line::polls;
      reached_ms_ = INT64_MAX;
      first_poll_ = polls_ + 1;
      next_poll_ms_ = world_.now();
      heartbeat();
    } else if (server_->up()) {
      open_socket();
    }
  }
  if (line_ == Line::polls && world_.now() >= next_poll_ms_) poll();
}

// With a word, or by just taking another: then the server ends this one, or finds it silent.
void RemoteWorker::leave_line() {
  if (line_ == Line::socket && world_.random.chance(0.5)) hang_up(session_, false);
  line_ = Line::none;
  reached_ms_ = INT64_MAX;
}

void RemoteWorker::open_socket() {
  line_ = Line::socket;
  reached_ms_ = INT64_MAX;
  const auto session = session_ =
      std::make_shared<Session>(Session{.server = server_,
                                        .channel = server_->next_channel(),
                                        .server_life = server_->life(),
                                        .heard_ms = world_.now()});
  const std::int64_t silence_ends = world_.now() + kSilenceMs + kReconnectMs - kSafetyMs;
  for (auto& [key, job] : jobs_)
    if (job.accepted) job.lease_until_ms = std::min(job.lease_until_ms, silence_ends);
  if (!server_->admits(id_)) return retire();
  session->server->channels().opened(id_, session->channel);
  queue::OpenWorker open{.profile = profile(*server_, WorkerChannel::push),
                         .channel = session->channel,
                         .order = nullptr,
                         .done = nullptr};
  open.order = [this, session](const queue::WorkerOrder& order) { on_order(session, order); };
  open.done = [this, session](const Result<std::monostate>&) {
    session->server->channels().let_in(id_, session->channel);
    when_awake([this, session] {
      if (line_ == Line::socket && session_ == session) reached();
    });
  };
  session->server->post({&outbox_, std::move(open)});
  say_ready();
  watch_silence(session);
}

void RemoteWorker::on_order(const SessionPtr& session, const queue::WorkerOrder& order) {
  session->server->channels().used(session->channel);
  if (std::holds_alternative<queue::CloseOrder>(order)) {
    session->open = false;
    session->server->channels().ended(id_, session->channel);
    return;
  }
  if (const auto* assign = std::get_if<queue::AssignOrder>(&order)) {
    ledger_.offered(*assign->task, id_);
    session->offers.emplace(assign->task->task_id, assign->task->attempt);
    if (session->bye_at && *assign->task->assigned_at > *session->bye_at)
      throw Broken("a worker that wanted nothing more was given a task");
  }
  const auto give = [this, session, order] {
    when_awake([this, session, order] {
      if (line_ == Line::socket && session_ == session && session->open) obey(order);
    });
  };
  if (!is_cut_off()) return give();
  world_.after(cut_until_ms_ - world_.now(), give);
}

void RemoteWorker::obey(const queue::WorkerOrder& order) {
  if (const auto* assign = std::get_if<queue::AssignOrder>(&order)) return on_assign(*assign);
  if (const auto* lost = std::get_if<queue::LostOrder>(&order))
    return drop({lost->task_id, lost->attempt});
  if (const auto* cancel = std::get_if<queue::CancelOrder>(&order))
    return on_cancel({cancel->task_id, cancel->attempt});
  if (const auto* piece = std::get_if<store::InputPiece>(&order)) return on_input(*piece);
}

void RemoteWorker::watch_silence(const SessionPtr& session) {
  const std::int64_t ends_ms = session->heard_ms + kSilenceMs;
  if (world_.now() >= ends_ms) return hang_up(session, true);
  world_.after(ends_ms - world_.now(), [this, session] {
    if (session->open) watch_silence(session);
  });
}

// The server's end of the socket goes.
void RemoteWorker::hang_up(const SessionPtr& session, bool lost) {
  Server& server = *session->server;
  if (!std::exchange(session->open, false) || session->server_life != server.life()) return;
  server.channels().abandoned(id_, session->channel);
  server.post(
      {&outbox_, queue::CloseWorker{.worker_id = id_, .channel = session->channel, .lost = lost}});
}

// It wants nothing more, but lives on: its jobs go on, and its offers are another's.
void RemoteWorker::say_bye() {
  session_->bye_at = world_.wall();
  Server& server = *session_->server;
  if (server.channels().is_latest(id_, session_->channel))
    for (const Key& key : session_->offers)
      if (!spoken_of_.contains(key)) given_back_[key] = {server.life(), server.store().failures()};
  server.post({&outbox_, queue::Retire{.worker_id = id_, .channel = session_->channel}});
}

// A turn that fails may have been the one that gave it back.
bool RemoteWorker::is_given_back(Key key) const {
  const auto found = given_back_.find(key);
  return found != given_back_.end() && found->second.server_life == server_->life() &&
         found->second.store_failures == server_->store().failures();
}

// The server may see it much later, but for the sake of the test not before.
void RemoteWorker::break_socket() {
  const bool late = world_.random.chance(0.3);
  world_.after(world_.random.between(0, late ? 600 : 30),
               [this, session = session_] { hang_up(session, true); });
  socket_broke(world_.now());
}

// It has so long to be heard of again.
void RemoteWorker::socket_broke(std::int64_t since_ms) {
  line_ = Line::none;
  reached_ms_ = INT64_MAX;
  for (auto& [key, job] : jobs_)
    if (job.accepted)
      job.lease_until_ms = std::min(job.lease_until_ms, since_ms + kReconnectMs - kSafetyMs);
}

void RemoteWorker::say_ready() {
  if (line_ != Line::socket || !session_->open || is_cut_off()) return;
  if (session_->bye_at) return;
  queue::Ready ready{.worker_id = id_, .slots = 0, .channel = session_->channel};
  ready.free = std::max(0, kSlots - static_cast<int>(jobs_.size()));
  session_->server->post({&outbox_, ready});
}

void RemoteWorker::reached() {
  if (reached_ms_ != INT64_MAX) return;
  reached_ms_ = world_.now();
  heartbeat();
}

// Long ones only once the server has been reached.
void RemoteWorker::poll() {
  const bool is_long = reached_ms_ != INT64_MAX && world_.random.chance(0.5);
  const std::int64_t wait_ms = is_long ? world_.random.between(50, kLongestWaitMs) : 0;
  next_poll_ms_ = world_.now() + wait_ms + 200;
  const int max = std::max(0, kSlots - static_cast<int>(jobs_.size()));
  world_.send([this, number = ++polls_, max, wait_ms, life = life_] {
    Server& server = next_server();
    if (server.admits(id_)) return claim(server, number, max, wait_ms);
    when_awake([this, life] {
      if (life == life_) retire();
    });
  });
}

// A worker may say what it knows, or hear it again.
std::vector<queue::Lease> RemoteWorker::known_offers() {
  std::vector<queue::Lease> known;
  if (!world_.random.chance(0.5)) return known;
  for (const auto& [key, job] : jobs_)
    if (!job.accepted) known.push_back({key.first, key.second});
  return known;
}

void RemoteWorker::claim(Server& server, int number, int max, std::int64_t wait_ms) {
  if (!server.up()) return;
  const queue::ChannelNumber channel = server.next_channel();
  server.channels().opened(id_, channel, world_.now() + wait_ms + 2000);
  queue::Claim claim{.profile = profile(server, WorkerChannel::polling),
                     .channel = channel,
                     .max = max,
                     .wait_ms = wait_ms,
                     .known = known_offers(),
                     .done = nullptr};
  claim.done = [this, &server, channel, number, max, came_at = world_.wall(), life = life_,
                changes = fleet_.changes(id_),
                known = claim.known](const Result<queue::Claimed>& claimed) {
    server.channels().ended(id_, channel);
    if (!claimed) return;
    if (max > 0 && server.admits(id_) && !cluster_.has_several())
      on_given(came_at, channel, changes, known, *claimed);
    if (life == life_) answer([this, number, claimed] { on_claimed(number, *claimed); });
  };
  server.post({&outbox_, std::move(claim)});
  if (!world_.faults || !world_.random.chance(0.1)) return;
  world_.after(world_.random.between(0, wait_ms + 20),
               [this, &server, channel, life = server.life()] {
                 if (life != server.life()) return;
                 server.channels().abandoned(id_, channel);
                 server.post({&outbox_, queue::Unclaim{.worker_id = id_, .channel = channel}});
               });
}

// At the server's door.
void RemoteWorker::on_given(WallTime came_at, queue::ChannelNumber channel, int drain_changes,
                            const std::vector<queue::Lease>& known, const queue::Claimed& claimed) {
  std::set<TaskId> jobs;
  for (const queue::Lease& lease : known) jobs.insert(lease.task_id);
  const bool drained = fleet_.is_draining(id_) && fleet_.changes(id_) == drain_changes;
  for (const queue::AssignOrder& job : claimed.jobs) {
    jobs.insert(job.task->task_id);
    ledger_.offered(*job.task, id_);
    if (drained && *job.task->assigned_at > came_at)
      throw Broken("a draining worker was given a task");
  }
  if (!server_->channels().is_latest(id_, channel)) return;
  server_->channels().let_in(id_, channel);
  ledger_.poll_given(id_, came_at, jobs);
}

void RemoteWorker::on_claimed(int number, const queue::Claimed& claimed) {
  const bool of_this_line = line_ == Line::polls && number >= first_poll_;
  if (of_this_line) reached();
  if (of_this_line && number == polls_)
    next_poll_ms_ = world_.now() + world_.random.between(0, 150);
  for (const queue::AssignOrder& job : claimed.jobs) on_assign(job);
  for (const queue::News& one : claimed.news) {
    if (one.answer.cancel_requested) on_cancel({one.lease.task_id, one.lease.attempt});
    for (const store::InputPiece& piece : one.answer.input) on_input(piece);
  }
}

}  // namespace tandem::sim
