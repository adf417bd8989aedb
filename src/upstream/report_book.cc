#include "upstream/report_book.h"

#include <algorithm>
#include <utility>

#include "core/attempt.h"

namespace tandem::upstream {
namespace {

constexpr std::int64_t kProgressPauseMs = 1000;  // between two words of nothing but progress

std::pair<wire::UpdateStatus, Progress> words_of(const wire::Update& update) {
  return {update.status, update.progress.value_or(Progress{})};
}

bool waits(TaskStatus status) {
  return status == TaskStatus::pending || status == TaskStatus::scheduled;
}

// Nobody took it for so long that its lease may be another's by now.
bool was_never_begun(const Task& task) {
  return task.status == TaskStatus::failed && task.error &&
         task.error->code == error_code::kQueueTimeout;
}

}  // namespace

void ReportBook::set_rules(const LeaseRules& rules) {
  rules_ = rules;
  for (auto& [job, entry] : entries_) plan(job, entry);
}

std::set<ForeignJob> ReportBook::jobs() const {
  std::set<ForeignJob> all;
  for (const auto& [job, entry] : entries_) all.insert(job);
  return all;
}

bool ReportBook::owes_ends() const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const auto& known) { return known.second.has_ended; });
}

void ReportBook::offer(const ForeignJob& job) {
  const auto [found, is_new] = entries_.try_emplace(job);
  if (!is_new) return;
  ++waiting_;  // as a fresh entry does
  Entry& entry = found->second;
  entry.is_offer = true;
  entry.latest = {.task_id = job.task_id, .attempt = job.attempt};
  plan(found->first, entry);
}

void ReportBook::add(const ForeignJob& job, const Task& task) {
  const auto [found, is_new] = entries_.try_emplace(job);
  if (is_new) ++waiting_;
  if (is_new || std::exchange(found->second.is_offer, false))
    look_at(found->first, found->second, task);
}

void ReportBook::saw(const ForeignJob& job, const Task& task) {
  if (Entry* entry = find(job)) look_at(entries_.find(job)->first, *entry, task);
}

void ReportBook::look_at(const ForeignJob& job, Entry& entry, const Task& task) {
  waiting_ -= waits(entry.status) ? 1 : 0;
  entry.task_id = task.task_id;
  entry.status = task.status;
  waiting_ += waits(entry.status) ? 1 : 0;
  entry.was_started = task.started_at.has_value();
  entry.finished_at = task.finished_at;
  entry.has_ended = is_terminal(task.status);
  entry.latest = update_of(task, job);
  const bool is_given_back =
      task.status == TaskStatus::cancelled ? entry.is_given_up : was_never_begun(task);
  if (is_given_back)
    entry.latest = {
        .task_id = job.task_id, .attempt = job.attempt, .status = wire::UpdateStatus::released};
  plan(job, entry);
}

void ReportBook::end(const ForeignJob& job, wire::UpdateStatus status,
                     std::optional<TaskError> why) {
  const auto [found, is_new] = entries_.try_emplace(job);
  Entry& entry = found->second;
  if (entry.has_ended) return;
  if (!is_new && waits(entry.status)) --waiting_;
  entry.status = TaskStatus::cancelled;
  entry.has_ended = true;
  entry.finished_at.reset();
  entry.was_started = false;
  entry.latest = {.task_id = job.task_id, .attempt = job.attempt, .status = status};
  entry.latest.error = std::move(why);
  plan(found->first, entry);
}

std::vector<ForeignJob> ReportBook::take_unheard(MonoTime now) {
  std::vector<ForeignJob> jobs;
  if (rules_.give_up_ms == 0) return jobs;
  for (auto& [job, entry] : entries_) {
    const bool is_ours = entry.told && !entry.has_ended && !entry.is_given_up;
    if (!is_ours || now - entry.heard_at < rules_.give_up_ms) continue;
    entry.is_given_up = true;
    jobs.push_back(job);
  }
  return jobs;
}

