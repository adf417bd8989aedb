#include "logs/redis/redis_tail_reader.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/id.h"
#include "logs/redis/stream_entries.h"

namespace tandem::logs {
namespace {

constexpr std::chrono::milliseconds kBlock{5000};  // then it asks again: is Redis still there?
constexpr std::string_view kBlockMs = "5000";
constexpr std::string_view kWakeKeptS = "60";
constexpr std::chrono::milliseconds kFirstDelay{50}, kMaxDelay{1000};
constexpr std::size_t kRecordsAtOnce = 1024;
constexpr std::size_t kLookedUpAtOnce = 512;
// An XREAD costs Redis about a microsecond for each of its streams. So that many of them do not
// keep it busy record by record, the next one waits a millisecond for each so many.
constexpr std::size_t kTasksPerPause = 100;

std::string new_wake_key() {
  const SystemClock clock;
  SystemRandom random;
  return "tandem:wake:" + to_string(IdSource(clock, random).next());
}

void ring(int bell) {
  const std::uint64_t one = 1;
  (void)!::write(bell, &one, sizeof one);  // full: it is rung already
}

void silence(int bell) {
  std::uint64_t count = 0;
  (void)!::read(bell, &count, sizeof count);
}

void add_appends(TaskId task, std::vector<LogRecord> records, std::vector<LogAppend>& out) {
  for (LogRecord& record : records) {
    if (out.empty() || out.back().task_id != task || out.back().attempt != record.attempt)
      out.push_back({.task_id = task, .attempt = record.attempt, .records = {}});
    out.back().records.push_back(std::move(record));
  }
}

// Empty where there is no such entry.
std::string id_of_entry(const redisReply& entries, std::size_t index) {
  if (entries.type != REDIS_REPLY_ARRAY || entries.elements <= index) return {};
  const redisReply& entry = *entries.element[index];
  if (entry.type != REDIS_REPLY_ARRAY || entry.elements == 0) return {};
  return std::string(text_of(*entry.element[0]));
}

}  // namespace

RedisTailReader::RedisTailReader(const RedisAddress& address, RedisPool& pool, AppendsFound found)
    : address_(address),
      pool_(pool),
      found_(std::move(found)),
      wake_key_(new_wake_key()),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::thread([this] { run(); });
}

RedisTailReader::~RedisTailReader() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_one();
  ring(bell_.get());
  thread_.join();
}

void RedisTailReader::watch(TaskId task) {
  {
    const std::lock_guard lock(mutex_);
    watched_.try_emplace(task);
    ring(bell_.get());  // here, so that a reader that had nothing to do is not woken once more
  }
  changed_.notify_one();
}

void RedisTailReader::unwatch(TaskId task) {
  const std::lock_guard lock(mutex_);
  watched_.erase(task);
}

void RedisTailReader::run() {
  Milliseconds delay{0};  // the first time at once: perhaps only this connection was cut
  while (await_tasks()) {
    if (read_once()) {
      delay = Milliseconds(0);
      continue;
    }
    connection_.reset();
    pause(delay);
    delay = std::clamp(2 * delay, kFirstDelay, kMaxDelay);
  }
}

// false: it is over. While there are no tasks there is no connection either.
bool RedisTailReader::await_tasks() {
  std::unique_lock lock(mutex_);
  if (watched_.empty()) connection_.reset();
  changed_.wait(lock, [this] { return is_stopping_ || !watched_.empty(); });
  return !is_stopping_;
}

void RedisTailReader::pause(Milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return is_stopping_; });
}

Result<void> RedisTailReader::read_once() {
  if (!connection_) {
    auto opened = RedisConnection::open(address_);
    if (!opened) return opened.error();
    connection_ = std::move(*opened);
  }
  silence(bell_.get());  // first: whoever comes from here on rings it again
  if (auto begun = begin_new(); !begun) return begun;
  const std::vector<Place> known = places(false, SIZE_MAX);
  if (known.empty()) return {};
  ask_behind(known);
  const auto answer = await_answer();
  if (!answer) return answer.error();
  take(**answer);
  pause(Milliseconds(known.size() / kTasksPerPause));
  return {};
}

