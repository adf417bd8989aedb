#include "logs/redis/redis_log_store.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "logs/redis/redis_pool.h"
#include "logs/redis/redis_tail_reader.h"
#include "logs/redis/scripts.h"
#include "logs/redis/stream_entries.h"

namespace tandem::logs {
namespace {

constexpr std::string_view kIndex = "tandem:logs";
constexpr std::string_view kMark = "tandem:installation";
constexpr std::size_t kScriptRecords = 500;  // Redis does nothing else meanwhile
constexpr std::size_t kPageRecords = 256;
constexpr std::size_t kRemovedAtOnce = 500;

// One call of the script: the front of `records`. Answers how many those are.
std::size_t add_script_call(RedisConnection& connection, const LogAppend& append,
                            std::span<const LogRecord> records) {
  const std::size_t count = std::min(records.size(), kScriptRecords);
  const std::string id = to_string(append.task_id), key = redis_log_key(append.task_id);
  const std::string attempt = std::to_string(append.attempt);
  std::vector<std::string> numbers;
  numbers.reserve(2 * count);
  std::vector<std::string_view> call = {"EVALSHA", connection.script(), "2", key, kIndex, id,
                                        attempt};
  call.reserve(call.size() + 4 * count);
  for (const LogRecord& record : records.first(count)) {
    call.push_back(numbers.emplace_back(std::to_string(record.seq)));
    call.push_back(numbers.emplace_back(std::to_string(record.ts.ms)));
    call.push_back(to_string(record.stream));
    call.push_back(record.data);
  }
  connection.add(call);
  return count;
}

std::size_t calls_of(const LogAppend& append) {
  return (append.records.size() + kScriptRecords - 1) / kScriptRecords;
}

// What the script answers.
TaskTail tail_of(const redisReply& reply) {
  std::array<std::uint64_t, 3> numbers{};
  for (std::size_t i = 0; i < std::min(reply.elements, numbers.size()); ++i)
    numbers.at(i) = static_cast<std::uint64_t>(reply.element[i]->integer);
  return {static_cast<std::uint32_t>(numbers[0]), {numbers[1], numbers[1], numbers[2]}};
}

class Engine final : public RedisLogStore {
 public:
  explicit Engine(const RedisAddress& address) : address_(address), pool_(address, kAppendScript) {}

  Result<std::vector<TaskTail>> append(std::span<const LogAppend> appends) override;
  Result<std::vector<LogRecord>> read(TaskId task, LogPosition after, int limit,
                                      std::size_t max_bytes) override;
  Result<LogTail> tail(TaskId task, std::uint32_t attempt) override;
  Result<std::size_t> remove(std::span<const TaskId> tasks, std::size_t max_bytes) override;
  Result<std::vector<TaskId>> tasks(TaskId after, std::size_t limit) override;
  Result<void> trim(TaskId task, LogPosition through) override;
  Result<std::string> mark(const std::string& installation) override;
  Result<void> check() override;
  bool is_remote() const override { return true; }
  std::unique_ptr<TailReader> open_tail(AppendsFound found) override {
    return std::make_unique<RedisTailReader>(address_, pool_, std::move(found));
  }

