#include <algorithm>

#include "base/assert.h"
#include "core/attempt.h"
#include "queue/dispatcher.h"

namespace tandem::queue {
namespace {

Place place_of(const Task& task) { return {task.spec.priority, task.task_id}; }

}  // namespace

void Dispatcher::queue_up(Entry& entry) {
  // A row that was not pending before may not jump over `pending` within one transaction, so only
  // new tasks can be assigned by the turn that makes them pending.
  if (!entry.inserted) return turn_.to_queue.push_back(entry.task->task_id);
  stand_in_lane(entry);
}

void Dispatcher::stand_in_lane(Entry& entry) {
  entry.in_window = true;
  if (const auto out = lanes_.add(lane_of(*entry.task), place_of(*entry.task)))
    if (Entry* fallen = tasks_.find(out->task_id)) unqueue(*fallen);
}

void Dispatcher::unqueue(Entry& entry) {
  if (!entry.in_window) return;
  entry.in_window = false;
  lanes_.remove(lane_of(*entry.task), place_of(*entry.task));
  tasks_.look_at(entry);
}

// Between two turns memory and rows agree, so this is the place to read pending tasks: what is read
// is all there is.
Result<void> Dispatcher::read_lanes() {
  lanes_want_reading_ = false;
  std::vector<const WorkerProfile*> waiting = room_.waiting();
  for (const WorkerProfile* guest : peers_.guests().waiting()) waiting.push_back(guest);
  for (const WorkerProfile* profile : waiting) {
    while (true) {
      ReadyLanes::Lane* lane = lanes_.pick(*profile);
      if (lane == nullptr || !ReadyLanes::needs_read(*lane)) break;
      auto rows = store_.load_pending(lane->key, nullptr, settings_.read_batch);
      if (!rows) return rows.error();
      std::vector<Place> places;
      for (Task& task : *rows) {
        places.push_back(place_of(task));
        Entry* entry = tasks_.find(task.task_id);
        if (entry == nullptr) entry = &tasks_.keep(std::move(task));
        entry->in_window = true;
        tasks_.look_at(*entry);
      }
      lanes_.fill(*lane, places, rows->size() == static_cast<std::size_t>(settings_.read_batch));
    }
  }
  return {};
}

// Gives ready tasks to workers with free slots, one each in turn, so that work spreads.
void Dispatcher::assign_ready() {
  if (!lanes_.empty()) room_.serve([this](Worker& worker) { return assign_one(worker); });
  peers_.serve_guests();
  for (TaskId id : turn_.to_queue) {
    Entry* entry = tasks_.find(id);
    if (entry == nullptr || entry->task->status != TaskStatus::pending || entry->in_window)
      continue;
    stand_in_lane(*entry);
    turn_.next_at_once = true;
  }
  turn_.to_queue.clear();
}

bool Dispatcher::assign_one(Worker& worker) {
  Entry* entry = take_next(worker.profile);
  if (entry != nullptr) hand_over(worker, *entry);
  return entry != nullptr;
}

// From its lane; null: there is nothing for it, or it must be read first.
Entry* Dispatcher::take_next(const WorkerProfile& profile) {
  ReadyLanes::Lane* lane = lanes_.pick(profile);
  if (lane == nullptr) return nullptr;
  if (ReadyLanes::needs_read(*lane)) {
    lanes_want_reading_ = true;
    return nullptr;
  }
  const Place place = lanes_.take_front(*lane);
  auto entry = tasks_.load(place.task_id);
  if (!entry || *entry == nullptr || !(*entry)->task->held_by.is_nil()) {
    loaded_ = false;  // memory and rows differ: read all again
    return nullptr;
  }
  (*entry)->in_window = false;
  return *entry;
}

void Dispatcher::hand_over(Worker& worker, Entry& entry) {
  Task& task = tasks_.edit(entry);
  assign(task, worker.profile.worker_id, worker.profile.name, turn_.now);
  entry.next_input_seq = 1;
  entry.deadline = kNever;
  entry.offer_ends = turn_.mono + 2 * settings_.accept_timeout_ms;
  entry.input_seq = 0;
  entry.has_news = false;
  const WorkerId id = worker.profile.worker_id;
  held_.add(task);
  if (worker.profile.in_process)
    accept(task, turn_.now);
  else
    set_deadline(entry, turn_.mono + settings_.accept_timeout_ms);
  room_.set_slots(worker, worker.slots_free - 1);
  turn_.slots_taken.push_back(id);
  if (worker.poll) {
    worker.poll->value.jobs.push_back(offer_of(entry));
    turn_.polls_to_answer.push_back(id);
    return;
  }
  AssignOrder offer = offer_of(entry);
  if (worker.profile.in_process) offer.lease_until = peers_.own_lease();
  order(id, std::move(offer));
}

AssignOrder Dispatcher::offer_of(Entry& entry) const {
  return {.task = TaskTable::share(entry), .lease_expires_at = turn_.now + settings_.lease_ms};
}

void Dispatcher::order(WorkerId id, WorkerOrder what) {
  const Worker* worker = room_.find(id);
  if (worker == nullptr || !worker->order) return;
  turn_.outgoing.order(worker->outbox,
                       [give = worker->order, what = std::move(what)] { give(what); });
}

// The worker is to hear of it: at once where it has a channel, else with its next poll or update.
void Dispatcher::tell(Entry& entry, WorkerOrder news) {
  const WorkerId id = entry.task->worker_id;
  const Worker* worker = room_.find(id);
  if (worker != nullptr && worker->order) return order(id, std::move(news));
  entry.has_news = true;
  if (worker != nullptr) turn_.polls_to_answer.push_back(id);
}

// The server's own worker may have lost an order with the commit that failed: what it holds and has
// not ended by this turn it is told again. It ignores what it runs already.
void Dispatcher::order_again() {
  const auto until = peers_.own_lease();
  for (TaskId id : turn_.order_again) {
    Entry* entry = tasks_.find(id);
    if (entry == nullptr || !is_leased(entry->task->status)) continue;
    const WorkerId worker = entry->task->worker_id;
    order(worker, AssignOrder{.task = TaskTable::share(*entry),
                              .lease_expires_at = turn_.now,
                              .lease_until = until});
    if (until) order(worker, LeaseOrder{id, entry->task->attempt, *until});
  }
  turn_.order_again.clear();
}

}  // namespace tandem::queue
