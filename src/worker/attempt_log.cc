#include "worker/attempt_log.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace tandem::worker {
namespace {

constexpr std::size_t kRecordBytes = 64;  // beside its data
constexpr std::int64_t kFirstPauseMs = 50, kLongestPauseMs = 2000;

bool is_passing(Errc code) {
  return code != Errc::stale_attempt && code != Errc::validation_failed &&
         code != Errc::too_large && code != Errc::range_not_satisfiable;
}

// At most `most` bytes of the text, not ending within a UTF-8 sequence.
std::size_t whole_before(const std::string& text, std::uint64_t most) {
  std::size_t length = static_cast<std::size_t>(most);
  const auto is_inside = [&] { return (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80; };
  for (int back = 0; back < 3 && length > 0 && is_inside(); ++back) --length;
  return is_inside() ? static_cast<std::size_t>(most) : length;
}

}  // namespace

struct AttemptLog::Shared : std::enable_shared_from_this<Shared> {
  Shared(LogSink& to, const Clock& time, io::Executor executor)
      : sink(to), clock(time), changed(executor), pause(executor) {
    changed.expires_at(io::Timer::time_point::max());
  }

  void send();
  void repeat();
  void answered(Result<logs::LogTail> tail);
  io::Awaitable<void> change();
  void add(logs::LogStream stream, std::string data);
  bool has_room(std::size_t data_bytes) const;
  void cut(std::size_t data_bytes);
  void say_cut();
  void keep_unsent();
  void let_go(std::vector<logs::LogRecord>& records, std::size_t& bytes);
  std::size_t bytes() const { return waiting_bytes + flying_bytes; }
  std::size_t held() const { return bytes() + kRecordBytes * (waiting.size() + flying.size()); }
  bool idle() const { return given_up || (flying.empty() && waiting.empty()); }

  LogSink& sink;
  const Clock& clock;
  TaskId task;
  std::uint32_t attempt = 0;
  std::uint64_t next_seq = 1;
  std::vector<logs::LogRecord> waiting, flying;  // flying: kept for a repeat
  std::size_t waiting_bytes = 0, flying_bytes = 0;
  logs::LogTail tail;
  bool given_up = false;
  bool is_away = false;  // the last answer was that the store can't take anything
  std::uint64_t cut_records = 0, cut_bytes = 0;  // for want of room, and not yet said
  std::int64_t pause_ms = kFirstPauseMs;
  io::Timer changed;  // never expires; cancelled when something has changed
  io::Timer pause;
};

void AttemptLog::Shared::send() {
  if (!flying.empty() || waiting.empty() || given_up) return;
  flying = std::move(waiting);
  waiting.clear();
  flying_bytes = std::exchange(waiting_bytes, 0);
  repeat();
}

void AttemptLog::Shared::repeat() {
  if (given_up) return;
  logs::LogAppend append{.task_id = task, .attempt = attempt, .records = flying};
  sink.append(std::move(append), [self = shared_from_this()](Result<logs::LogTail> answer) {
    self->answered(std::move(answer));
  });
}

void AttemptLog::Shared::answered(Result<logs::LogTail> answer) {
  if (given_up) return;
  if (!answer && is_passing(answer.error().code)) {
    is_away = true;
    changed.cancel();
    pause.expires_after(std::chrono::milliseconds(pause_ms));
    pause_ms = std::min(pause_ms * 2, kLongestPauseMs);
    pause.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->repeat();
    });
    return;
  }
  pause_ms = kFirstPauseMs;
  is_away = false;
  let_go(flying, flying_bytes);
  say_cut();
  // Refused for good: the attempt is another's, so its log is no business of ours any more.
  if (answer)
    tail = *answer;
  else
    given_up = true;
  changed.cancel();
  send();
}

void AttemptLog::Shared::add(logs::LogStream stream, std::string data) {
  if (given_up) return;
  sink.hold(data.size() + kRecordBytes);
  waiting_bytes += data.size();
  waiting.push_back({.attempt = attempt,
                     .seq = next_seq++,
                     .ts = clock.wall(),
                     .stream = stream,
                     .data = std::move(data)});
}

bool AttemptLog::Shared::has_room(std::size_t data_bytes) const {
  if (!is_away) return true;
  const std::size_t more = data_bytes + kRecordBytes;
  return held() + more <= kSpoolBytes && sink.held_bytes() + more <= kAllSpoolsBytes;
}

