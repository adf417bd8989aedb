#include "app/log_storage.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "logs/embedded/sqlite_log_store.h"
#include "logs/redis/redis_log_store.h"

namespace tandem::app {

Result<LogStorage> open_log_storage(const config::Settings& settings, const Installation& place,
                                    blobs::BlobStore& blobs) {
  if (settings.logs_url.empty()) {
    auto store = logs::SqliteLogStore::open(place.file("logs.db"));
    if (!store) return store.error();
    return LogStorage{std::move(*store), nullptr};
  }
  auto address = logs::parse_redis_url(settings.logs_url);
  if (!address) return address.error();
  auto store = logs::RedisLogStore::make(*address);
  if (auto there = store->check(); !there)
    spdlog::warn("logs are away, the server starts without them: {}", there.error().detail);
  auto archive = std::make_unique<logs::ArchivedLogs>(*store, blobs);
  return LogStorage{std::move(store), std::move(archive)};
}

}  // namespace tandem::app
