#include "api/live_workers.h"

#include <gtest/gtest.h>

#include "auth/secret.h"
#include "base/random.h"
#include "store/memory/memory_store.h"

namespace tandem::api {
namespace {

constexpr WallTime kNow{1'800'000'000'000};

class LiveWorkersTest : public testing::Test {
 protected:
  std::string make_token() { return auth::make_secret(auth::SecretKind::worker, random_); }
  store::WorkerRecord record(std::uint8_t id, const std::string& token) {
    store::WorkerRecord worker;
    worker.worker_id.bytes[15] = id;
    worker.name = "w";
    worker.mode = "hybrid";
    worker.token_sha256 = auth::sha256_hex(token);
    return worker;
  }
  void put(const store::WorkerRecord& worker, std::uint64_t change) {
    live_.put(std::make_shared<const store::WorkerRecord>(worker), change);
  }
  Errc error_of(std::string_view token, WallTime now = kNow) {
    return live_.authenticate(token, now).error().code;
  }

  SystemRandom random_;
  LiveWorkers live_;
};

TEST_F(LiveWorkersTest, ReadsMoreThanOnePage) {
  store::MemoryStore store;
  store.begin().value();
  const std::string token = make_token();
  for (int i = 0; i < 501; ++i) {
    store::WorkerRecord worker = record(static_cast<std::uint8_t>(i), std::to_string(i));
    worker.worker_id.bytes[14] = static_cast<std::uint8_t>(i >> 8);
    if (i == 500) worker.token_sha256 = auth::sha256_hex(token);
    store.workers().insert_worker(worker).value();
  }
  EXPECT_FALSE(live_.is_loaded());
  store.commit().value();
  live_.load(store.reader()).value();
  EXPECT_TRUE(live_.is_loaded());
  EXPECT_TRUE(live_.authenticate(token, kNow));
  store.set_down(Errc::store_unavailable);
  EXPECT_EQ(LiveWorkers().load(store.reader()).error().code, Errc::store_unavailable);
}

TEST_F(LiveWorkersTest, KnowsATokenByItsDigestOnly) {
  const std::string token = make_token();
  put(record(1, token), 1);
  EXPECT_EQ(live_.authenticate(token, kNow).value()->name, "w");
  EXPECT_EQ(error_of(auth::sha256_hex(token)), Errc::token_invalid);
  EXPECT_EQ(error_of(make_token()), Errc::token_invalid);
  EXPECT_EQ(error_of("tdw_"), Errc::token_invalid);
  EXPECT_EQ(live_.find(WorkerId()), nullptr);
}

TEST_F(LiveWorkersTest, APreviousTokenIsGoodUntilItsTime) {
  const std::string first = make_token(), second = make_token(), third = make_token();
  put(record(1, first), 1);
  store::WorkerRecord changed = record(1, second);
  changed.previous_sha256 = auth::sha256_hex(first);
  changed.previous_until = kNow + 10;
  put(changed, 2);
  EXPECT_TRUE(live_.authenticate(second, kNow + 10));
  EXPECT_TRUE(live_.authenticate(first, kNow + 9));
  EXPECT_EQ(error_of(first, kNow + 10), Errc::token_expired);
  EXPECT_EQ(live_.good_for_ms(changed.previous_sha256, kNow + 7).value(), 3);
  EXPECT_EQ(live_.good_for_ms(changed.previous_sha256, kNow + 10).error().code,
            Errc::token_expired);
  EXPECT_EQ(live_.good_for_ms(changed.token_sha256, kNow + 10).value(), LiveWorkers::kForever);
  changed.token_sha256 = auth::sha256_hex(third);
  changed.previous_sha256 = auth::sha256_hex(second);
  put(changed, 3);
  EXPECT_EQ(error_of(first), Errc::token_invalid);
  EXPECT_TRUE(live_.authenticate(second, kNow));
  EXPECT_TRUE(live_.authenticate(third, kNow));
}

TEST_F(LiveWorkersTest, CountsThoseOfAClientThatAreNotRevoked) {
  ClientId one, other;
  one.bytes[0] = 1;
  other.bytes[0] = 2;
  store::WorkerRecord first = record(1, make_token()), second = record(2, make_token());
  first.client_id = second.client_id = one;
  put(first, 1);
  put(second, 2);
  put(second, 2);  // known already
  EXPECT_EQ(live_.count_of(one), 2u);
  EXPECT_EQ(live_.count_of(other), 0u);
  second.draining = true;
  put(second, 3);
  EXPECT_EQ(live_.count_of(one), 2u);
  second.revoked_at = kNow;
  put(second, 4);
  EXPECT_EQ(live_.count_of(one), 1u);
  second.revoke_reason = "again";
  put(second, 5);
  EXPECT_EQ(live_.count_of(one), 1u);
}

TEST_F(LiveWorkersTest, ARevokedWorkersTokensAreToldApart) {
  const std::string first = make_token(), second = make_token();
  store::WorkerRecord worker = record(1, second);
  worker.previous_sha256 = auth::sha256_hex(first);
  worker.previous_until = kNow + 10;
  worker.revoked_at = kNow;
  put(worker, 1);
  EXPECT_EQ(error_of(first), Errc::token_revoked);
  EXPECT_EQ(error_of(second), Errc::token_revoked);
}

TEST_F(LiveWorkersTest, WhatComesLateDoesNotUndoALaterChange) {
  const std::string token = make_token();
  put(record(1, token), 0);
  const std::uint64_t rotation = live_.next_change(), revocation = live_.next_change();
  store::WorkerRecord revoked = record(1, token);
  revoked.revoked_at = kNow;
  put(revoked, revocation);
  put(record(1, token), rotation);
  put(record(1, token), 0);
  EXPECT_EQ(error_of(token), Errc::token_revoked);
}

TEST_F(LiveWorkersTest, OneThatIsNotKnownYetIsLookedFor) {
  store::MemoryStore store;
  const std::string token = make_token(), other = make_token();
  store.begin().value();
  store.workers().insert_worker(record(1, token)).value();
  store.commit().value();
  live_.look_for(store.reader(), auth::sha256_hex(other)).value();
  EXPECT_FALSE(live_.knows(auth::sha256_hex(token)));
  live_.look_for(store.reader(), auth::sha256_hex(token)).value();
  EXPECT_TRUE(live_.authenticate(token, kNow));
  EXPECT_EQ(error_of(other), Errc::token_invalid);

  store::WorkerRecord revoked = record(1, token);
  revoked.revoked_at = kNow;
  put(revoked, live_.next_change());
  EXPECT_TRUE(live_.knows(auth::sha256_hex(token)));
  EXPECT_EQ(error_of(token), Errc::token_revoked);
}

}  // namespace
}  // namespace tandem::api
