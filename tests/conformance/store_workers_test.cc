#include "engine.h"

namespace tandem::store {
namespace {

using testing::IsEmpty;

class StoreWorkersTest : public StoreTest {
 protected:
  WorkerStore& workers() { return store().workers(); }
  // Runs `body` in a transaction and commits it.
  template <class Body>
  void transact(Body body) {
    store().begin().value();
    body();
    store().commit().value();
  }
  WorkerRecord worker(WorkerId id, const std::string& token) {
    WorkerRecord record;
    record.worker_id = id;
    record.name = "w";
    record.mode = "hybrid";
    record.client_id = client_;
    record.token_sha256 = token;
    record.created_at = kNow;
    return record;
  }
  // Every member is set to something else than its default.
  WorkerRecord full_worker(WorkerId id) {
    WorkerRecord record = worker(id, "full");
    record.name = "ä worker";
    record.mode = "polling";
    record.labels = {{"gpu", ""}, {"zone", "eu"}};
    record.job_types = {"a", "b"};
    record.queues = {"slow"};
    record.slots = 1000;
    record.version = "1.2";
    record.host = "h";
    record.previous_sha256 = "old";
    record.previous_until = kNow + 1;
    record.draining = true;
    record.revoked_at = kNow + 2;
    record.revoke_reason = "lost";
    record.last_seen_at = kNow + 1;
    return record;
  }
  WorkerRecord found(WorkerId id) { return reader().find_worker(id).value().value(); }