void AttemptLog::Shared::cut(std::size_t data_bytes) {
  ++cut_records;
  cut_bytes += data_bytes;
}

void AttemptLog::Shared::say_cut() {
  if (cut_records == 0) return;
  const std::string count = std::to_string(std::exchange(cut_records, 0));
  const std::string bytes = std::to_string(std::exchange(cut_bytes, 0));
  add(logs::LogStream::system, "Records cut here: " + count + " (" + bytes +
                                   " bytes); the log store was away for too long.\n");
}

void AttemptLog::Shared::keep_unsent() {
  if (given_up) return;
  say_cut();
  if (idle()) return;
  logs::LogAppend rest{.task_id = task, .attempt = attempt, .records = flying};
  rest.records.insert(rest.records.end(), waiting.begin(), waiting.end());
  if (!sink.keep(rest)) return;
  tail.records += rest.records.size();
  tail.bytes += bytes();
}

void AttemptLog::Shared::let_go(std::vector<logs::LogRecord>& records, std::size_t& data_bytes) {
  sink.let_go(data_bytes + kRecordBytes * records.size());
  records.clear();
  data_bytes = 0;
}

io::Awaitable<void> AttemptLog::Shared::change() {
  boost::system::error_code woken;
  co_await changed.async_wait(io::asio::redirect_error(io::use_awaitable, woken));
}

AttemptLog::AttemptLog(LogSink& sink, const Clock& clock, io::Executor executor)
    : shared_(std::make_shared<Shared>(sink, clock, executor)) {}

AttemptLog::~AttemptLog() { give_up(); }

void AttemptLog::open(TaskId task, std::uint32_t attempt, std::uint64_t max_bytes) {
  shared_->task = task;
  shared_->attempt = attempt;
  max_bytes_ = max_bytes;
}

void AttemptLog::write(logs::LogStream stream, std::string data) {
  if (data.empty()) return;
  const bool is_first_cut = cut_bytes_ == 0 && data.size() > max_bytes_ - written_bytes_;
  const std::size_t kept = is_first_cut     ? whole_before(data, max_bytes_ - written_bytes_)
                           : cut_bytes_ > 0 ? 0
                                            : data.size();
  cut_bytes_ += data.size() - kept;
  written_bytes_ += kept;
  data.resize(kept);
  // Once something was cut, all is until that is said: no record stands before an earlier one.
  if (kept > 0 && shared_->cut_records == 0 && shared_->has_room(kept))
    add(stream, std::move(data));
  else if (kept > 0)
    shared_->cut(kept);
  if (is_first_cut)
    say("The log has reached its limit of " + std::to_string(max_bytes_) +
        " bytes; what follows is cut.");
}

void AttemptLog::say(std::string sentence) {
  sentence += '\n';
  add(logs::LogStream::system, std::move(sentence));
}

void AttemptLog::add(logs::LogStream stream, std::string data) {
  shared_->add(stream, std::move(data));
  shared_->send();
}

io::Awaitable<void> AttemptLog::room() {
  const std::shared_ptr<Shared> shared = shared_;
  const auto is_full = [&] {
    const std::size_t bytes = shared->bytes();
    return bytes >= logs::LogHub::kCallerWindowBytes || (bytes > 0 && shared->sink.is_congested());
  };
  while (!shared->given_up && !shared->is_away && is_full()) co_await shared->change();
}

io::Awaitable<LogTotals> AttemptLog::settle() {
  const std::shared_ptr<Shared> shared = shared_;
  shared->say_cut();
  shared->send();
  if (cut_bytes_ > 0) say(std::to_string(std::exchange(cut_bytes_, 0)) + " bytes were cut.");
  while (!shared->idle()) co_await shared->change();
  co_return LogTotals{.records = shared->tail.records, .bytes = shared->tail.bytes};
}

void AttemptLog::give_up() {
  shared_->keep_unsent();
  shared_->let_go(shared_->waiting, shared_->waiting_bytes);
  shared_->let_go(shared_->flying, shared_->flying_bytes);
  shared_->given_up = true;
  shared_->pause.cancel();
  shared_->changed.cancel();
}

}  // namespace tandem::worker
