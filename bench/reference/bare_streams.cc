#include "reference/bare_streams.h"

#include <hiredis/hiredis.h>

#include <memory>
#include <stdexcept>

#include "usage.h"

namespace tandem::bench {

double bare_stream_adds_per_second(std::uint16_t port, const std::string& data, int entries,
                                   int batch, int streams) {
  const std::unique_ptr<redisContext, decltype(&redisFree)> redis(redisConnect("127.0.0.1", port),
                                                                  &redisFree);
  if (redis == nullptr || redis->err != 0) throw std::runtime_error("Redis can't be reached");
  const std::int64_t began = now_us();
  for (int sent = 0; sent < entries; sent += batch) {
    const int round = sent / batch, stream = round % streams, first = round / streams * batch;
    for (int i = 1; i <= batch; ++i)
      redisAppendCommand(redis.get(), "XADD bare:%d 1-%d ts %s stream stdout data %b", stream,
                         first + i, "1700000000000", data.data(), data.size());
    for (int i = 0; i < batch; ++i) {
      void* answer = nullptr;
      if (redisGetReply(redis.get(), &answer) != REDIS_OK)
        throw std::runtime_error("Redis does not answer");
      const bool is_refused = static_cast<redisReply*>(answer)->type == REDIS_REPLY_ERROR;
      freeReplyObject(answer);
      if (is_refused) throw std::runtime_error("Redis refuses");
    }
  }
  return entries / seconds_since(began);
}

}  // namespace tandem::bench
