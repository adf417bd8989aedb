#include <stdexcept>
#include <vector>

#include "base/id.h"
#include "logs/redis/redis_log_store.h"
#include "logs/redis/test_redis_server.h"
#include "reference/bare_streams.h"
#include "usage.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

constexpr int kRecords = 1'000'000;
constexpr int kStreams = 20;
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
}

}  // namespace tandem::bench
