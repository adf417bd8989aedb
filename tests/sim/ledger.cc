#include "sim/ledger.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tandem::sim {
namespace {

const bool kTrace = std::getenv("SIM_TRACE") != nullptr;

void trace(const char* what, TaskId task, std::uint32_t attempt, const std::string& more) {
  if (kTrace) std::printf("  %s %s/%u %s\n", what, to_string(task).c_str(), attempt, more.c_str());
}

[[noreturn]] void broken(int promise, TaskId task, const std::string& what) {
  throw Broken("promise " + std::to_string(promise) + ", task " + to_string(task) + ": " + what);
}

}  // namespace

std::string Ledger::result_of(TaskId task, std::uint32_t attempt, WorkerId worker) {
  return "\"" + to_string(task) + "/" + std::to_string(attempt) + "/" + to_string(worker) + "\"";
}

void Ledger::submit_answered(const std::string& key, const std::vector<TaskId>& tasks) {
  for (TaskId task : tasks) {
    acknowledged_.insert(task);
    if (!rows_.contains(task) && !removals_sent_.contains(task))
      broken(1, task, "the submission was acknowledged but is not durable");
  }
  if (key.empty()) return;
  const auto [found, first] = by_key_.try_emplace(key, tasks);
  if (first || found->second == tasks) return;
  const bool removed = std::any_of(found->second.begin(), found->second.end(),
                                   [&](TaskId task) { return removals_sent_.contains(task); });
  if (!removed) broken(2, tasks.at(0), "the key " + key + " made another task");
}

void Ledger::retry_sent(TaskId task) {
  ++retries_sent_[task];
  never_started_.erase(task);
}

void Ledger::cancelled_before_start(TaskId task) {
  if (retries_sent_.contains(task)) return;
  if (last_started_.contains(task)) broken(12, task, "was started, but its cancel says never");
  never_started_.insert(task);
}

void Ledger::terminal_answered(TaskId task, TaskStatus status, std::uint32_t attempt) {
  if (removals_sent_.contains(task) || retries_sent_.contains(task)) return;
  const auto row = rows_.find(task);
  if (row == rows_.end() || row->second.status != status || row->second.attempt != attempt)
    broken(1, task, "an acknowledged end is not there");
}

void Ledger::started(TaskId task, std::uint32_t attempt, WorkerId worker) {
  trace("started", task, attempt, to_string(worker));
  if (powerless_.contains(worker)) return;
  if (!starts_.emplace(task, attempt).second)
    broken(3, task, "attempt " + std::to_string(attempt) + " was run twice");
  if (never_started_.contains(task)) broken(12, task, "it ran although it was cancelled before");
  std::uint32_t& last = last_started_[task];
  if (attempt <= last) broken(3, task, "the attempt's number did not grow");
  last = attempt;
  running_[task].push_back({attempt, worker});
  check_alone(task);
}

void Ledger::check_alone(TaskId task) const {
  const auto found = running_.find(task);
  if (found == running_.end()) return;
  const auto at_work =
      std::count_if(found->second.begin(), found->second.end(), [&](const Execution& execution) {
        return !paused_.contains(execution.worker) && !powerless_.contains(execution.worker);
      });
  if (at_work > 1) broken(3, task, "two attempts are at work at the same time");
}

void Ledger::paused(WorkerId worker) { paused_.insert(worker); }

void Ledger::resumed(WorkerId worker) {
  paused_.erase(worker);
  for (const auto& [task, executions] : running_) check_alone(task);
}

void Ledger::stopped(TaskId task, std::uint32_t attempt, WorkerId worker) {
  trace("stopped", task, attempt, to_string(worker));
  std::erase_if(running_[task], [&](const Execution& execution) {
    return execution.attempt == attempt && execution.worker == worker;
  });
}

void Ledger::input_received(TaskId task, std::uint32_t attempt, std::uint64_t seq,
                            const std::string& data) {
  std::uint64_t& last = last_input_[{task, attempt}];
  if (seq != last + 1) broken(15, task, "input came twice or out of order");
  last = seq;
  if (!inputs_seen_.insert(data).second) broken(15, task, "a piece of input came twice");
}

