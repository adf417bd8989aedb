#include <algorithm>
#include <utility>

#include "core/attempt.h"
#include "queue/dispatcher.h"
#include "queue/mutant.h"

namespace tandem::queue {

Worker* Dispatcher::on_channel(WorkerId id, ChannelNumber channel) {
  Worker* worker = room_.find(id);
  return worker != nullptr && worker->channel == channel ? worker : nullptr;
}

// The channel that the worker had before ends, whatever becomes of the turn; so does this one where
// the worker was revoked while it was on its way.
void Dispatcher::let_in(Worker worker) {
  const WorkerId id = worker.profile.worker_id;
  Worker* before = room_.find(id);
  const bool ends = before != nullptr && before->channel != worker.channel;
  if (ends && kMutant != Mutant::two_channels_active) {
    if (before->poll)
      answer_poll(id);
    else
      turn_.outgoing.say(before->outbox, [give = before->order] { give(CloseOrder{}); });
  }
  sightings_.see(id, turn_.now);
  room_.put(std::move(worker));
  review(id);
}

// What it was offered and has not accepted.
std::vector<Entry*> Dispatcher::offers_to(WorkerId worker) {
  std::vector<Entry*> offers = held_.of(worker);
  if constexpr (kMutant == Mutant::offer_given_to_two)
    for (auto& [id, entry] : tasks_) offers.push_back(&entry);
  std::erase_if(offers, [](Entry* entry) { return entry->task->status != TaskStatus::assigned; });
  return offers;
}

// Its time to accept begins anew, but not for ever.
AssignOrder Dispatcher::offer_again(Entry& entry) {
  set_deadline(entry, std::min(turn_.mono + settings_.accept_timeout_ms, entry.offer_ends));
  return offer_of(entry);
}

void Dispatcher::apply(Outbox* outbox, OpenWorker& command) {
  const WorkerId id = command.profile.worker_id;
  let_in({.profile = std::move(command.profile),
          .channel = command.channel,
          .outbox = outbox,
          .order = std::move(command.order),
          .poll = {}});
  for (Entry* entry : offers_to(id)) order(id, offer_again(*entry));
  turn_.outgoing.answer(outbox, command.done, Result<std::monostate>(std::monostate{}));
}

void Dispatcher::apply(Outbox*, Ready& command) {
  Worker* worker = on_channel(command.worker_id, command.channel);
  if (worker == nullptr) return;
  if (!command.free) return room_.set_slots(*worker, worker->slots_free + command.slots);
  room_.set_slots(*worker, *command.free - static_cast<int>(offers_to(command.worker_id).size()));
}

void Dispatcher::apply(Outbox*, Retire& command) {
  Worker* worker = on_channel(command.worker_id, command.channel);
  if (worker == nullptr) return;
  room_.set_slots(*worker, 0);
  for (Entry* entry : offers_to(command.worker_id)) give_back(*entry);
}

void Dispatcher::apply(Outbox*, CloseWorker& command) {
  const Worker* worker = on_channel(command.worker_id, command.channel);
  if (worker == nullptr) return;
  const bool in_process = worker->profile.in_process;
  room_.remove(command.worker_id);
  if (in_process) return;
  if (!command.lost) {
    for (Entry* entry : offers_to(command.worker_id)) give_back(*entry);
    return;
  }
  const MonoTime until = turn_.mono + settings_.reconnect_ms;
  for (Entry* entry : held_.of(command.worker_id))
    if (until < entry->deadline) set_deadline(*entry, until);
}

void Dispatcher::apply(Outbox* outbox, Claim& command) {
  const WorkerId id = command.profile.worker_id;
  Poll poll{.value = {}, .until = turn_.mono + command.wait_ms, .done = std::move(command.done)};
  std::unordered_map<TaskId, std::uint32_t> known;
  for (const Lease& lease : command.known) known.emplace(lease.task_id, lease.attempt);
  const auto is_known = [&known](const Entry* entry) {
    const auto found = known.find(entry->task->task_id);
    return found != known.end() && found->second == entry->task->attempt;
  };
  if (command.max > 0)
    for (Entry* entry : offers_to(id))
      if (!is_known(entry)) poll.value.jobs.push_back(offer_again(*entry));
  bool is_due = !poll.value.jobs.empty();
  for (const Entry* entry : held_.of(id)) is_due = is_due || entry->has_news;
  const int slots = std::max(0, command.max - static_cast<int>(poll.value.jobs.size()));
  let_in({.profile = std::move(command.profile),
          .channel = command.channel,
          .outbox = outbox,
          .order = {},
          .poll = std::move(poll),
          .slots_free = slots});
  if (is_due) turn_.polls_to_answer.push_back(id);
}

void Dispatcher::apply(Outbox*, Unclaim& command) {
  if (on_channel(command.worker_id, command.channel) != nullptr) room_.remove(command.worker_id);
}

void Dispatcher::answer_polls() {
  for (WorkerId id : std::exchange(turn_.polls_to_answer, {})) answer_poll(id);
  if (lanes_want_reading_) return;  // the next turn may have something for those whose time is over
  while (room_.next_poll_end() <= turn_.mono) answer_poll(room_.first_to_end());
}

void Dispatcher::answer_poll(WorkerId id) {
  Worker* worker = room_.find(id);
  if (worker == nullptr || !worker->poll) return;
  Poll& poll = *worker->poll;
  std::erase_if(poll.value.jobs, [this](const AssignOrder& job) {  // no offer any more
    const Entry* entry = tasks_.find(job.task->task_id);
    return entry == nullptr || entry->task->status != TaskStatus::assigned ||
           entry->task->attempt != job.task->attempt;
  });
  for (Entry* entry : held_.of(id)) {
    if (!entry->has_news) continue;
    auto answer = answer_of(*entry, entry->input_seq);
    if (!answer) continue;  // it stays news
    poll.value.news.push_back({{entry->task->task_id, entry->task->attempt}, std::move(*answer)});
  }
  turn_.outgoing.answer(worker->outbox, poll.done, Result<Claimed>(std::move(poll.value)));
  room_.remove(id);
}

void Dispatcher::apply(Outbox* outbox, ReviewWorkers& command) {
  if (command.workers.empty()) review_all();
  for (WorkerId id : command.workers) review(id);
  turn_.outgoing.answer(outbox, command.done, Result<std::monostate>(std::monostate{}));
}

void Dispatcher::review_all() {
  if (!settings_.standing_of) return;
  for (WorkerId id : room_.workers()) review(id);
  for (WorkerId id : held_.workers()) review(id);
}

void Dispatcher::review(WorkerId id) {
  if (!settings_.standing_of) return;
  const WorkerStanding standing = settings_.standing_of(id);
  if (standing == WorkerStanding::revoked) return revoke(id);
  const bool draining = standing == WorkerStanding::draining;
  if (room_.set_draining(id, draining) && draining) order(id, DrainOrder{});
}

void Dispatcher::revoke(WorkerId id) {
  for (Entry* entry : held_.of(id)) {
    order(id, LostOrder{entry->task->task_id, entry->task->attempt});
    give_back(*entry);
  }
  Worker* worker = room_.find(id);
  if (worker == nullptr) return;
  const Error revoked = fail(Errc::token_revoked, "The worker was revoked");
  if (worker->poll)
    turn_.outgoing.answer(worker->outbox, worker->poll->done, Result<Claimed>(revoked));
  else
    turn_.outgoing.say(worker->outbox,
                       [give = worker->order] { give(CloseOrder{CloseReason::revoked}); });
  room_.remove(id);
}

wire::WorkerState Dispatcher::state_of(WorkerId id) {
  wire::WorkerState state{.worker_id = id, .last_seen_at = sightings_.last(id)};
  if (const Worker* worker = room_.find(id)) state.channel = worker->profile.channel;
  for (const Entry* entry : held_.of(id)) {
    const Task& task = *entry->task;
    if (task.held_by.is_nil()) state.tasks.push_back({task.task_id, task.attempt, task.status});
  }
  return state;
}

// It is another's to run, and does not count as an attempt.
void Dispatcher::give_back(Entry& entry) {
  entry.deadline = kNever;
  release(tasks_.edit(entry), turn_.now);
  ended(entry);
}

}  // namespace tandem::queue
