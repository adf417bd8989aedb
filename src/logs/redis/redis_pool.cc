#include "logs/redis/redis_pool.h"

namespace tandem::logs {

Result<RedisPool::Lent> RedisPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (away_) {
      if (is_being_tried_ || std::chrono::steady_clock::now() < try_again_at_) return *away_;
      is_being_tried_ = true;
    } else if (!idle_.empty()) {
      Lent lent{.connection = std::move(idle_.back()), .was_idle = true};
      idle_.pop_back();
      return lent;
    }
  }
  auto opened = open_one();
  if (!opened) note(opened.error());
  return opened;
}

Result<RedisPool::Lent> RedisPool::open_one() {
  auto connection = RedisConnection::open(address_);
  if (!connection) return connection.error();
  if (auto loaded = connection->load(script_); !loaded) return loaded.error();
  return Lent{.connection = std::make_unique<RedisConnection>(std::move(*connection)),
              .was_idle = false};
}

void RedisPool::give_back(Lent lent, std::optional<Error> error) {
  using Fault = RedisConnection::Fault;
  const Fault fault = lent.connection->fault();
  // One that was cut off while it lay idle says nothing of Redis; the next one does.
  const bool is_there = fault == Fault::none || fault == Fault::refused;
  if (is_there || fault == Fault::slow || !lent.was_idle)
    note(is_there ? std::nullopt : std::move(error));
  const std::lock_guard lock(mutex_);
  if (fault == Fault::cut_off) idle_.clear();  // so were its neighbours
  if (fault == Fault::none && idle_.size() < kMaxIdle) idle_.push_back(std::move(lent.connection));
}

void RedisPool::note(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  is_being_tried_ = false;
  away_ = std::move(error);
  if (!away_) return;
  idle_.clear();
  try_again_at_ = std::chrono::steady_clock::now() + kTryAgainAfter;
}

}  // namespace tandem::logs
