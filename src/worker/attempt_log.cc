#include "worker/attempt_log.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace tandem::worker {
namespace {

constexpr std::int64_t kFirstPauseMs = 50, kLongestPauseMs = 2000;

bool may_be_repeated(Errc code) {
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
  std::size_t bytes() const { return waiting_bytes + flying_bytes; }
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
  if (!answer && may_be_repeated(answer.error().code)) {
    pause.expires_after(std::chrono::milliseconds(pause_ms));
    pause_ms = std::min(pause_ms * 2, kLongestPauseMs);
    pause.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->repeat();
    });
    return;
  }
  pause_ms = kFirstPauseMs;
  flying.clear();
  flying_bytes = 0;
  // Refused for good: the attempt is another's, so its log is no business of ours any more.
  if (answer)
    tail = *answer;
  else
    given_up = true;
  changed.cancel();
  send();
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
  if (kept > 0) add(stream, std::move(data));
  if (is_first_cut)
    say("The log has reached its limit of " + std::to_string(max_bytes_) +
        " bytes; what follows is cut.");
}

void AttemptLog::say(std::string sentence) {
  sentence += '\n';
  add(logs::LogStream::system, std::move(sentence));
}

void AttemptLog::add(logs::LogStream stream, std::string data) {
  Shared& shared = *shared_;
  if (shared.given_up) return;
  shared.waiting_bytes += data.size();
  shared.waiting.push_back({.attempt = shared.attempt,
                            .seq = shared.next_seq++,
                            .ts = shared.clock.wall(),
                            .stream = stream,
                            .data = std::move(data)});
  shared.send();
}

io::Awaitable<void> AttemptLog::room() {
  const std::shared_ptr<Shared> shared = shared_;
  const auto is_full = [&] {
    const std::size_t bytes = shared->bytes();
    return bytes >= logs::LogHub::kCallerWindowBytes || (bytes > 0 && shared->sink.is_congested());
  };
  while (!shared->given_up && is_full()) co_await shared->change();
}

io::Awaitable<LogTotals> AttemptLog::settle() {
  const std::shared_ptr<Shared> shared = shared_;
  if (cut_bytes_ > 0) say(std::to_string(std::exchange(cut_bytes_, 0)) + " bytes were cut.");
  while (!shared->idle()) co_await shared->change();
  co_return LogTotals{.records = shared->tail.records, .bytes = shared->tail.bytes};
}

void AttemptLog::give_up() {
  shared_->given_up = true;
  shared_->pause.cancel();
  shared_->changed.cancel();
}

}  // namespace tandem::worker