 private:
  const RedisAddress address_;
  RedisPool pool_;
};

Result<std::vector<TaskTail>> Engine::append(std::span<const LogAppend> appends) {
  return pool_.run([&](RedisConnection& connection) -> Result<std::vector<TaskTail>> {
    for (const LogAppend& append : appends)
      for (std::span<const LogRecord> rest = append.records; !rest.empty();)
        rest = rest.subspan(add_script_call(connection, append, rest));
    std::vector<TaskTail> tails(appends.size());
    for (std::size_t i = 0; i < appends.size(); ++i)
      for (std::size_t calls = calls_of(appends[i]); calls > 0; --calls) {
        const auto done = connection.reply();
        if (!done) return done.error();
        tails[i] = tail_of(**done);
      }
    return tails;
  });
}

Result<std::vector<LogRecord>> Engine::read(TaskId task, LogPosition after, int limit,
                                            std::size_t max_bytes) {
  const std::string key = redis_log_key(task);
  const auto most = static_cast<std::size_t>(std::max(limit, 0));
  return pool_.run([&](RedisConnection& connection) -> Result<std::vector<LogRecord>> {
    std::vector<LogRecord> out;
    std::size_t bytes = 0;
    while (out.size() < most && (out.empty() || bytes < max_bytes)) {
      const std::size_t wanted = std::min(most - out.size(), kPageRecords);
      const std::string count = std::to_string(wanted);
      const std::string from = "(" + to_string(out.empty() ? after : out.back().position());
      const auto page = connection.ask({"XRANGE", key, from, "+", "COUNT", count});
      if (!page) return page.error();
      auto records = records_of(**page);
      for (LogRecord& record : records) {
        if (bytes >= max_bytes && !out.empty()) return out;
        bytes += record.data.size();
        out.push_back(std::move(record));
      }
      if (records.size() < wanted) break;
    }
    return out;
  });
}

Result<LogTail> Engine::tail(TaskId task, std::uint32_t attempt) {
  const std::string key = redis_log_key(task), number = std::to_string(attempt);
  const std::string from = number + "-18446744073709551615", to = number + "-0";
  return pool_.run([&](RedisConnection& connection) -> Result<LogTail> {
    const auto newest = connection.ask({"XREVRANGE", key, from, to, "COUNT", "1"});
    if (!newest) return newest.error();
    if ((*newest)->type != REDIS_REPLY_ARRAY || (*newest)->elements == 0) return LogTail{};
    const auto entry = entry_of(*(*newest)->element[0]);
    if (!entry) return fail(Errc::store_unavailable, "A record of this log can't be read.");
    return LogTail{entry->record.seq, entry->record.seq, entry->total};
  });
}

// Redis frees a stream on a thread of its own, whatever its size.
Result<std::size_t> Engine::remove(std::span<const TaskId> tasks, std::size_t /*max_bytes*/) {
  const std::span<const TaskId> now = tasks.first(std::min(tasks.size(), kRemovedAtOnce));
  return pool_.run([&](RedisConnection& connection) -> Result<std::size_t> {
    for (const TaskId& task : now) {
      connection.add({"UNLINK", redis_log_key(task)});
      connection.add({"ZREM", kIndex, to_string(task)});
    }
    for (std::size_t i = 0; i < 2 * now.size(); ++i)
      if (auto done = connection.reply(); !done) return done.error();
    return now.size();
  });
}

Result<std::vector<TaskId>> Engine::tasks(TaskId after, std::size_t limit) {
  const std::string from = after == TaskId() ? "-" : "(" + to_string(after);
  const std::string count = std::to_string(limit);
  return pool_.run([&](RedisConnection& connection) -> Result<std::vector<TaskId>> {
    const auto page = connection.ask({"ZRANGEBYLEX", kIndex, from, "+", "LIMIT", "0", count});
    if (!page) return page.error();
    std::vector<TaskId> out;
    for (std::size_t i = 0; i < (*page)->elements; ++i)
      if (const auto id = TaskId::parse(text_of(*(*page)->element[i]))) out.push_back(*id);
    return out;
  });
}

Result<void> Engine::trim(TaskId task, LogPosition through) {
  const LogPosition next{through.attempt, through.seq + 1};
  return pool_.run([&](RedisConnection& connection) -> Result<void> {
    auto done = connection.ask({"EVAL", kTrimScript, "2", redis_log_key(task), kIndex,
                                to_string(task), to_string(through), to_string(next)});
    if (!done) return done.error();
    return {};
  });
}

Result<std::string> Engine::mark(const std::string& installation) {
  return pool_.run([&](RedisConnection& connection) -> Result<std::string> {
    auto set = connection.ask({"SET", kMark, installation, "NX"});
    if (!set) return set.error();
    const auto there = connection.ask({"GET", kMark});
    if (!there) return there.error();
    return std::string(text_of(**there));
  });
}

Result<void> Engine::check() {
  return pool_.run([](RedisConnection& connection) -> Result<void> {
    if (auto answer = connection.ask({"PING"}); !answer) return answer.error();
    return {};
  });
}

}  // namespace

std::unique_ptr<RedisLogStore> RedisLogStore::make(const RedisAddress& address) {
  return std::make_unique<Engine>(address);
}

}  // namespace tandem::logs
