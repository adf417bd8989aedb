#include "logs/log_hub.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "base/limits.h"

namespace tandem::logs {
namespace {

// One commit takes at most this much, so that nobody waits long behind a flood. Fewer appends than
// cached tails: within a commit no tail that it has moved may fall out of the cache.
constexpr std::size_t kMaxCommitBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxCommitAppends = 8192;
constexpr std::size_t kCachedTails = 65'536;
static_assert(kMaxCommitAppends < kCachedTails);
constexpr std::size_t kMaxGaps = 4096;
constexpr std::size_t kRemoveSliceBytes = 4 * 1024 * 1024;

std::size_t data_bytes(const LogAppend& append) {
  std::size_t bytes = 0;
  for (const LogRecord& record : append.records) bytes += record.data.size();
  return bytes;
}

// A store that throws (out of memory) is a store that failed.
template <class Call>
auto guarded(Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception&) {
    return fail(Errc::store_unavailable, "The log store failed.");
  }
}

Result<void> check(const LogAppend& append) {
  if (append.attempt == 0)
    return fail(Errc::validation_failed, "Attempts count from 1.", "attempt");
  std::uint64_t seq = append.records.empty() ? 0 : append.records.front().seq;
  if (!append.records.empty() && (seq == 0 || seq > INT64_MAX - append.records.size()))
    return fail(Errc::validation_failed, "Records count from 1.", "first_seq");
  for (const LogRecord& record : append.records) {
    if (record.seq != seq++)
      return fail(Errc::validation_failed, "The records' numbers are not dense.", "records");
    if (record.data.size() > limits::kMaxRecordBytes)
      return fail(Errc::too_large, "A log record may have at most 64 KiB.", "records");
  }
  return {};
}

Result<LogTail> answer_of(const TaskTail& tail, std::uint32_t attempt) {
  if (tail.attempt > attempt) return fail(Errc::stale_attempt, "A later attempt writes this log.");
  return tail.attempt == attempt ? tail.tail : LogTail{};
}

}  // namespace

struct LogHub::PendingAppend {
  LogAppend append;  // after admit(): only what is new
  std::size_t bytes = 0;
  Outbox* outbox = nullptr;
  AppendDone done;
  Result<LogTail> answer = LogTail{};
  std::optional<TaskTail> acknowledged;  // the tail before this commit, where it is known
};

struct LogHub::PendingRemoval {
  std::vector<TaskId> tasks;
  std::size_t removed = 0;
  Outbox* outbox = nullptr;
  RemoveDone done;
};

LogHub::LogHub(LogStore& store, LogReader& reader)
    : store_(store), reader_(reader), tails_(kCachedTails), followers_(store) {
  thread_ = std::thread([this] { run(); });
}

LogHub::~LogHub() {
  {
    const std::lock_guard lock(inbox_mutex_);
    stopping_ = true;
  }
  inbox_filled_.notify_one();
  thread_.join();
}

void LogHub::append(LogAppend append, Outbox& outbox, AppendDone done) {
  PendingAppend pending{.append = std::move(append), .outbox = &outbox, .done = std::move(done)};
  pending.bytes = data_bytes(pending.append);
  pending_bytes_.fetch_add(pending.bytes, std::memory_order_relaxed);
  {
    const std::lock_guard lock(inbox_mutex_);
    inbox_.push_back(std::move(pending));
  }
  inbox_filled_.notify_one();
}

void LogHub::remove(std::vector<TaskId> tasks, Outbox& outbox, RemoveDone done) {
  {
    const std::lock_guard lock(inbox_mutex_);
    removal_inbox_.push_back(
        {.tasks = std::move(tasks), .outbox = &outbox, .done = std::move(done)});
  }
  inbox_filled_.notify_one();
}

