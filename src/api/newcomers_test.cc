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
  NewcomersTest() { loop_.start(); }
  Result<void> look_for(const Newcomer& newcomer) {
    auto looked =
        io::asio::co_spawn(loop_.executor(), newcomers_.look_for(newcomer), io::asio::use_future);
    return looked.get();
  }

  ManualClock clock_;
  store::MemoryStore store_;
  io::Loop loop_{"test"};  // outlives the pool that answers to it
  io::OffloadPool reading_{"reading", 1};
  LiveClients clients_;
  LiveWorkers workers_;
  Newcomers newcomers_{clock_, store_.reader(), reading_, clients_, workers_};
};

TEST_F(NewcomersTest, AClientThatTheStoreHasIsKnownThen) {
  store::Client client;
  client.client_id.bytes[0] = 1;
  client.name = "new";
  store_.begin().value();
  store_.accounts().insert_client(client).value();
  store_.commit().value();
  ClientId nobody;
  nobody.bytes[0] = 2;
  EXPECT_TRUE(look_for({.client = nobody, .worker_token_sha256 = {}}));
  EXPECT_FALSE(clients_.contains(client.client_id));
  EXPECT_TRUE(look_for({.client = client.client_id, .worker_token_sha256 = {}}));
  EXPECT_TRUE(clients_.contains(client.client_id));
  EXPECT_FALSE(clients_.contains(nobody));
}

TEST_F(NewcomersTest, NobodyIsUnknownWhileTheStoreIsAway) {
  store_.set_down(Errc::store_unavailable);
  for (const Newcomer& newcomer :
       {Newcomer{.client = ClientId(), .worker_token_sha256 = {}},
        Newcomer{.client = {}, .worker_token_sha256 = std::string(64, '0')}})
    EXPECT_EQ(look_for(newcomer).error().code, Errc::store_unavailable);
}

TEST_F(NewcomersTest, ThereAreSoManyLooksInASecond) {
  const Newcomer newcomer{.client = ClientId(), .worker_token_sha256 = {}};
  for (int i = 0; i < Newcomers::kLooksPerSecond; ++i) ASSERT_TRUE(look_for(newcomer));
  EXPECT_EQ(look_for(newcomer).error().code, Errc::too_many_requests);
  clock_.now_ms += 999;
  EXPECT_FALSE(look_for(newcomer));
  clock_.now_ms += 1;
  EXPECT_TRUE(look_for(newcomer));
}

}  // namespace
}  // namespace tandem::api
