#include "queue/peers.h"

#include <algorithm>

#include "queue/dispatcher.h"
#include "queue/peer_submissions.h"
#include "queue/peer_times.h"

namespace tandem::queue {
namespace {

constexpr std::int64_t kLookMs = 1000;
constexpr std::int64_t kLateMs = 3000;       // a beat after so long is no sign of a steady store
constexpr std::int64_t kOwnMarginMs = 3000;  // for what this server may be late with
constexpr int kLettersAtOnce = 500, kAdoptedAtOnce = 5000, kGiftsAtOnce = 500;
constexpr std::int64_t kTellAgainMs = 1000, kTellPauseMs = 20;

}  // namespace

// Numbers begin anew with each run, behind those of the one before.
Peers::Peers(Dispatcher& dispatcher, store::PeerStore* store)
    : dispatcher_(dispatcher),
      store_(store),
      asks_(static_cast<std::uint64_t>(dispatcher.clock_.wall().ms) * 1024),
      fleet_asks_(static_cast<std::uint64_t>(dispatcher.clock_.wall().ms) * 1024) {}

Result<void> Peers::begin_turn() {
  if (store_ == nullptr) return {};
  asks_.begin_turn();
  fleet_asks_.begin_turn();
  for (store::Letter& letter : owed_) dispatcher_.turn_.batch.letters.push_back(std::move(letter));
  owed_.clear();
  if (dispatcher_.turn_.mono >= next_beat_)
    if (auto beaten = beat(); !beaten) return beaten;
  asks_.expire(dispatcher_.turn_.mono);
  fleet_asks_.expire(dispatcher_.turn_.mono);
  guests_.expire(dispatcher_.turn_.mono);
  refuse_late();
  return {};
}

Result<void> Peers::read_letters() {
  if (store_ == nullptr) return {};
  if (auto drawn = draw_tasks(); !drawn) return drawn;
  if (std::exchange(is_rung_, false) || has_more_ || dispatcher_.turn_.mono >= next_look_)
    if (auto read = read_mail(); !read) return read;
  return {};
}

Result<void> Peers::beat() {
  const MonoTime now = dispatcher_.turn_.mono;
  const bool is_first = last_beat_ == MonoTime{0};
  auto roll = store_->beat();
  if (!roll) return roll.error();
  next_beat_ = now + kBeatMs;
  last_beat_ = now;
  if (is_first || roll->was_silent_ms > kLateMs) steady_since_ = now;
  meet(roll->peers);
  const bool was_drawn_from = std::exchange(draws_, roll->draws) != roll->draws;
  // It was dead to the others, or silent to one: what it remembers may be theirs by now.
  if (!is_first && (roll->was_silent_ms >= kDeadMs || was_drawn_from))
    if (auto read = dispatcher_.load(); !read) return read;
  const WorkerId own_worker = dispatcher_.settings_.embedded_worker;
  if (const auto until = own_lease())
    for (const Entry* job : dispatcher_.held_.of(own_worker))
      dispatcher_.order(own_worker, LeaseOrder{job->task->task_id, job->task->attempt, *until});
  if (auto looked = look_at_watched(); !looked) return looked;
  return take_over(roll->peers);
}

// What was told to all before did not reach one that is new.
void Peers::meet(const std::vector<store::Peer>& peers) {
  const std::set<ServerId> before = std::exchange(alive_, {});
  for (const store::Peer& peer : peers) {
    if (peer.silent_ms >= kDeadMs) continue;
    alive_.insert(peer.server_id);
    if (!before.contains(peer.server_id)) write(peer.server_id, wire::AccountsChanged());
  }
  has_met_others_ = has_met_others_ || any();
}

// Only by one that was heard of all the time: where the store was away, all were silent.
Result<void> Peers::take_over(const std::vector<store::Peer>& peers) {
  if (dispatcher_.turn_.mono - steady_since_ < kDeadMs) return {};
  const bool may_have_adopted = std::exchange(may_have_adopted_, false);
  std::int64_t taken = 0;
  for (const store::Peer& peer : peers) {
    if (peer.silent_ms < kDeadMs) continue;
    guests_.forget(peer.server_id);
    const auto some = store_->adopt(peer.server_id, kDeadMs, kAdoptedAtOnce);
    // Its last transaction hangs on, or nobody knows how this one ended: the next beat tries again.
    may_have_adopted_ = may_have_adopted_ || !some;
    if (!some) continue;
    if (*some >= kAdoptedAtOnce) next_beat_ = dispatcher_.turn_.mono;
    taken += *some;
  }
  const bool is_known = !may_have_adopted_;
  has_adopted_ = has_adopted_ || taken > 0 || may_have_adopted || !is_known;
  const bool is_read_again = taken > 0 || (may_have_adopted && is_known);
  return is_read_again ? dispatcher_.load() : Result<void>();
}

Result<void> Peers::read_mail() {
  next_look_ = dispatcher_.turn_.mono + kLookMs;
  auto mail = store_->mail(kLettersAtOnce);
  if (!mail) return mail.error();
  has_more_ = mail->letters.size() == kLettersAtOnce;
  for (const store::ReceivedLetter& letter : mail->letters) {
    dispatcher_.turn_.batch.letters_read.push_back(letter.number);
    auto what = wire::decode_letter(letter.text);
    if (!what) continue;  // of a newer server
    const auto done = std::visit([&](auto& one) { return read(letter.from, one); }, *what);
    if (!done) return done;
  }
  return mail->has_submissions ? take_submissions() : Result<void>();
}

Result<void> Peers::take_submissions() {
  if (auto begun = dispatcher_.begin(); !begun) return begun;
  const auto is_full = submit_all(*store_, dispatcher_.settings_.check_spec,
                                  [this](Submit& submit) { return dispatcher_.submit(submit); });
  if (!is_full) return is_full.error();
  has_more_ = has_more_ || *is_full;
  return {};
}

void Peers::write(ServerId to, const wire::PeerLetter& letter) {
  dispatcher_.turn_.batch.letters.push_back({.to = to, .text = wire::encode_letter(letter)});
}

void Peers::tell_all(const wire::PeerLetter& letter) {
  for (const ServerId& server : alive_) write(server, letter);
}

void Peers::serve_guests() {
  if (guests_.empty() || dispatcher_.lanes_.empty()) return;
  int left = kGiftsAtOnce;
  guests_.serve([&](ServerId server, const WorkerProfile& profile) {
    if (left-- <= 0 || !alive_.contains(server)) return false;
    Entry* entry = dispatcher_.take_next(profile);
    if (entry == nullptr) return false;
    given_[server].push_back(entry->task->task_id);
    give(*entry, server);
    return true;
  });
}

void Peers::end_turn() {
  if (store_ == nullptr) return;
  for (auto& [server, tasks] : std::exchange(given_, {}))
    write(server, wire::TasksGiven{.worker_id = {}, .tasks = std::move(tasks)});
  tell_watchers_elsewhere();
  say_free_slots();
}

void Peers::say_free_slots() {
  const MonoTime now = dispatcher_.turn_.mono;
  if (!any() || dispatcher_.lanes_want_reading_) return;
  const auto [groups, slots] = dispatcher_.room_.waiting_counts();
  if (slots == 0) return;
  const bool is_due = now >= next_telling_ || groups > told_groups_;
  const bool may_soon = now - next_telling_ >= kTellPauseMs - kTellAgainMs;
  std::erase_if(told_slots_, [this](const auto& told) { return !alive_.contains(told.first); });
  wire::FreeSlots free;
  for (const ServerId& server : alive_) {
    int& left = told_slots_[server];
    if (!is_due && left > 0 && (left * 2 >= slots || !may_soon)) continue;
    if (free.groups.empty()) free.groups = dispatcher_.room_.free_slots();
    write(server, free);
    left = slots;
    told_groups_ = groups;
    next_telling_ = now + kTellAgainMs;
  }
}

void Peers::turn_ended(bool is_committed) {
  if (store_ == nullptr || is_committed) return;
  asks_.take_back_turn();
  fleet_asks_.take_back_turn();
  given_.clear();
  to_watch_.clear();
  changed_.clear();
  is_rung_ = true;  // what was read is read again
  refuse_late();
}

MonoTime Peers::next_turn() const {
  if (store_ == nullptr) return kNever;
  if (is_rung_ || has_more_) return MonoTime{0};
  MonoTime next = next_beat_;
  for (const auto& [worker, coming] : coming_) next = std::min(next, coming.drawn_at);
  return next;
}

void Peers::apply(Outbox* outbox, WatchAccounts& command) {
  accounts_watcher_ = {outbox, std::move(command.changed)};
  accounts_may_have_changed();
}

// Another server takes over at kDeadMs after the last beat, and then waits for a whole lease.
std::optional<MonoTime> Peers::own_lease() const {
  if (!has_met_others_) return {};
  return last_beat_ + (dispatcher_.settings_.lease_ms + kDeadMs - kOwnMarginMs);
}

void Peers::before_reload() {
  for (Entry* entry : dispatcher_.held_.of(dispatcher_.settings_.embedded_worker))
    own_jobs_.push_back({entry->task->task_id, entry->task->attempt});
}

// Without a takeover whatever this server's worker holds was its before, also where the turn that
// failed had ended it.
bool Peers::had_own_job(const Task& task) const {
  return !has_adopted_ ||
         std::any_of(own_jobs_.begin(), own_jobs_.end(), [&task](const LostOrder& job) {
           return job.task_id == task.task_id && job.attempt == task.attempt;
         });
}

void Peers::after_reload() {
  accounts_may_have_changed();  // news of them was lost where this server was taken for dead
  has_adopted_ = false;
  for (const LostOrder& job : std::exchange(own_jobs_, {})) {
    const Entry* entry = dispatcher_.tasks_.find(job.task_id);
    const bool is_held =
        entry != nullptr && is_leased(entry->task->status) && entry->task->attempt == job.attempt;
    if (!is_held) dispatcher_.order(dispatcher_.settings_.embedded_worker, job);
  }
}

void Peers::accounts_may_have_changed() {
  if (accounts_watcher_.second)
    dispatcher_.turn_.outgoing.order(accounts_watcher_.first, accounts_watcher_.second);
}

Result<void> Peers::read(ServerId, wire::AccountsChanged&) {
  accounts_may_have_changed();
  return {};
}

}  // namespace tandem::queue