  WorkerId other_worker_{*parse_uuid("01890000-0000-7000-8000-00000000000d")};
};
TANDEM_FOR_EACH_ENGINE(StoreWorkersTest);

TEST_P(StoreWorkersTest, AWorkerComesBackWholeOnceCommitted) {
  const WorkerRecord full = full_worker(worker_), plain = worker(other_worker_, "plain");
  store().begin().value();
  workers().insert_worker(full).value();
  workers().insert_worker(plain).value();
  EXPECT_TRUE(workers().find_worker(worker_).value() == full);
  EXPECT_FALSE(reader().find_worker(worker_).value());
  EXPECT_THAT(reader().list_workers({}, 9).value(), IsEmpty());
  store().commit().value();
  EXPECT_TRUE(found(worker_) == full);
  EXPECT_TRUE(found(other_worker_) == plain);
  EXPECT_FALSE(reader().find_worker(WorkerId(client_)).value());
}

TEST_P(StoreWorkersTest, AWorkerIsFoundByItsTokenAlone) {
  const WorkerRecord full = full_worker(worker_);
  transact([&] {
    workers().insert_worker(full).value();
    workers().insert_worker(worker(other_worker_, "plain")).value();
  });
  EXPECT_TRUE(reader().find_worker_of(full.token_sha256).value() == full);
  EXPECT_FALSE(reader().find_worker_of(full.previous_sha256).value());
  EXPECT_FALSE(reader().find_worker_of("").value());
}

TEST_P(StoreWorkersTest, ATakenIdOrTokenIsAConflict) {
  transact([&] { workers().insert_worker(worker(worker_, "a")).value(); });
  store().begin().value();
  EXPECT_EQ(workers().insert_worker(worker(worker_, "b")).error().code, Errc::conflict);
  EXPECT_EQ(workers().insert_worker(worker(other_worker_, "a")).error().code, Errc::conflict);
  store().rollback();
  EXPECT_EQ(reader().list_workers({}, 9).value().size(), 1u);
}

TEST_P(StoreWorkersTest, WorkersAreListedInOrderOfTheirIds) {
  transact([&] {
    workers().insert_worker(worker(other_worker_, "b")).value();
    workers().insert_worker(worker(worker_, "a")).value();
  });
  for (const bool by_reader : {true, false}) {
    const auto list = [&](std::optional<WorkerId> after, int limit) {
      return (by_reader ? reader().list_workers(after, limit)
                        : workers().list_workers(after, limit))
          .value();
    };
    ASSERT_EQ(list({}, 9).size(), 2u);
    EXPECT_EQ(list({}, 9)[0].worker_id, worker_);
    EXPECT_EQ(list({}, 1).size(), 1u);
    EXPECT_EQ(list(worker_, 9).at(0).worker_id, other_worker_);
    EXPECT_THAT(list(other_worker_, 9), IsEmpty());
  }
}

TEST_P(StoreWorkersTest, ATokenIsReplacedAndTheOldOneKept) {
  transact([&] { workers().insert_worker(worker(worker_, "a")).value(); });
  const WorkerTokens tokens{
      .token_sha256 = "b", .previous_sha256 = "a", .previous_until = kNow + 3600};
  transact([&] {
    EXPECT_TRUE(workers().replace_token(worker_, tokens).value());
    EXPECT_FALSE(workers().replace_token(other_worker_, tokens).value());
  });
  WorkerRecord wanted = worker(worker_, "b");
  wanted.previous_sha256 = "a";
  wanted.previous_until = kNow + 3600;
  EXPECT_TRUE(found(worker_) == wanted);
}

TEST_P(StoreWorkersTest, DrainingIsSetAndTakenBack) {
  transact([&] { workers().insert_worker(worker(worker_, "a")).value(); });
  transact([&] {
    EXPECT_TRUE(workers().set_draining(worker_, true).value());
    EXPECT_FALSE(workers().set_draining(other_worker_, true).value());
  });
  EXPECT_TRUE(found(worker_).draining);
  transact([&] { EXPECT_TRUE(workers().set_draining(worker_, false).value()); });
  EXPECT_TRUE(found(worker_) == worker(worker_, "a"));
}

TEST_P(StoreWorkersTest, ARevokedWorkerStaysAsItWas) {
  transact([&] { workers().insert_worker(worker(worker_, "a")).value(); });
  transact([&] {
    EXPECT_TRUE(workers().revoke_worker(worker_, kNow + 5, "lost").value());
    EXPECT_FALSE(workers().revoke_worker(other_worker_, kNow, "").value());
  });
  WorkerRecord wanted = worker(worker_, "a");
  wanted.revoked_at = kNow + 5;
  wanted.revoke_reason = "lost";
  transact([&] {
    const WorkerTokens tokens{
        .token_sha256 = "b", .previous_sha256 = "a", .previous_until = kNow + 3600};
    EXPECT_FALSE(workers().revoke_worker(worker_, kNow + 6, "again").value());
    EXPECT_FALSE(workers().set_draining(worker_, true).value());
    EXPECT_FALSE(workers().replace_token(worker_, tokens).value());
  });
  EXPECT_TRUE(found(worker_) == wanted);
}

TEST_P(StoreWorkersTest, RollbackUndoesWorkersToo) {
  transact([&] { workers().insert_worker(worker(worker_, "a")).value(); });
  store().begin().value();
  EXPECT_TRUE(workers().revoke_worker(worker_, kNow, "x").value());
  workers().insert_worker(worker(other_worker_, "b")).value();
  store().rollback();
  EXPECT_TRUE(workers().find_worker(worker_).value() == worker(worker_, "a"));
  EXPECT_FALSE(workers().find_worker(other_worker_).value());
}

TEST_P(StoreWorkersTest, ASightingMovesForwardOnly) {
  transact([&] {
    workers().insert_worker(worker(worker_, "a")).value();
    workers().insert_worker(worker(other_worker_, "b")).value();
  });
  const auto see = [&](std::vector<Sighting> sightings) {
    transact([&] { workers().see_workers(sightings).value(); });
  };
  see({});
  EXPECT_FALSE(found(worker_).last_seen_at);
  see({{worker_, kNow + 5}, {WorkerId(client_), kNow}});  // the second is no worker
  EXPECT_EQ(found(worker_).last_seen_at, kNow + 5);
  see({{worker_, kNow + 4}, {other_worker_, kNow + 6}});
  EXPECT_EQ(found(worker_).last_seen_at, kNow + 5);
  WorkerRecord wanted = worker(other_worker_, "b");
  wanted.last_seen_at = kNow + 6;
  EXPECT_TRUE(found(other_worker_) == wanted);
}

}  // namespace
}  // namespace tandem::store
