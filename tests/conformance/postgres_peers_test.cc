// Several servers on one PostgreSQL: who holds what, what they write to one another, who is dead.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine.h"
#include "postgres_fixture.h"
#include "store/postgres/postgres_bell.h"
#include "store/postgres/postgres_reader.h"

namespace tandem::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class PostgresPeersTest : public testing::Test {
 protected:
  std::unique_ptr<PostgresStore> open(std::uint8_t number) {
    return PostgresStore::open(url_, test_server(number)).value();
  }
  static ServerId server(std::uint8_t number) { return test_server(number).server_id; }
  Task task() {
    TaskSpec spec;
    spec.payload = "{}";
    spec.job_type = "echo";
    TaskId id;
    id.bytes[0] = 1;
    id.bytes[15] = ++last_id_;
    return make_task(id, client_, spec, kNow);
  }
  // Whether each change held.
  static std::vector<std::uint8_t> write(Store& store, const TaskBatch& batch) {
    EXPECT_TRUE(store.begin());
    auto applied = store.apply(batch);
    EXPECT_TRUE(applied && store.commit());
    return applied.value();
  }
  static void insert(Store& store, const Task& task) {
    TaskBatch batch;
    batch.inserts = {&task};
    write(store, batch);
  }
  static void send(Store& store, ServerId to, const std::string& text) {
    TaskBatch batch;
    batch.letters = {{to, text}};
    write(store, batch);
  }
  static std::vector<std::string> texts(PostgresStore& store) {
    std::vector<std::string> texts;
    for (const ReceivedLetter& letter : store.peers()->mail(99).value().letters)
      texts.push_back(letter.text);
    return texts;
  }
  void submit(int count) {
    run("insert into tandem.clients values (gen_random_uuid(), 'tasks', '', 'tasks', 0, 0)"
        " on conflict do nothing; select tandem.submit('{\"job_type\": \"echo\"}')"
        " from generate_series(1, " +
        std::to_string(count) + ")");
  }
  void run(const std::string& text) { server_.run(text, url_.substr(url_.rfind('/') + 1)); }
  void silence(std::uint8_t number, int seconds) {
    run("update tandem.servers set seen_at = seen_at - " + std::to_string(seconds * 1000) +
        " where server_id = '" + to_string(server(number)) + "'");
  }

  PostgresServer& server_ = PostgresServer::shared();
  std::string url_ = server_.fresh_database();
  ClientId client_ = {};
  std::uint8_t last_id_ = 0;
};

TEST_F(PostgresPeersTest, ATaskIsChangedByItsHolderAlone) {
  const auto one = open(1), other = open(2);
  Task waits = task();
  insert(*one, waits);
  EXPECT_EQ(other->load(std::vector{waits.task_id}).value()[0].held_by, server(1));
  EXPECT_TRUE(one->load(std::vector{waits.task_id}).value()[0].held_by.is_nil());
  Task ended = waits;
  cancel(ended, kNow);
  TaskBatch end;
  end.changes = {{&ended, 0, {TaskStatus::pending}}};
  EXPECT_THAT(write(*other, end), ElementsAre(0));
  TaskBatch removal;
  removal.removals = {waits.task_id};
  EXPECT_THAT(write(*other, removal), ElementsAre(0));
  EXPECT_THAT(one->pending_lanes().value(), SizeIs(1));
  EXPECT_THAT(write(*one, end), ElementsAre(1));
  EXPECT_TRUE(other->load(std::vector{waits.task_id}).value()[0].held_by.is_nil())
      << "what is finished is anybody's";
}

