#include <hiredis/hiredis.h>

#include <charconv>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/id.h"
#include "latencies.h"
#include "logs/log_hub.h"
#include "logs/redis/redis_log_store.h"
#include "logs/redis/test_redis_server.h"
#include "logs/test_outbox.h"
#include "reference/bare_streams.h"
#include "usage.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

constexpr int kRecords = 1'000'000;
constexpr int kStreams = 20;
constexpr int kViewers = 1000;
constexpr std::uint64_t kSeenRecords = 500;
constexpr std::int64_t kRecordEveryUs = 10'000;
const std::string kLine = "a line of output, as a job writes it: 64 bytes with its line end\n";

// One call for each: `appends` of one task each, with `records` in each of them.
double records_per_second(logs::LogStore& store, int records, int appends) {
  const SystemClock clock;
  SystemRandom random;
  IdSource ids(clock, random);
  std::vector<logs::LogAppend> call(static_cast<std::size_t>(appends));
  for (logs::LogAppend& append : call) append = {ids.make<TaskId>(), 1, {}};
  std::uint64_t seq = 0;
  const std::int64_t began = now_us();
  for (int sent = 0; sent < kRecords; sent += records * appends) {
    for (logs::LogAppend& append : call) {
      append.records.clear();
      for (int i = 1; i <= records; ++i)
        append.records.push_back({1, seq + static_cast<std::uint64_t>(i), clock.wall(),
                                  logs::LogStream::stdout_, kLine});
    }
    seq += static_cast<std::uint64_t>(records);
    if (!store.append(call)) throw std::runtime_error("Redis does not take the records");
  }
  return kRecords / seconds_since(began);
}

double blocked_readers(const logs::TestRedisServer& redis) {
  auto connection = logs::RedisConnection::open(redis.address());
  if (!connection) throw std::runtime_error("Redis is away");
  const auto answer = connection->ask({"INFO", "clients"});
  if (!answer) throw std::runtime_error("Redis does not answer");
  const std::string_view text((*answer)->str, (*answer)->len), name = "blocked_clients:";
  double readers = -1;
  const char* number = text.data() + text.find(name) + name.size();
  std::from_chars(number, text.data() + text.size(), readers);
  return readers;
}

struct Viewing {
  Latencies latencies;
  double readers = 0;
};

// Appends at one server; a thousand follow at another. A record is the time of its append.
Viewing append_for_viewers(const logs::TestRedisServer& redis, logs::LogHub& writer,
                           logs::LogHub& reader) {
  const SystemClock clock;
  SystemRandom random;
  const TaskId task = IdSource(clock, random).make<TaskId>();
  Viewing viewing;
  logs::TestOutbox answers, chunks;
  std::size_t seen = 0;
  const auto see = [&](const logs::LogChunk& chunk) {
    const std::int64_t now = now_us();
    for (const logs::LogRecord& record : *chunk)
      viewing.latencies.add(now - std::stoll(record.data));
    seen += chunk->size();
  };
  std::vector<logs::LogHub::FollowId> ids;
  for (int i = 0; i < kViewers; ++i) ids.push_back(reader.follow(task, chunks, see));
  std::thread worker([&] {
    std::int64_t when = now_us() + 100'000;
    for (std::uint64_t seq = 1; seq <= kSeenRecords; ++seq, when += kRecordEveryUs) {
      wait_until_us(when);
      logs::LogAppend append{.task_id = task, .attempt = 1, .records = {}};
      append.records.push_back({.attempt = 1, .seq = seq, .data = std::to_string(now_us())});
      writer.append(std::move(append), answers, [](const Result<logs::LogTail>&) {});
    }
  });
  const bool is_all = chunks.run_until([&] { return seen == kSeenRecords * kViewers; });
  worker.join();
  viewing.readers = blocked_readers(redis);
  for (const auto id : ids) reader.unfollow(task, id);
  if (!is_all) throw std::runtime_error("viewers did not see all records");
  return viewing;
}

void measure_viewers(const logs::TestRedisServer& redis, Report& report) {
  const auto one = logs::RedisLogStore::make(redis.address()),
             other = logs::RedisLogStore::make(redis.address());
  logs::LogHub writer(*one), reader(*other);
  Viewing viewing = append_for_viewers(redis, writer, reader);
  const auto add = [&](const std::string& what, double value, const std::string& unit,
                       std::optional<double> target) {
    report.add({.name = "1,000 viewers of one task: " + what,
                .value = value,
                .unit = unit,
                .better = Better::lower,
                .target = target,
                .reference_name = "",
                .server_cpu_s = {}});
  };
  add("blocked readers at Redis", viewing.readers, "readers", 1);
  add("append elsewhere to seen, p50", viewing.latencies.percentile_ms(50), "ms", std::nullopt);
  add("append elsewhere to seen, p99", viewing.latencies.percentile_ms(99), "ms", std::nullopt);
}

}  // namespace

void measure_redis_logs(Report& report) {
  logs::TestRedisServer redis;
  const auto store = logs::RedisLogStore::make(redis.address());
  const auto measure = [&](int records, int appends) {
    const double reference = bare_stream_adds_per_second(redis.address().port, kLine, kRecords,
                                                         records * appends, kStreams);
    if (!redis.tell({"FLUSHALL"})) throw std::runtime_error("Redis is away");
    report.add({.name = std::to_string(appends) + " appends of " + std::to_string(records) +
                        " records to Redis",
                .value = records_per_second(*store, records, appends),
                .unit = "records/s",
                .target = records > 1 ? std::optional(200'000.0) : std::nullopt,
                .reference_name = "pipelined XADD",
                .reference = reference,
                .server_cpu_s = {}});
    if (!redis.tell({"FLUSHALL"})) throw std::runtime_error("Redis is away");
  };
  measure(100, 10);
  measure(10, 100);
  measure(1, 1000);
  measure_viewers(redis, report);
}

}  // namespace tandem::bench