// Where the logs that are watched anew end now. Their last records are told: who has read further
// drops them, who has not sees that there is more to read. Two of them, for the first record of an
// attempt alone would seem to go on behind any record of the one before.
Result<void> RedisTailReader::begin_new() {
  for (auto fresh = places(true, kLookedUpAtOnce); !fresh.empty();
       fresh = places(true, kLookedUpAtOnce)) {
    for (const Place& place : fresh)
      connection_->add({"XREVRANGE", redis_log_key(place.task), "+", "-", "COUNT", "2"});
    std::vector<LogAppend> found;
    for (const Place& place : fresh) {
      const auto newest = connection_->reply();
      if (!newest) return newest.error();
      const std::string id = id_of_entry(**newest, 0);
      std::vector<LogRecord> records = records_of(**newest);
      std::reverse(records.begin(), records.end());
      if (move_to(place.task, id.empty() ? "0-0" : id))
        add_appends(place.task, std::move(records), found);
    }
    if (!found.empty()) found_(std::move(found));
  }
  return {};
}

std::vector<RedisTailReader::Place> RedisTailReader::places(bool are_new, std::size_t limit) {
  std::vector<Place> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [task, after] : watched_) {
    if (out.size() == limit) break;
    if (after.empty() == are_new) out.push_back({task, after});
  }
  return out;
}

void RedisTailReader::ask_behind(const std::vector<Place>& places) {
  const std::size_t records = std::max<std::size_t>(1, kRecordsAtOnce / places.size());
  const std::string count = std::to_string(records), woken = std::to_string(wakes_) + "-0";
  std::vector<std::string> keys;
  keys.reserve(places.size());
  std::vector<std::string_view> command = {"XREAD",  "COUNT",   count,    "BLOCK",
                                           kBlockMs, "STREAMS", wake_key_};
  command.reserve(command.size() + 2 * places.size() + 1);
  for (const Place& place : places) command.push_back(keys.emplace_back(redis_log_key(place.task)));
  command.push_back(woken);
  for (const Place& place : places) command.push_back(place.after);
  connection_->add(command);
}

Result<RedisReply> RedisTailReader::await_answer() {
  if (auto sent = connection_->send(); !sent) return sent.error();
  const Milliseconds patience = kBlock + Milliseconds(RedisConnection::kReplyMs);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> fds = {pollfd{.fd = connection_->fd(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = bell_.get(), .events = POLLIN, .revents = 0}};
    const int ready =
        ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(Errc::store_unavailable, "Redis does not answer in time.");
    if (fds[0].revents != 0) return connection_->reply();
    silence(bell_.get());
    if (auto ended = end_wait(); !ended) return ended.error();
  }
}

// Makes the answer come. Whether Redis has begun to wait or gets the XREAD after this, it finds
// the entry behind the last one, so that no wake-up is lost.
Result<void> RedisTailReader::end_wait() {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return fail(Errc::store_unavailable, "The reader stops.");
  }
  return pool_.run([this](RedisConnection& connection) -> Result<void> {
    const std::string id = std::to_string(++wakes_) + "-0";
    connection.add({"XADD", wake_key_, "MAXLEN", "1", id, "wake", ""});
    connection.add({"EXPIRE", wake_key_, kWakeKeptS});
    for (int i = 0; i < 2; ++i)
      if (auto done = connection.reply(); !done) return done.error();
    return {};
  });
}

void RedisTailReader::take(const redisReply& streams) {
  if (streams.type != REDIS_REPLY_ARRAY) return;  // nothing came in that time
  std::vector<LogAppend> found;
  for (std::size_t i = 0; i < streams.elements; ++i) {
    const redisReply& stream = *streams.element[i];
    if (stream.type != REDIS_REPLY_ARRAY || stream.elements != 2) continue;
    const auto task = task_of_log_key(text_of(*stream.element[0]));
    const redisReply& entries = *stream.element[1];
    if (task && move_to(*task, id_of_entry(entries, entries.elements - 1)))
      add_appends(*task, records_of(entries), found);
  }
  if (!found.empty()) found_(std::move(found));
}

// false: nobody watches the task any more.
bool RedisTailReader::move_to(TaskId task, std::string after) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(task);
  if (found == watched_.end()) return false;
  found->second = std::move(after);
  return true;
}

}  // namespace tandem::logs