TEST_F(PostgresPeersTest, WhatOneIsAboutToPurgeNobodyElsePurgesOrRetries) {
  const auto one = open(1), other = open(2);
  Task old = task();
  cancel(old, kNow);
  insert(*one, old);
  ASSERT_TRUE(one->begin());
  const auto ids = one->load_finished_before(kNow + 1, 9).value();
  EXPECT_THAT(ids, ElementsAre(old.task_id));
  ASSERT_TRUE(other->begin());
  EXPECT_THAT(other->load_finished_before(kNow + 1, 9).value(), IsEmpty());
  ASSERT_TRUE(other->commit());
  Task again = old;
  retry(again, kNow + 2);
  std::vector<std::uint8_t> revived;
  std::jthread retries([&] {
    revived = write(*other, {.changes = {{&again, old.attempt, {TaskStatus::cancelled}}}});
  });
  const TaskBatch removal{.removals = ids};
  EXPECT_THAT(one->apply(removal).value(), ElementsAre(1));
  EXPECT_TRUE(one->commit());
  retries.join();
  EXPECT_THAT(revived, ElementsAre(0));
}

TEST_F(PostgresPeersTest, AHolderGivesATaskAway) {
  const auto one = open(1), other = open(2);
  Task waits = task(), fresh = task();
  insert(*one, waits);
  waits.held_by = fresh.held_by = server(2);
  TaskBatch gift;
  gift.inserts = {&fresh};  // also with the very commit that takes it in
  gift.changes = {{&waits, 0, {TaskStatus::pending}}};
  EXPECT_THAT(write(*one, gift), ElementsAre(1));
  EXPECT_THAT(one->pending_lanes().value(), IsEmpty());
  EXPECT_THAT(other->load_pending(lane_of(waits), nullptr, 9).value(), SizeIs(2));
  EXPECT_THAT(write(*one, gift = {.changes = {{&waits, 0, {TaskStatus::pending}}}}),
              ElementsAre(0));
}

TEST_F(PostgresPeersTest, LettersStayUntilTheyAreRead) {
  const auto one = open(1), other = open(2);
  send(*one, server(2), "a");
  send(*one, server(2), "b");
  EXPECT_THAT(texts(*one), IsEmpty());
  EXPECT_THAT(texts(*other), ElementsAre("a", "b"));
  EXPECT_THAT(texts(*other), ElementsAre("a", "b"));
  const auto letters = other->peers()->mail(1).value().letters;
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].from, server(1));
  TaskBatch read;
  read.letters_read = {letters[0].number};
  write(*other, read);
  EXPECT_THAT(texts(*other), ElementsAre("b"));
  ASSERT_TRUE(one->begin());
  TaskBatch lost;
  lost.letters = {{server(2), "lost"}};
  ASSERT_TRUE(one->apply(lost));
  one->rollback();
  EXPECT_THAT(texts(*other), ElementsAre("b"));
}

TEST_F(PostgresPeersTest, ASubmissionIsTakenByOneServer) {
  const auto one = open(1), other = open(2);
  EXPECT_FALSE(one->peers()->mail(9).value().has_submissions);
  submit(3);
  EXPECT_TRUE(one->peers()->mail(9).value().has_submissions);
  ASSERT_TRUE(one->begin());
  ASSERT_TRUE(other->begin());
  const auto taken = one->peers()->take_submissions(2).value();
  ASSERT_THAT(taken, SizeIs(2));
  EXPECT_LT(taken[0].task_id, taken[1].task_id);
  EXPECT_EQ(taken[0].body, R"({"payload": {"job_type": "echo"}})");
  EXPECT_TRUE(taken[0].has_client && !taken[0].is_known);
  EXPECT_THAT(other->peers()->take_submissions(9).value(), SizeIs(1)) << "it does not wait";
  one->rollback();
  ASSERT_TRUE(other->commit());
  ASSERT_TRUE(one->begin());
  EXPECT_THAT(one->peers()->take_submissions(9).value(), SizeIs(2)) << "they were given back";
  ASSERT_TRUE(one->commit());
  EXPECT_FALSE(one->peers()->mail(9).value().has_submissions);
}

