#include "api/newcomers.h"

#include <memory>
#include <utility>

#include "api/live_clients.h"
#include "api/live_workers.h"

namespace tandem::api {

bool Newcomers::may_look() {
  const MonoTime now = clock_.mono();
  const std::lock_guard lock(mutex_);
  if (now - second_began_ >= 1000) {
    second_began_ = now;
    looks_ = 0;
  }
  return ++looks_ <= kLooksPerSecond;
}

io::Awaitable<void> Newcomers::look_for(Newcomer newcomer) {
  auto look = [this, &newcomer] { read(newcomer); };
  co_await io::offload(reading_, look);
}

void Newcomers::read(const Newcomer& newcomer) {
  if (newcomer.client)
    clients_.look_for(reader_, *newcomer.client);
  else
    workers_.look_for(reader_, newcomer.worker_token_sha256);
}

}  // namespace tandem::api
