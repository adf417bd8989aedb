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

}  // namespace

Dispatcher::Dispatcher(store::Store& store, const Clock& clock, DispatcherSettings settings)
    : store_(store),
      clock_(clock),
      settings_(settings),
      tasks_(store),
      lanes_(settings_.ready_window),
      peers_(*this, store.peers()) {}

void Dispatcher::turn(std::vector<Command> commands, Deliveries& out) {
  now_ = clock_.wall();
  mono_ = clock_.mono();
  Result<void> state = loaded_ ? Result<void>() : load();
  if (state) state = peers_.begin_turn();
  if (state && lanes_want_reading_) state = read_lanes();
  if (state) state = do_what_is_due();
  for (Command& command : commands) apply(command);
  if (state) {
    expire_deadlines();
    assign_ready();
    order_again();
    answer_polls();
    peers_.end_turn();
  }
  if constexpr (kMutant == Mutant::answer_before_commit) outgoing_.hand_out_early(out);
  if (state) state = commit();
  finish_turn(state, out);
  plan_next_turn();
}

void Dispatcher::apply(Command& command) {
  std::visit([&](auto& what) { apply(command.outbox, what); }, command.what);
}

// Reads what is leased and which lanes have work: at the start, and after a commit that failed. The
// tasks of the server's own worker died with its last run; the others get a whole new lease, as
// their workers may be at work.
Result<void> Dispatcher::load() {
  for (auto& [id, entry] : tasks_)
    for (auto& [outbox, done] : entry.removals)
      outgoing_.answer(outbox, done, Result<TaskPtr>(fail(Errc::store_unavailable, "Try again")));
  loaded_ = false;
  peers_.before_reload();
  tasks_.clear();
  lanes_.clear();
  deadlines_.clear();
  to_queue_.clear();
  order_again_.clear();
  held_.clear();
  auto leased = store_.load_leased();
  if (!leased) return leased.error();
  auto lanes = store_.pending_lanes();
  if (!lanes) return lanes.error();
  for (const LaneKey& lane : *lanes) lanes_.add_unread(lane);
  for (Task& task : *leased)
    if (auto kept = keep_leased(std::move(task)); !kept) return kept.error();
  next_due_ = next_queue_expiry_ = now_;  // looked up by this turn
  lanes_want_reading_ = true;
  loaded_ = announce_all_ = true;
  peers_.after_reload();
  return {};
}

// What another server has given to this one.
Result<void> Dispatcher::keep(Task task) {
  const TaskId id = task.task_id;
  if (is_leased(task.status)) {
    if (auto kept = keep_leased(std::move(task)); !kept) return kept;
    Entry& entry = *tasks_.find(id);
    if (entry.task->cancel_requested) tell(entry, CancelOrder{id, entry.task->attempt});
  } else if (task.status == TaskStatus::pending) {
    keep_pending(std::move(task));
  } else {
    next_due_ = std::min(next_due_.value_or(*task.run_at), *task.run_at);
  }
  return {};
}

void Dispatcher::keep_pending(Task task) {
  if (const auto& timeout = task.spec.queue_timeout_ms) {
    const WallTime expiry = *task.queued_at + *timeout;
    next_queue_expiry_ = std::min(next_queue_expiry_.value_or(expiry), expiry);
  }
  Entry& entry = tasks_.keep(std::move(task));
  tasks_.look_at(entry);
  stand_in_lane(entry);
}

Result<void> Dispatcher::keep_leased(Task task) {
  const auto inputs = store_.load_inputs(task.task_id, task.attempt, 0);
  if (!inputs) return inputs.error();
  Entry& entry = tasks_.keep(std::move(task));
  held_.add(*entry.task);
  if (!inputs->empty()) entry.next_input_seq = inputs->back().seq + 1;
  const bool embedded = entry.task->worker_id == settings_.embedded_worker;
  if (embedded && recovered_) {
    order_again_.push_back(entry.task->task_id);
    return {};
  }
  entry.has_news = entry.task->cancel_requested || !inputs->empty();  // it may not have been told
  entry.offer_ends = mono_ + 2 * settings_.accept_timeout_ms;
  const bool offered = entry.task->status == TaskStatus::assigned;
  entry.deadline = mono_ + (offered ? settings_.accept_timeout_ms : settings_.lease_ms);
  if (embedded) entry.deadline = mono_;  // its process died with the server's last run
  deadlines_.add(entry.deadline, entry.task->task_id);
  return {};
}