TEST_F(PostgresPeersTest, ARefusedSubmissionStaysAndIsNotTakenAgain) {
  const auto one = open(1);
  submit(1);
  ASSERT_TRUE(one->begin());
  const auto taken = one->peers()->take_submissions(9).value();
  ASSERT_THAT(taken, SizeIs(1));
  ASSERT_TRUE(one->peers()->refuse_submission(taken[0], "for a reason"));
  ASSERT_TRUE(one->commit());
  EXPECT_FALSE(one->peers()->mail(9).value().has_submissions);
  ASSERT_TRUE(one->begin());
  EXPECT_THAT(one->peers()->take_submissions(9).value(), IsEmpty());
  one->rollback();
}

TEST_F(PostgresPeersTest, ABeatTellsWhoIsSilent) {
  const auto one = open(1), other = open(2);
  silence(2, 100);
  const RollCall roll = one->peers()->beat().value();
  ASSERT_THAT(roll.peers, SizeIs(1));
  EXPECT_EQ(roll.peers[0].server_id, server(2));
  EXPECT_GE(roll.peers[0].silent_ms, 100'000);
  EXPECT_GE(other->peers()->beat().value().was_silent_ms, 100'000);
  EXPECT_LT(one->peers()->beat().value().peers[0].silent_ms, 60'000);
}

TEST_F(PostgresPeersTest, AnotherProcessWithTheSameIdIsNoticed) {
  const auto one = open(1);
  ServerIdentity again = test_server(1);
  again.started_at = {2};
  const auto copy = PostgresStore::open(url_, again).value();
  EXPECT_TRUE(copy->peers()->beat());
  EXPECT_EQ(one->peers()->beat().error().code, Errc::internal);
}

TEST_F(PostgresPeersTest, WhatTheDeadHeldIsTakenOverOnce) {
  const auto dead = open(1), heir = open(2), late = open(3);
  Task waits = task(), runs = task(), later = task();
  assign(runs, WorkerId(runs.task_id), "w", kNow);
  later.status = TaskStatus::scheduled;
  later.run_at = kNow;
  for (const Task* one : {&waits, &runs, &later}) insert(*dead, *one);
  TaskBatch owed;
  owed.callbacks = {
      {.task_id = waits.task_id, .ended_at = kNow, .url = "http://x", .due_at = kNow}};
  owed.letters = {{server(2), "last words"}};
  write(*dead, owed);
  send(*heir, server(1), "never read");
  EXPECT_EQ(heir->peers()->adopt(server(1), 6000, 99).value(), 0) << "it lives";
  silence(1, 100);
  EXPECT_EQ(heir->peers()->adopt(server(1), 6000, 99).value(), 3);
  EXPECT_EQ(late->peers()->adopt(server(1), 6000, 99).value(), 0);
  EXPECT_THAT(heir->load_leased().value(), SizeIs(1));
  EXPECT_THAT(heir->pending_lanes().value(), SizeIs(1));
  EXPECT_TRUE(heir->next_due().value());
  EXPECT_THAT(dead->load_leased().value(), IsEmpty());
  EXPECT_THAT(texts(*dead), IsEmpty());
  EXPECT_THAT(texts(*heir), ElementsAre("last words"));
  const auto owed_by = [&](std::uint8_t number) {
    const auto reader = PostgresReader::open(url_, server(number), 1).value();
    return reader->list_callbacks("", 9).value().size();
  };
  EXPECT_EQ(owed_by(1), 0u);
  EXPECT_EQ(owed_by(2), 1u);
}

// Its last transaction may still commit: nothing is taken before it is over.
TEST_F(PostgresPeersTest, NothingIsTakenWhileItsTransactionLasts) {
  const auto dead = open(1), heir = open(2);
  const Task one = task();
  TaskBatch batch;
  batch.inserts = {&one};
  ASSERT_TRUE(dead->begin());
  ASSERT_TRUE(dead->apply(batch));
  silence(1, 100);
  EXPECT_FALSE(heir->peers()->adopt(server(1), 6000, 99));
  ASSERT_TRUE(dead->commit());
  EXPECT_EQ(heir->peers()->adopt(server(1), 6000, 99).value(), 1);
}

TEST_F(PostgresPeersTest, WhatAWorkerRunsIsDrawnToWhereItHasCome) {
  const auto one = open(1), other = open(2);
  const WorkerId came(server(8)), stayed(server(9));
  Task runs = task(), busy = task(), elsewhere = task(), waits = task();
  for (Task* leased : {&runs, &busy}) assign(*leased, came, "w", kNow);
  assign(elsewhere, stayed, "w", kNow);
  for (const Task* each : {&runs, &busy, &elsewhere, &waits}) insert(*one, *each);
  Task accepted = busy, ended = runs;
  accept(accepted, kNow + 1);
  TaskBatch change;
  change.changes = {{&accepted, accepted.attempt, {TaskStatus::assigned}}};
  ASSERT_TRUE(one->begin());
  ASSERT_TRUE(one->apply(change));  // not committed yet
  EXPECT_THAT(other->peers()->draw(server(1), 750, std::vector{came}).value(), IsEmpty())
      << "it was heard of";
  silence(1, 1);
  EXPECT_THAT(other->peers()->draw(server(1), 750, std::vector{came}).value(),
              ElementsAre(runs.task_id));
  ASSERT_TRUE(one->commit());
  EXPECT_EQ(one->peers()->beat().value().draws, 1);
  EXPECT_EQ(other->peers()->beat().value().draws, 0);
  EXPECT_THAT(other->load_leased().value(), SizeIs(1));
  EXPECT_THAT(one->load_leased().value(), SizeIs(2));
  cancel(ended, kNow + 2);
  TaskBatch late;
  late.changes = {{&ended, ended.attempt, {TaskStatus::assigned}}};
  EXPECT_THAT(write(*one, late), ElementsAre(0));
  EXPECT_THAT(write(*other, late), ElementsAre(1));
}

TEST_F(PostgresPeersTest, AKeyIsHeldByOneServerAtATime) {
  const auto one = open(1), other = open(2);
  ASSERT_TRUE(one->begin());
  ASSERT_TRUE(one->peers()->lock_key(client_, "k"));
  ASSERT_TRUE(other->begin());
  ASSERT_TRUE(other->peers()->lock_key(client_, "another"));
  EXPECT_FALSE(other->peers()->lock_key(client_, "k")) << "it does not wait for ever";
  other->rollback();
  one->rollback();
  ASSERT_TRUE(other->begin());
  EXPECT_TRUE(other->peers()->lock_key(client_, "k"));
  other->rollback();
}

// Counts rings.
class Rings {
 public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      ++rings_;
    }
    rung_.notify_all();
  }
  // Waits until there were more than `before`; answers how many.
  int more_than(int before) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(rung_.wait_for(lock, std::chrono::seconds(20), [&] { return rings_ > before; }));
    return rings_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
  int rings_ = 0;
};

TEST_F(PostgresPeersTest, ABellRingsForEachCommitWithLetters) {
  const auto one = open(1), other = open(2);
  Rings rings;
  const PostgresBell bell(url_, server(2), [&] { rings.ring(); });
  int before = rings.more_than(0);  // it listens
  for (int i = 0; i < 3; ++i) {
    send(*one, server(2), "x");
    before = rings.more_than(before);
  }
  server_.run("select pg_terminate_backend(pid) from pg_stat_activity where datname = '" +
              url_.substr(url_.rfind('/') + 1) + "'");
  before = rings.more_than(before);  // again, after it was cut
  send(*one, server(2), "y");
  rings.more_than(before);
}

TEST_F(PostgresPeersTest, ABellBehindAPoolerRingsByItself) {
  const auto one = open(1);
  Rings rings;
  const PostgresBell bell(server_.pooled(url_), server(1), [&] { rings.ring(); });
  rings.more_than(rings.more_than(0));
}

}  // namespace
}  // namespace tandem::store