void Ledger::offered(const Task& task, WorkerId worker) {
  trace("offered", task.task_id, task.attempt, to_string(worker));
  const auto [offer, first] = offers_.try_emplace({task.task_id, task.attempt}, worker);
  if (!first && offer->second != worker) broken(3, task.task_id, "an offer is with two workers");
}

bool Ledger::is_over(TaskId task, std::uint32_t attempt, WorkerId worker) const {
  const auto row = rows_.find(task);
  return row == rows_.end() || row->second.attempt != attempt || row->second.worker_id != worker ||
         !is_leased(row->second.status);
}

void Ledger::renewed(TaskId task, std::uint32_t attempt, bool was_over) const {
  trace("renewed", task, attempt, "");
  if (was_over) broken(4, task, "an attempt that was over was renewed");
}

void Ledger::poll_given(WorkerId worker, WallTime came_at, const std::set<TaskId>& jobs) const {
  for (const auto& [id, task] : rows_) {
    const bool waits = task.status == TaskStatus::assigned && task.worker_id == worker &&
                       *task.assigned_at < came_at;
    if (waits && !jobs.contains(id)) broken(1, id, "its offer was not given again");
  }
}

void Ledger::output_answered(TaskId task, std::uint32_t attempt, const std::string& name) {
  outputs_[{task, attempt}].insert(name);
}

void Ledger::check_attempt(const Task& before, const Task& after) const {
  const TaskId id = after.task_id;
  if (after.attempt < before.attempt) broken(3, id, "the attempt's number fell");
  if (!is_leased(after.status)) return;
  if (after.attempt > before.attempt) return;
  if (!is_leased(before.status)) broken(4, id, "an attempt that was over lives again");
  if (after.worker_id != before.worker_id) broken(3, id, "an attempt changed its worker");
}

void Ledger::committed(const Task& task) {
  trace("row", task.task_id, task.attempt, std::string(to_string(task.status)));
  const auto row = rows_.find(task.task_id);
  if (row != rows_.end()) {
    const Task& before = row->second;
    check_attempt(before, task);
    if (before.status != task.status && !may_follow(before.status, task.status))
      broken(6, task.task_id, "an illegal transition was written");
    if (is_terminal(before.status) && before.status != task.status &&
        !retries_sent_.contains(task.task_id))
      broken(6, task.task_id, "a terminal status was left");
  }
  if (task.status == TaskStatus::completed) check_end_of(task);
  if (revoked_.contains(task.worker_id) &&
      (is_leased(task.status) || task.status == TaskStatus::completed))
    broken(14, task.task_id, "a revoked worker has power over it");
  rows_.insert_or_assign(task.task_id, task);
}

// All that belongs to a result is of the attempt that made it.
void Ledger::check_end_of(const Task& task) const {
  const std::string own = result_of(task.task_id, task.attempt, task.worker_id);
  if (task.result != own)
    broken(4, task.task_id, "the result is of another attempt: " + task.result);
  std::set<std::string> names;
  for (const FileInfo& file : task.outputs) {
    if (file.sha256 != own) broken(16, task.task_id, "an output is of another attempt");
    if (!names.insert(file.name).second) broken(16, task.task_id, "an output is there twice");
  }
}

void Ledger::removed(TaskId task) {
  if (!removals_sent_.contains(task)) broken(1, task, "it was removed by nobody");
  rows_.erase(task);
}

void Ledger::check_end() {
  for (TaskId task : acknowledged_)
    if (!rows_.contains(task) && !removals_sent_.contains(task)) broken(1, task, "it is gone");
  for (const auto& [id, task] : rows_)
    if (!is_terminal(task.status))
      broken(1, id,
             "it never ends: " + std::string(to_string(task.status)) + ", for " +
                 std::string(to_string(task.spec.assignment)) +
                 (task.spec.requires_labels.empty() ? "" : " with gpu"));
  for (const auto& [id, task] : rows_) {
    const auto answered = outputs_.find({id, task.attempt});
    if (task.status != TaskStatus::completed || answered == outputs_.end()) continue;
    for (const std::string& name : answered->second)
      if (std::none_of(task.outputs.begin(), task.outputs.end(),
                       [&](const FileInfo& file) { return file.name == name; }))
        broken(16, id, "an output that was taken is not there");
  }
}

}  // namespace tandem::sim