void LogHub::run() {
  for (;;) {
    std::vector<PendingAppend> appends;
    {
      std::unique_lock lock(inbox_mutex_);
      inbox_filled_.wait(lock, [this] {
        return stopping_ || !inbox_.empty() || !removal_inbox_.empty() || !removals_.empty();
      });
      if (inbox_.empty() && removal_inbox_.empty() && removals_.empty()) return;
      appends.swap(inbox_);
      std::move(removal_inbox_.begin(), removal_inbox_.end(), std::back_inserter(removals_));
      removal_inbox_.clear();
    }
    std::span<PendingAppend> rest = appends;
    while (!rest.empty()) {
      std::size_t count = 0, bytes = 0;
      while (count < rest.size() && count < kMaxCommitAppends &&
             (count == 0 || bytes + rest[count].bytes <= kMaxCommitBytes))
        bytes += rest[count++].bytes;
      commit(rest.first(count));
      rest = rest.subspan(count);
    }
    remove_some();
  }
}

void LogHub::commit(std::span<PendingAppend> appends) {
  // The store takes them side by side. What of them has moved there is only their records.
  std::vector<LogAppend> fresh;
  std::vector<PendingAppend*> owners;
  for (PendingAppend& pending : appends) {
    pending.answer = guarded([&] { return admit(pending); });
    if (pending.answer.has_error() || pending.append.records.empty()) continue;
    fresh.push_back(std::move(pending.append));
    owners.push_back(&pending);
  }
  if (!fresh.empty()) {
    const auto stored = guarded([&] { return store_.append(fresh); });
    if (stored.has_error()) {
      take_back(appends, stored.error());
      fresh.clear();
    } else {
      settle(owners, *stored, fresh);
    }
  }
  Mail mail;
  answer(appends, mail);
  followers_.committed(std::move(fresh), std::move(mail));
}

// Where others append too, the store knows better than what was remembered.
void LogHub::settle(std::span<PendingAppend*> owners, const std::vector<TaskTail>& tails,
                    std::vector<LogAppend>& written) {
  for (std::size_t i = 0; i < tails.size(); ++i) {
    tails_.put(written[i].task_id, tails[i]);
    owners[i]->answer = answer_of(tails[i], written[i].attempt);
    if (owners[i]->answer.has_error()) written[i].records.clear();
  }
}

// Also those that wrote nothing themselves: their tails counted on this commit. What was
// acknowledged before it is remembered where the store can lose it: only so a loss is seen.
void LogHub::take_back(std::span<PendingAppend> appends, const Error& error) {
  for (PendingAppend& pending : appends) {
    tails_.erase(pending.append.task_id);
    if (pending.answer.has_value()) pending.answer = error;
  }
  if (!store_.is_remote()) return;
  for (auto pending = appends.rbegin(); pending != appends.rend(); ++pending)
    if (pending->acknowledged) tails_.put(pending->append.task_id, *pending->acknowledged);
}

// Checks an append against the tail and drops what is there already. The tail moves at once, so
// that the next append of this commit is checked against it; commit() takes it back on an error.
Result<LogTail> LogHub::admit(PendingAppend& pending) {
  LogAppend& append = pending.append;
  const auto refuse = [&append](Error error) {
    append.records.clear();
    return error;
  };
  if (const auto checked = check(append); !checked) return refuse(checked.error());
  if (append.records.empty()) return tail_only(append.task_id, append.attempt);
  const Result<LogTail> before = tail_before(pending);
  if (!before) return refuse(before.error());
  LogTail tail = *before;
  const std::uint64_t first = append.records.front().seq;
  const auto repeats = first > tail.last_seq ? 0
                                             : std::min<std::uint64_t>(tail.last_seq + 1 - first,
                                                                       append.records.size());
  append.records.erase(append.records.begin(),
                       append.records.begin() + static_cast<std::ptrdiff_t>(repeats));
  if (append.records.empty()) return tail;
  for (LogRecord& record : append.records) record.attempt = append.attempt;
  tail.records += append.records.back().seq - tail.last_seq;
  tail.last_seq = append.records.back().seq;
  tail.bytes += data_bytes(append);
  tails_.put(append.task_id, {append.attempt, tail});
  return tail;
}