std::vector<ForeignJob> ReportBook::take_waiting() {
  std::vector<ForeignJob> jobs;
  if (rules_.give_up_ms == 0) return jobs;
  for (auto& [job, entry] : entries_) {
    if (!waits(entry.status) || entry.is_offer || std::exchange(entry.is_given_up, true)) continue;
    jobs.push_back(job);
  }
  return jobs;
}

std::optional<ReportBook::Due> ReportBook::take(MonoTime now) {
  if (due_.empty() || next_due() > now) return std::nullopt;
  const ForeignJob& job = *std::get<2>(*due_.begin());
  Entry& entry = entries_.find(job)->second;
  entry.is_under_way = true;
  Due due{.job = job, .update = next_of(job, entry), .taken_at = now};
  due.is_final = entry.has_ended && due.update.status == entry.latest.status;
  plan(job, entry);
  return due;
}

void ReportBook::told(const Due& report, MonoTime now) {
  Entry* entry = find(report.job);
  if (entry == nullptr) return;
  entry->is_under_way = false;
  entry->refusals = 0;
  entry->told = words_of(report.update);
  entry->told_at = now;
  entry->heard_at = report.taken_at;
  entry->is_end_told = report.is_final && entry->has_ended;
  plan(entries_.find(report.job)->first, *entry);
}

void ReportBook::put_off(const Due& report, MonoTime until) {
  Entry* entry = find(report.job);
  if (entry == nullptr) return;
  entry->is_under_way = false;
  entry->not_before = until;
  plan(entries_.find(report.job)->first, *entry);
}

int ReportBook::refused(const ForeignJob& job) {
  Entry* entry = find(job);
  return entry == nullptr ? 0 : ++entry->refusals;
}

std::optional<ReportBook::Ended> ReportBook::ended(const ForeignJob& job) const {
  const auto found = entries_.find(job);
  if (found == entries_.end() || !found->second.is_end_told) return std::nullopt;
  return Ended{found->second.task_id, found->second.finished_at};
}

void ReportBook::forget(const ForeignJob& job) {
  const auto found = entries_.find(job);
  if (found == entries_.end()) return;
  if (waits(found->second.status)) --waiting_;
  due_.erase({found->second.due_at, found->second.turn, &found->first});
  entries_.erase(found);
}

// That it runs comes before its end, also where it has ended in the meantime.
wire::Update ReportBook::next_of(const ForeignJob& job, const Entry& entry) const {
  if (!entry.has_ended || entry.told || !entry.was_started) return entry.latest;
  return {.task_id = job.task_id, .attempt = job.attempt};
}

MonoTime ReportBook::due_time(const Entry& entry) const {
  if (entry.is_under_way || entry.is_end_told) return kNever;
  if (entry.has_ended) return entry.not_before;
  const bool is_quiet = !is_leased(entry.status) || entry.status == TaskStatus::assigned;
  const bool has_news = entry.told ? !is_quiet && *entry.told != words_of(entry.latest)
                                   : !is_quiet || entry.is_offer || rules_.accept_at_once;
  MonoTime due = kNever;
  if (entry.told && rules_.renew_every_ms > 0) due = entry.told_at + rules_.renew_every_ms;
  if (has_news) {
    const bool is_progress = entry.told && entry.told->first == entry.latest.status;
    due = std::min(due, is_progress ? entry.told_at + kProgressPauseMs : MonoTime{0});
  }
  return std::max(due, entry.not_before);
}

void ReportBook::plan(const ForeignJob& job, Entry& entry) {
  due_.erase({entry.due_at, entry.turn, &job});
  if (entry.due_at == kNever) entry.turn = ++turns_;
  entry.due_at = due_time(entry);
  if (entry.due_at != kNever) due_.insert({entry.due_at, entry.turn, &job});
}

ReportBook::Entry* ReportBook::find(const ForeignJob& job) {
  const auto found = entries_.find(job);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace tandem::upstream
