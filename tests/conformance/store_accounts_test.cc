#include "engine.h"

namespace tandem::store {
namespace {

using testing::IsEmpty;

class StoreAccountsTest : public StoreTest {
 protected:
  // Runs `body` in a transaction and commits it.
  template <class Body>
  void transact(Body body) {
    store().begin().value();
    body();
    store().commit().value();
  }
  Client client(ClientId id, const std::string& name) {
    return {.client_id = id,
            .name = name,
            .secret_hash = "$argon2id$x",
            .scope = "tasks",
            .created_at = kNow,
            .secret_changed_at = kNow + 1};
  }
  RefreshToken token(const std::string& sha256, const Uuid& family) {
    return {.token_sha256 = sha256,
            .family = family,
            .client_id = client_,
            .scope = "tasks",
            .expires_at = kNow + 100,
            .used_at = {},
            .successor = {}};
  }
  RefreshToken found(const std::string& sha256) {
    return accounts().find_refresh(sha256).value().value();
  }

  Uuid family_ = client_, other_family_ = worker_;
};
TANDEM_FOR_EACH_ENGINE(StoreAccountsTest);

TEST_P(StoreAccountsTest, AClientComesBackWholeOnceCommitted) {
  store().begin().value();
  accounts().insert_client(client(client_, "web")).value();
  EXPECT_TRUE(accounts().find_client(client_).value());
  EXPECT_FALSE(reader().find_client(client_).value());
  store().commit().value();
  const Client got = reader().find_client(client_).value().value();
  EXPECT_EQ(got.client_id, client_);
  EXPECT_EQ(got.name, "web");
  EXPECT_EQ(got.secret_hash, "$argon2id$x");
  EXPECT_EQ(got.scope, "tasks");
  EXPECT_EQ(got.created_at, kNow);
  EXPECT_EQ(got.secret_changed_at, kNow + 1);
  EXPECT_FALSE(reader().find_client(other_client_).value());
}

TEST_P(StoreAccountsTest, ATakenNameIsAConflict) {
  transact([&] { accounts().insert_client(client(client_, "web")).value(); });
  store().begin().value();
  const auto second = accounts().insert_client(client(other_client_, "web"));
  EXPECT_EQ(second.error().code, Errc::conflict);
  store().rollback();
  EXPECT_FALSE(accounts().find_client(other_client_).value());
}

TEST_P(StoreAccountsTest, ClientsAreListedInOrderOfTheirIds) {
  transact([&] {
    accounts().insert_client(client(other_client_, "b")).value();
    accounts().insert_client(client(client_, "a")).value();
  });
  for (const bool by_reader : {true, false}) {
    const auto list = [&](std::optional<ClientId> after, int limit) {
      return (by_reader ? reader().list_clients(after, limit)
                        : accounts().list_clients(after, limit))
          .value();
    };
    ASSERT_EQ(list({}, 9).size(), 2u);
    EXPECT_EQ(list({}, 9)[0].name, "a");
    EXPECT_EQ(list({}, 1).size(), 1u);
    EXPECT_EQ(list(client_, 9).at(0).name, "b");
    EXPECT_THAT(list(other_client_, 9), IsEmpty());
  }
}

TEST_P(StoreAccountsTest, ASecretIsChanged) {
  transact([&] {
    accounts().insert_client(client(client_, "web")).value();
    EXPECT_TRUE(accounts().update_client_secret(client_, "new", kNow + 7).value());
    EXPECT_FALSE(accounts().update_client_secret(other_client_, "new", kNow).value());
  });
  const Client got = reader().find_client(client_).value().value();
  EXPECT_EQ(got.secret_hash, "new");
  EXPECT_EQ(got.secret_changed_at, kNow + 7);
  EXPECT_EQ(got.created_at, kNow);
}

TEST_P(StoreAccountsTest, ARemovedClientTakesItsTokensAndLeavesItsTasks) {
  const Task task = pending_task();
  insert({task});
  transact([&] {
    accounts().insert_client(client(client_, "web")).value();
    accounts().insert_refresh(token("a", family_)).value();
    RefreshToken foreign = token("b", other_family_);
    foreign.client_id = other_client_;
    accounts().insert_refresh(foreign).value();
  });
  transact([&] {
    EXPECT_TRUE(accounts().remove_client(client_).value());
    EXPECT_FALSE(accounts().remove_client(client_).value());
  });
  EXPECT_FALSE(reader().find_client(client_).value());
  EXPECT_FALSE(accounts().find_refresh("a").value());
  EXPECT_TRUE(accounts().find_refresh("b").value());
  EXPECT_TRUE(reader().find(task.task_id).value());
}

TEST_P(StoreAccountsTest, ARefreshTokenComesBackWholeAndIsMarkedAsUsed) {
  RefreshToken revoked = token("b", other_family_);
  revoked.revoked = true;
  revoked.used_at = kNow + 2;
  revoked.successor = "s";
  transact([&] {
    accounts().insert_refresh(token("a", family_)).value();
    accounts().insert_refresh(revoked).value();
  });
  RefreshToken a = found("a"), b = found("b");
  EXPECT_EQ(a.token_sha256, "a");
  EXPECT_EQ(a.family, family_);
  EXPECT_EQ(a.client_id, client_);
  EXPECT_EQ(a.scope, "tasks");
  EXPECT_EQ(a.expires_at, kNow + 100);
  EXPECT_FALSE(a.used_at || a.revoked || !a.successor.empty());
  EXPECT_TRUE(b.revoked);
  EXPECT_EQ(b.used_at, kNow + 2);
  EXPECT_EQ(b.successor, "s");
  transact([&] { accounts().mark_refresh_used("a", kNow + 3, "sealed").value(); });
  EXPECT_EQ(found("a").used_at, kNow + 3);
  EXPECT_EQ(found("a").successor, "sealed");
  EXPECT_FALSE(accounts().find_refresh("c").value());
  store().begin().value();
  EXPECT_EQ(accounts().insert_refresh(token("a", family_)).error().code, Errc::conflict);
  store().rollback();
}

TEST_P(StoreAccountsTest, TokensAreRevokedByFamilyAndByClient) {
  transact([&] {
    accounts().insert_refresh(token("a1", family_)).value();
    accounts().insert_refresh(token("a2", family_)).value();
    accounts().insert_refresh(token("b", other_family_)).value();
    RefreshToken foreign = token("c", other_family_);
    foreign.client_id = other_client_;
    accounts().insert_refresh(foreign).value();
  });
  transact([&] { accounts().revoke_family(family_).value(); });
  EXPECT_TRUE(found("a1").revoked && found("a2").revoked);
  EXPECT_FALSE(found("b").revoked);
  transact([&] { accounts().revoke_client_tokens(client_).value(); });
  EXPECT_TRUE(found("b").revoked);
  EXPECT_FALSE(found("c").revoked);
}

TEST_P(StoreAccountsTest, ExpiredTokensGo) {
  RefreshToken later = token("later", family_);
  later.expires_at = kNow + 101;
  transact([&] {
    accounts().insert_refresh(token("now", family_)).value();
    accounts().insert_refresh(later).value();
  });
  transact([&] { EXPECT_EQ(accounts().expire_refresh(kNow + 100, 9).value(), 0); });
  EXPECT_TRUE(accounts().find_refresh("now").value());
  transact([&] { EXPECT_EQ(accounts().expire_refresh(kNow + 101, 9).value(), 1); });
  EXPECT_FALSE(accounts().find_refresh("now").value());
  EXPECT_TRUE(accounts().find_refresh("later").value());
}

TEST_P(StoreAccountsTest, NoMoreTokensGoAtOnceThanWereAskedForTheOldestFirst) {
  RefreshToken later = token("a", family_);
  later.expires_at = kNow + 101;
  transact([&] {
    accounts().insert_refresh(later).value();
    accounts().insert_refresh(token("b", family_)).value();
  });
  transact([&] { EXPECT_EQ(accounts().expire_refresh(kNow + 200, 1).value(), 1); });
  EXPECT_TRUE(accounts().find_refresh("a").value());
  EXPECT_FALSE(accounts().find_refresh("b").value());
}

TEST_P(StoreAccountsTest, FactsOfTheInstallationAreKept) {
  EXPECT_FALSE(accounts().get_meta("worker").value());
  transact([&] { accounts().set_meta("worker", "1").value(); });
  transact([&] { accounts().set_meta("worker", "2").value(); });
  EXPECT_EQ(accounts().get_meta("worker").value(), "2");
  EXPECT_FALSE(accounts().get_meta("other").value());
}

TEST_P(StoreAccountsTest, RollbackUndoesAccountsToo) {
  transact([&] {
    accounts().insert_client(client(client_, "web")).value();
    accounts().insert_refresh(token("a", family_)).value();
    accounts().set_meta("k", "old").value();
  });
  store().begin().value();
  EXPECT_TRUE(accounts().remove_client(client_).value());
  accounts().insert_client(client(other_client_, "web")).value();
  accounts().set_meta("k", "new").value();
  store().rollback();
  EXPECT_TRUE(accounts().find_client(client_).value());
  EXPECT_FALSE(accounts().find_client(other_client_).value());
  EXPECT_TRUE(accounts().find_refresh("a").value());
  EXPECT_EQ(accounts().get_meta("k").value(), "old");
}

}  // namespace
}  // namespace tandem::store
