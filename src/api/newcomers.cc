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

io::Awaitable<Result<void>> Newcomers::look_for(Newcomer newcomer) {
  if (!may_look())
    co_return fail(Errc::too_many_requests, "Too many unknown accounts are looked for");
  auto look = [this, &newcomer] { return read(newcomer); };
  co_return co_await io::offload(reading_, look);
}

Result<void> Newcomers::read(const Newcomer& newcomer) {
  return newcomer.client ? clients_.look_for(reader_, *newcomer.client)
                         : workers_.look_for(reader_, newcomer.worker_token_sha256);
}

}  // namespace tandem::api
