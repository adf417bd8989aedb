#include "api/newcomers.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "api/live_clients.h"
#include "api/live_workers.h"
#include "base/manual_clock.h"
#include "io/loop.h"
#include "store/memory/memory_store.h"

namespace tandem::api {
namespace {

class NewcomersTest : public testing::Test {
 protected:
  void look_for(const Newcomer& newcomer) {
    auto looked =
        io::asio::co_spawn(loop_.executor(), newcomers_.look_for(newcomer), io::asio::use_future);
    looked.get();
  }

  ManualClock clock_;
  store::MemoryStore store_;
  io::OffloadPool reading_{"reading", 1};
  LiveClients clients_;
  LiveWorkers workers_;
  Newcomers newcomers_{clock_, store_.reader(), reading_, clients_, workers_};
  io::Loop loop_{"test"};
};

TEST_F(NewcomersTest, AClientThatTheStoreHasIsKnownThen) {
  loop_.start();
  store::Client client;
  client.client_id.bytes[0] = 1;
  client.name = "new";
  store_.begin().value();
  store_.accounts().insert_client(client).value();
  store_.commit().value();
  ClientId nobody;
  nobody.bytes[0] = 2;
  look_for({.client = nobody, .worker_token_sha256 = {}});
  EXPECT_FALSE(clients_.contains(client.client_id));
  look_for({.client = client.client_id, .worker_token_sha256 = {}});
  EXPECT_TRUE(clients_.contains(client.client_id));
  EXPECT_FALSE(clients_.contains(nobody));
}

TEST_F(NewcomersTest, ThereAreSoManyLooksInASecond) {
  for (int i = 0; i < Newcomers::kLooksPerSecond; ++i) ASSERT_TRUE(newcomers_.may_look());
  EXPECT_FALSE(newcomers_.may_look());
  clock_.now_ms += 999;
  EXPECT_FALSE(newcomers_.may_look());
  clock_.now_ms += 1;
  EXPECT_TRUE(newcomers_.may_look());
}

}  // namespace
}  // namespace tandem::api