Result<void> Dispatcher::commit() {
  tasks_.collect(batch_);
  owe_callbacks();
  if (batch_.empty() && transactions_.empty()) return {};
  if (auto begun = begin(); !begun) return begun;
  auto written = write();
  if (written) begun_ = false;
  return written;
}

Result<void> Dispatcher::begin() {
  if (begun_) return {};
  auto begun = store_.begin();
  begun_ = begun.has_value();
  return begun;
}

Result<void> Dispatcher::write() {
  auto applied = store_.apply(batch_);
  if (!applied) return applied.error();
  // A task has one writer: a guard that does not hold means that memory and rows differ.
  if (std::find(applied->begin(), applied->end(), 0) != applied->end())
    return fail(Errc::store_unavailable, "The task was changed by another; try again");
  if (auto run = run_transactions(); !run) return run;
  return store_.commit();
}

// The commit that ends a task also writes down that its callback_url is to be told.
void Dispatcher::owe_callbacks() {
  for (const store::TaskChange& change : batch_.changes) {
    const Task& task = *change.task;
    if (task.spec.callback_url.empty() || !is_terminal(task.status)) continue;
    if (change.guard_status.contains(task.status)) continue;  // it had ended before
    batch_.callbacks.push_back({.task_id = task.task_id,
                                .ended_at = *task.finished_at,
                                .url = task.spec.callback_url,
                                .tries = 0,
                                .due_at = now_,
                                .by_any = !task.spec.callback_url.starts_with("http")});
  }
}

Result<void> Dispatcher::run_transactions() {
  transaction_results_.clear();
  for (auto& [outbox, transaction] : transactions_) {
    Result<void> result = transaction.run(store_);
    const bool store_failed = !result && row_of(result.error().code).http_status >= 500;
    if (store_failed) return result;
    transaction_results_.push_back(std::move(result));
  }
  return {};
}

void Dispatcher::finish_turn(const Result<void>& committed, Deliveries& out) {
  if (std::exchange(begun_, false)) store_.rollback();
  peers_.turn_ended(committed.has_value());
  const std::optional<Error> failure = committed ? std::nullopt : std::optional(committed.error());
  const Error* error = failure ? &*failure : nullptr;
  if (error != nullptr) {
    loaded_ = false;
    peers_.fence_own_jobs();
    for (WorkerId id : slots_taken_)
      if (Worker* worker = room_.find(id)) room_.set_slots(*worker, worker->slots_free + 1);
  } else {
    publish();
    tasks_.settle();
    recovered_ = recovered_ || loaded_;
  }
  for (std::size_t i = 0; i < transactions_.size(); ++i) {
    Result<std::monostate> value = std::monostate{};
    if (error == nullptr && !transaction_results_[i]) value = transaction_results_[i].error();
    auto& [outbox, transaction] = transactions_[i];
    outgoing_.answer(outbox, transaction.done, std::move(value));
  }
  outgoing_.hand_out(failure, out);
  batch_ = {};
  transactions_.clear();
  slots_taken_.clear();
}

// Tells the watchers of every task that the turn has changed; of all tasks after a reload, as a
// commit that was thought to have failed may have changed them.
void Dispatcher::publish() {
  const bool all = std::exchange(announce_all_, false);
  if (callback_watcher_.second && (all || !batch_.callbacks.empty()))
    outgoing_.order(callback_watcher_.first, callback_watcher_.second);
  if (watchers_.empty()) return;
  for (TaskId id : all ? watchers_.tasks() : tasks_.touched()) {
    if (!watchers_.has(id)) continue;
    const Result<Entry*> entry = all ? tasks_.load(id) : Result<Entry*>(tasks_.find(id));
    if (!entry || (*entry != nullptr && !all && !(*entry)->dirty)) continue;
    watchers_.tell(id, *entry == nullptr ? nullptr : TaskTable::share(**entry), outgoing_);
  }
}

void Dispatcher::plan_next_turn() {
  if (!loaded_) {
    next_turn_ = mono_ + kReloadPauseMs;
    return;
  }
  next_turn_ = std::min(deadlines_.next(), room_.next_poll_end());
  if (next_turn_now_ || lanes_want_reading_) next_turn_ = mono_;
  next_turn_now_ = false;
  for (const auto& due : {next_due_, next_queue_expiry_})
    if (due) {
      const std::int64_t wait_ms = std::clamp<std::int64_t>(*due - now_, 0, kMaxSleepMs);
      next_turn_ = std::min(next_turn_, mono_ + wait_ms);
    }
}

}  // namespace tandem::queue