// Where the append goes on; an error where it may not.
Result<LogTail> LogHub::tail_before(PendingAppend& pending) {
  const LogAppend& append = pending.append;
  const Result<TaskTail> known = known_tail(append);
  if (!known) return known.error();
  const Result<LogTail> tail = answer_of(*known, append.attempt);
  if (tail.has_error()) return tail;
  if (tail->last_seq + 1 < append.records.front().seq && !is_refused_again(append))
    return fail(Errc::range_not_satisfiable,
                "The log goes on at " + std::to_string(tail->last_seq + 1) + ".");
  if (known->attempt == append.attempt) pending.acknowledged = *known;
  return tail;
}

// Notes what is refused for a gap.
bool LogHub::is_refused_again(const LogAppend& append) {
  if (!store_.is_remote()) return false;
  const LogPosition first{append.attempt, append.records.front().seq};
  const auto found = gaps_.find(append.task_id);
  if (found != gaps_.end() && found->second == first) {
    gaps_.erase(found);
    return true;
  }
  if (gaps_.size() >= kMaxGaps) gaps_.clear();
  gaps_.insert_or_assign(append.task_id, first);
  return false;
}

// The latest attempt that has written and its tail, as far as it matters to the append. Where
// others append too, what is remembered counts alone only if the append goes on right behind it:
// then the store compares once more. Else the farther of both counts: what the store has less it
// has lost.
Result<TaskTail> LogHub::known_tail(const LogAppend& append) {
  const TaskTail* cached = tails_.find(append.task_id);
  if (cached == nullptr) return stored_tail(append.task_id, append.attempt);
  const LogPosition next{cached->attempt, cached->tail.last_seq + 1};
  const bool goes_on = next == LogPosition{append.attempt, append.records.front().seq};
  if (!store_.is_remote() || goes_on || cached->attempt > append.attempt) return *cached;
  const auto stored = stored_tail(append.task_id, append.attempt);
  if (stored && stored->position() < cached->position()) return *cached;
  return stored;
}

Result<TaskTail> LogHub::stored_tail(TaskId task, std::uint32_t attempt) {
  const auto later = store_.read(task, {attempt, INT64_MAX}, 1, 1);
  if (!later) return later.error();
  if (!later->empty()) return TaskTail{later->front().attempt, {}};
  const auto tail = store_.tail(task, attempt);
  if (!tail) return tail.error();
  return TaskTail{attempt, *tail};
}

Result<LogTail> LogHub::tail_only(TaskId task, std::uint32_t attempt) {
  const TaskTail* cached = tails_.find(task);
  if (cached == nullptr || cached->attempt != attempt) return store_.tail(task, attempt);
  if (!store_.is_remote()) return cached->tail;
  const auto stored = store_.tail(task, attempt);
  if (stored && stored->last_seq < cached->tail.last_seq) return cached->tail;
  return stored;
}

void LogHub::answer(std::span<PendingAppend> appends, Mail& mail) {
  for (PendingAppend& pending : appends) {
    pending_bytes_.fetch_sub(pending.bytes, std::memory_order_relaxed);
    mail[pending.outbox].push_back(
        [done = std::move(pending.done), result = std::move(pending.answer)] { done(result); });
  }
}

// One slice, so that appends do not wait for the removal of a large log.
void LogHub::remove_some() {
  if (removals_.empty()) return;
  PendingRemoval& front = removals_.front();
  const std::span<const TaskId> rest = std::span(front.tasks).subspan(front.removed);
  for (const TaskId& task : rest) tails_.erase(task);
  Result<void> result;
  if (!rest.empty()) {
    const auto gone = guarded([&] { return store_.remove(rest, kRemoveSliceBytes); });
    if (gone.has_value()) {
      front.removed += *gone;
      if (front.removed < front.tasks.size()) return;
    } else {
      result = gone.error();
    }
  }
  std::vector<Outbox::Delivery> mail;
  mail.push_back([done = std::move(front.done), result] { done(result); });
  front.outbox->post(std::move(mail));
  removals_.erase(removals_.begin());
}

}  // namespace tandem::logs
