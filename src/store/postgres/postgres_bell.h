#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "store/peer_store.h"
#include "store/postgres/connection.h"

namespace tandem::store {

// Listens for letters to a server and for submissions in SQL, over a connection of its own that is
// made again when it was lost. Behind a pooler, where nobody can listen, it rings several times a
// second instead.
class PostgresBell final : public PeerBell {
 public:
  // `ring` runs on a thread of the bell's. `url` was good for a store before.
  PostgresBell(const std::string& url, ServerId server, std::function<void()> ring);
  ~PostgresBell() override;

 private:
  void run(const postgres::Address& address);
  bool listen(postgres::Connection& connection);
  void wait(std::int64_t ms);

  const std::string channel_;
  const std::function<void()> ring_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace tandem::store
