#include "queue/dispatcher.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "queue/mutant.h"

namespace tandem::queue {
namespace {

constexpr std::int64_t kReloadPauseMs = 250;
constexpr std::int64_t kMaxSleepMs = 60'000;  // a bound on how long a planned wake-up is trusted

// The commit that ends a task also writes down that its callback_url is to be told.
void owe_callbacks(store::TaskBatch& batch, WallTime now) {
  for (const store::TaskChange& change : batch.changes) {
    const Task& task = *change.task;
    if (task.spec.callback_url.empty() || !is_terminal(task.status)) continue;
    if (change.guard_status.contains(task.status)) continue;  // it had ended before
    batch.callbacks.push_back({.task_id = task.task_id,
                               .ended_at = *task.finished_at,
                               .url = task.spec.callback_url,
                               .tries = 0,
                               .due_at = now,
                               .by_any = !task.spec.callback_url.starts_with("http")});
  }
}

}  // namespace

Dispatcher::Dispatcher(store::Store& store, const Clock& clock, DispatcherSettings settings)
    : store_(store),
      clock_(clock),
      settings_(settings),
      tasks_(store),
      lanes_(settings_.ready_window),
      peers_(*this, store.peers()) {}

void Dispatcher::turn(std::vector<Command> commands, Deliveries& out) {
  turn_.now = clock_.wall();
  turn_.mono = clock_.mono();
  Result<void> state = loaded_ ? Result<void>() : load();
  if (state) state = peers_.begin_turn();
  if (state && lanes_want_reading_) state = read_lanes();
  if (state) state = do_what_is_due();
  if (state) state = peers_.read_letters();
  for (Command& command : commands) apply(command);
  if (state) {
    expire_deadlines();
    assign_ready();
    order_again();
    answer_polls();
    peers_.end_turn();
  }
  if constexpr (kMutant == Mutant::answer_before_commit) turn_.outgoing.hand_out_early(out);
  if (state) state = commit();
  finish_turn(state, out);
  plan_next_turn();
}

void Dispatcher::last_turn() {
  if (loaded_) sightings_.write_all(store_);
}

void Dispatcher::apply(Command& command) {
  const auto give = [&](auto& what) {
    if constexpr (requires { peers_.apply(command.outbox, what); })
      peers_.apply(command.outbox, what);
    else
      apply(command.outbox, what);
  };
  std::visit(give, command.what);
}

// Reads what is leased and which lanes have work: at the start, and after a commit that failed. The
// tasks of the server's own worker died with its last run; the others get a whole new lease, as
// their workers may be at work.
Result<void> Dispatcher::load() {
  for (auto& [id, entry] : tasks_)
    for (auto& [outbox, done] : entry.removals)
      turn_.outgoing.answer(outbox, done,
                            Result<TaskPtr>(fail(Errc::store_unavailable, "Try again")));
  loaded_ = false;
  peers_.before_reload();
  tasks_.clear();
  lanes_.clear();
  deadlines_.clear();
  turn_.to_queue.clear();
  turn_.order_again.clear();
  held_.clear();
  auto leased = store_.load_leased();
  if (!leased) return leased.error();
  auto lanes = store_.pending_lanes();
  if (!lanes) return lanes.error();
  for (const LaneKey& lane : *lanes) lanes_.add_unread(lane);
  for (Task& task : *leased)
    if (auto kept = keep_leased(tasks_.keep(std::move(task))); !kept) return kept.error();
  next_due_ = next_queue_expiry_ = turn_.now;  // looked up by this turn
  lanes_want_reading_ = true;
  loaded_ = announce_all_ = true;
  peers_.after_reload();
  review_all();
  return {};
}

Result<void> Dispatcher::keep_leased(Entry& entry) {
  const auto inputs = store_.load_inputs(entry.task->task_id, entry.task->attempt, 0);
  if (!inputs) return inputs.error();
  held_.add(*entry.task);
  if (!inputs->empty()) entry.next_input_seq = inputs->back().seq + 1;
  const bool embedded = entry.task->worker_id == settings_.embedded_worker;
  if (embedded && recovered_ && peers_.had_own_job(*entry.task)) {
    turn_.order_again.push_back(entry.task->task_id);
    return {};
  }
  entry.has_news = entry.task->cancel_requested || !inputs->empty();  // it may not have been told
  entry.offer_ends = turn_.mono + 2 * settings_.accept_timeout_ms;
  const bool offered = entry.task->status == TaskStatus::assigned;
  entry.deadline = turn_.mono + (offered ? settings_.accept_timeout_ms : settings_.lease_ms);
  if (embedded) entry.deadline = turn_.mono;  // its process is long dead, whoever held it meanwhile
  deadlines_.add(entry.deadline, entry.task->task_id);
  return {};
}

Result<void> Dispatcher::commit() {
  tasks_.collect(turn_.batch);
  owe_callbacks(turn_.batch, turn_.now);
  if (turn_.batch.empty() && turn_.transactions.empty() && !turn_.begun) return {};
  if (auto begun = begin(); !begun) return begun;
  const auto written = [&]() -> Result<void> {
    auto applied = store_.apply(turn_.batch);
    if (!applied) return applied.error();
    // A task has one writer: a guard that does not hold means that memory and rows differ.
    if (std::find(applied->begin(), applied->end(), 0) != applied->end())
      return fail(Errc::store_unavailable, "The task was changed by another; try again");
    if (auto run = run_transactions(); !run) return run;
    if (auto seen = sightings_.write(store_.workers(), turn_.mono); !seen) return seen;
    return store_.commit();
  }();
  if (written) turn_.begun = false;
  return written;
}

Result<void> Dispatcher::begin() {
  if (turn_.begun) return {};
  auto begun = store_.begin();
  turn_.begun = begun.has_value();
  return begun;
}

Result<void> Dispatcher::run_transactions() {
  turn_.transaction_results.clear();
  for (auto& [outbox, transaction] : turn_.transactions) {
    Result<void> result = transaction.run(store_);
    const bool store_failed = !result && row_of(result.error().code).http_status >= 500;
    if (store_failed) return result;
    turn_.transaction_results.push_back(std::move(result));
  }
  return {};
}

void Dispatcher::finish_turn(const Result<void>& committed, Deliveries& out) {
  if (std::exchange(turn_.begun, false)) store_.rollback();
  peers_.turn_ended(committed.has_value());
  sightings_.settle(committed.has_value());
  const std::optional<Error> failure = committed ? std::nullopt : std::optional(committed.error());
  const Error* error = failure ? &*failure : nullptr;
  if (error != nullptr) {
    loaded_ = false;
    for (WorkerId id : turn_.slots_taken)
      if (Worker* worker = room_.find(id)) room_.set_slots(*worker, worker->slots_free + 1);
  } else {
    publish();
    tasks_.settle();
    recovered_ = recovered_ || loaded_;
  }
  for (std::size_t i = 0; i < turn_.transactions.size(); ++i) {
    Result<std::monostate> value = std::monostate{};
    if (error == nullptr && !turn_.transaction_results[i])
      value = turn_.transaction_results[i].error();
    auto& [outbox, transaction] = turn_.transactions[i];
    turn_.outgoing.answer(outbox, transaction.done, std::move(value));
  }
  turn_.outgoing.hand_out(failure, out);
  turn_.batch = {};
  turn_.transactions.clear();
  turn_.slots_taken.clear();
}

// Tells the watchers of every task that the turn has changed; of all tasks after a reload, as a
// commit that was thought to have failed may have changed them.
void Dispatcher::publish() {
  const bool all = std::exchange(announce_all_, false);
  if (all || !turn_.batch.callbacks.empty()) watchers_.tell_callbacks(turn_.outgoing);
  if (watchers_.empty()) return;
  for (TaskId id : all ? watchers_.tasks() : tasks_.touched()) {
    if (!watchers_.has(id)) continue;
    const Result<Entry*> entry = all ? tasks_.load(id) : Result<Entry*>(tasks_.find(id));
    if (!entry || (*entry != nullptr && !all && !(*entry)->dirty)) continue;
    watchers_.tell(id, *entry == nullptr ? nullptr : TaskTable::share(**entry), turn_.outgoing);
  }
}

void Dispatcher::plan_next_turn() {
  if (!loaded_) {
    next_turn_ = turn_.mono + kReloadPauseMs;
    return;
  }
  next_turn_ = std::min({deadlines_.next(), room_.next_poll_end(), peers_.next_turn()});
  if (turn_.next_at_once || lanes_want_reading_) next_turn_ = turn_.mono;
  turn_.next_at_once = false;
  for (const auto& due : {next_due_, next_queue_expiry_})
    if (due) {
      const std::int64_t wait_ms = std::clamp<std::int64_t>(*due - turn_.now, 0, kMaxSleepMs);
      next_turn_ = std::min(next_turn_, turn_.mono + wait_ms);
    }
}

}  // namespace tandem::queue
