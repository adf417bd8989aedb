#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "queue/direct_outbox.h"
#include "queue/dispatcher.h"
#include "store/memory/memory_store.h"

// Workers and the dispatcher, turn by turn.
namespace tandem::queue {
namespace {

struct ManualClock final : Clock {
  WallTime wall() const override { return {1'800'000'000'000 + now_ms}; }
  MonoTime mono() const override { return {1000 + now_ms}; }
  std::int64_t now_ms = 0;
};

template <class T>
using Answer = std::shared_ptr<std::optional<Result<T>>>;

template <class Id>
Id numbered(std::uint8_t number) {
  Id id;
  id.bytes[15] = number;
  return id;
}

class ClaimsTest : public testing::Test {
 protected:
  template <class T, class What>
  Answer<T> post(What what) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    what.done = [answer](Result<T> value) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      *answer = std::move(value);
    };
    tell(std::move(what));
    return answer;
  }
  template <class What>
  void tell(What what) {
    commands_.push_back({&outbox_, std::move(what)});
  }
  void turn() {
    Deliveries out;
    dispatcher_.turn(std::exchange(commands_, {}), out);
    for (auto& [outbox, deliveries] : out) outbox->post(std::move(deliveries));
  }
  void turns(int count) {
    while (count-- > 0) turn();
  }
  void pass(std::int64_t ms) {
    clock_.now_ms += ms;
    turns(2);
  }

  TaskId submit(bool interactive = false) {
    Submit submit{.client_id = kClient, .tasks = {}, .done = {}};
    TaskSpec spec;
    spec.payload = R"({"job_type":"x"})";
    spec.job_type = "x";
    spec.interactive = interactive;
    const auto id = numbered<TaskId>(++tasks_);
    submit.tasks.push_back({id, std::move(spec), {}});
    tell(std::move(submit));
    return id;
  }
  Answer<Claimed> claim(std::uint8_t worker, std::int64_t wait_ms = 0, int max = 1,
                        std::vector<Lease> known = {}) {
    Claim claim{
        .profile = {.worker_id = numbered<WorkerId>(worker), .channel = WorkerChannel::polling},
        .channel = ++channels_,
        .max = max,
        .wait_ms = wait_ms,
        .known = std::move(known),
        .done = {}};
    return post<Claimed>(std::move(claim));
  }
  void open(std::uint8_t worker, int free) {
    OpenWorker open{.profile = {.worker_id = numbered<WorkerId>(worker)},
                    .channel = ++channels_,
                    .order = [this](const WorkerOrder& order) { orders_.push_back(order); },
                    .done = {}};
    tell(std::move(open));
    tell(Ready{.worker_id = numbered<WorkerId>(worker), .channel = channels_, .free = free});
  }
  Update update(std::uint8_t worker, TaskId task, UpdateKind kind) {
    return {.worker_id = numbered<WorkerId>(worker), .task_id = task, .attempt = 1, .kind = kind};
  }
  Answer<UpdateAnswer> say(std::uint8_t worker, TaskId task, UpdateKind kind) {
    return post<UpdateAnswer>(update(worker, task, kind));
  }
  // Given to the worker by a poll, and accepted.
  TaskId running(std::uint8_t worker, bool interactive = false) {
    const TaskId id = submit(interactive);
    claim(worker);
    turn();
    say(worker, id, UpdateKind::running);
    turn();
    EXPECT_EQ(status(id), TaskStatus::running);
    return id;
  }
  TaskStatus status(TaskId id) { return store_.reader().find(id).value()->status; }
  template <class Order>
  int ordered() const {
    return static_cast<int>(std::count_if(orders_.begin(), orders_.end(), [](const auto& order) {
      return std::holds_alternative<Order>(order);
    }));
  }

  const ClientId kClient = numbered<ClientId>(9);
  const Actor kActor{.client_id = kClient};
  ManualClock clock_;
  store::MemoryStore store_;
  Dispatcher dispatcher_{
      store_, clock_,
      DispatcherSettings{.lease_ms = 30'000, .accept_timeout_ms = 15'000, .reconnect_ms = 1500}};
  DirectOutbox outbox_;
  std::vector<Command> commands_;
  std::vector<WorkerOrder> orders_;
  ChannelNumber channels_ = 0;
  std::uint8_t tasks_ = 0;
};

TEST_F(ClaimsTest, ALongPollIsAnsweredInTheTurnOfTheSubmission) {
  const auto poll = claim(1, 10'000);
  turns(2);
  ASSERT_FALSE(*poll);
  const TaskId id = submit();
  turn();
  ASSERT_TRUE(*poll);
  ASSERT_EQ((*poll)->value().jobs.size(), 1u);
  EXPECT_EQ((*poll)->value().jobs[0].task->task_id, id);
  EXPECT_EQ(status(id), TaskStatus::assigned);
}

TEST_F(ClaimsTest, AsManyPollsAreAnsweredAsThereAreTasks) {
  std::vector<Answer<Claimed>> polls;
  for (std::uint8_t worker = 1; worker <= 20; ++worker) polls.push_back(claim(worker, 10'000));
  turns(2);
  for (int i = 0; i < 7; ++i) submit();
  turns(2);
  const auto is_answered = [](const auto& poll) { return poll->has_value(); };
  EXPECT_EQ(std::count_if(polls.begin(), polls.end(), is_answered), 7);
  pass(10'000);  // the others have waited for long enough
  EXPECT_EQ(std::count_if(polls.begin(), polls.end(), is_answered), 20);
  EXPECT_TRUE((*polls.back())->has_value());
}

TEST_F(ClaimsTest, APollIsGivenUpToItsMaximum) {
  for (int i = 0; i < 5; ++i) submit();
  turn();
  const auto poll = claim(1, 0, 3);
  turns(2);
  EXPECT_EQ((*poll)->value().jobs.size(), 3u);
}

TEST_F(ClaimsTest, AnOfferIsGivenAgainAsTheSameAttempt) {
  const TaskId id = submit();
  const auto lost = claim(1), other = claim(2);
  turns(2);
  const auto again = claim(1);
  turn();
  ASSERT_EQ((*again)->value().jobs.size(), 1u);
  EXPECT_EQ((*again)->value().jobs[0].task->task_id, id);
  EXPECT_EQ((*again)->value().jobs[0].task->attempt, 1u);
  EXPECT_TRUE((*other)->value().jobs.empty());
}

TEST_F(ClaimsTest, AnOfferThatItKnowsIsNotGivenAgain) {
  const TaskId first = submit();
  claim(1);
  turn();
  const auto stale = claim(1, 0, 1, {{first, 2}});
  turn();
  EXPECT_EQ((*stale)->value().jobs.size(), 1u);
  const auto next = claim(1, 1'000, 1, {{first, 1}});
  turn();
  EXPECT_FALSE(*next);
  const TaskId second = submit();
  turn();
  ASSERT_EQ((*next)->value().jobs.size(), 1u);
  EXPECT_EQ((*next)->value().jobs[0].task->task_id, second);
  pass(15'000);
  EXPECT_EQ(status(first), TaskStatus::pending);
}

TEST_F(ClaimsTest, WhatIsCancelledInThatTurnIsNotGivenAgain) {
  const TaskId id = submit();
  claim(1);
  turn();
  const auto again = claim(1);
  tell(Cancel{kActor, id, {}});
  turn();
  ASSERT_TRUE(*again);
  EXPECT_TRUE((*again)->value().jobs.empty());
  EXPECT_EQ(status(id), TaskStatus::cancelled);
}

TEST_F(ClaimsTest, WhatIsNotAcceptedInTimeGoesToAnother) {
  const TaskId id = submit();
  claim(1);
  turn();
  pass(14'999);
  EXPECT_EQ(status(id), TaskStatus::assigned);
  pass(1);
  const auto other = claim(2);
  turns(2);
  ASSERT_EQ((*other)->value().jobs.size(), 1u);
  EXPECT_EQ((*other)->value().jobs[0].task->attempt, 2u);
  const auto late = say(1, id, UpdateKind::running);
  turn();
  EXPECT_EQ((*late)->error().code, Errc::stale_attempt);
}

TEST_F(ClaimsTest, AnOfferIsNotGivenAgainForEver) {
  const TaskId id = submit();
  claim(1);
  turn();
  for (int i = 0; i < 3; ++i) {
    clock_.now_ms += 9'000;
    claim(1);
    turn();
    EXPECT_EQ(status(id), TaskStatus::assigned);
  }
  pass(3'000);
  EXPECT_EQ(status(id), TaskStatus::pending);
}

TEST_F(ClaimsTest, ToBeReadyIsNotToAccept) {
  open(1, 1);
  const TaskId id = submit();
  turn();
  for (int i = 0; i < 2; ++i) {
    clock_.now_ms += 7'000;
    tell(Ready{.worker_id = numbered<WorkerId>(1), .channel = channels_, .free = 0});
    turn();
  }
  pass(1'000);
  EXPECT_NE(status(id), TaskStatus::assigned);
}

TEST_F(ClaimsTest, AFinalUpdateMayFollowAnOffer) {
  const TaskId id = submit();
  claim(1);
  turn();
  const auto first = say(1, id, UpdateKind::completed), again = say(1, id, UpdateKind::completed);
  turn();
  EXPECT_EQ((*first)->value().status, TaskStatus::completed);
  EXPECT_EQ((*again)->value().status, TaskStatus::completed);
  EXPECT_EQ(status(id), TaskStatus::completed);
}

// From assigned to waiting_for_input there is no way in one step: it cost the others their turn.
TEST_F(ClaimsTest, AnAcceptanceAndAQuestionInOneTurnHurtNobodyElse) {
  const TaskId id = submit();
  claim(1);
  turn();
  const auto accepted = say(1, id, UpdateKind::running);
  const auto asked = say(1, id, UpdateKind::waiting_for_input);
  turn();
  EXPECT_TRUE((*accepted)->has_value());
  EXPECT_EQ((*asked)->error().code, Errc::conflict);
  const auto again = say(1, id, UpdateKind::waiting_for_input);
  turn();
  EXPECT_EQ((*again)->value().status, TaskStatus::waiting_for_input);
}

TEST_F(ClaimsTest, ASecondPollEndsTheFirst) {
  const auto first = claim(1, 10'000), second = claim(1, 10'000);
  turn();
  ASSERT_TRUE(*first);
  EXPECT_TRUE((*first)->value().jobs.empty());
  EXPECT_FALSE(*second);
  submit();
  turn();
  EXPECT_EQ((*second)->value().jobs.size(), 1u);
}

TEST_F(ClaimsTest, TheOrderToCloseIsTheLastOfAChannel) {
  open(1, 1);
  const TaskId id = submit();
  turn();
  say(1, id, UpdateKind::running);
  turn();
  orders_.clear();
  tell(Cancel{kActor, id, {}});
  const auto poll = claim(1, 10'000);
  turn();
  ASSERT_EQ(orders_.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<CancelOrder>(orders_[0]));
  EXPECT_TRUE(std::holds_alternative<CloseOrder>(orders_[1]));
  tell(CloseWorker{.worker_id = numbered<WorkerId>(1), .channel = 1, .lost = true});  // too late
  turn();
  pass(2'000);
  EXPECT_EQ(status(id), TaskStatus::running);
  EXPECT_FALSE(*poll);
}

TEST_F(ClaimsTest, AChannelThatBrokeCutsLeasesShort) {
  open(1, 2);
  const TaskId heard_of = submit(), lost = submit();
  turn();
  for (TaskId id : {heard_of, lost}) say(1, id, UpdateKind::running);
  turn();
  tell(CloseWorker{.worker_id = numbered<WorkerId>(1), .channel = channels_, .lost = true});
  turn();
  Heartbeat beat{.worker_id = numbered<WorkerId>(1), .leases = {{heard_of, 1}}, .done = {}};
  tell(std::move(beat));
  pass(1'499);
  EXPECT_EQ(status(lost), TaskStatus::running);
  pass(1);
  EXPECT_EQ(status(lost), TaskStatus::failed);
  EXPECT_EQ(status(heard_of), TaskStatus::running);
}

TEST_F(ClaimsTest, AWordBeforeItGoesGivesOffersBackAtOnce) {
  open(1, 1);
  const TaskId id = submit();
  turn();
  EXPECT_EQ(ordered<AssignOrder>(), 1);
  tell(CloseWorker{.worker_id = numbered<WorkerId>(1), .channel = channels_});
  turn();
  EXPECT_EQ(status(id), TaskStatus::pending);
}

TEST_F(ClaimsTest, APollThatNobodyHearsIsTakenBack) {
  const auto poll = claim(1, 10'000);
  turn();
  tell(Unclaim{.worker_id = numbered<WorkerId>(1), .channel = channels_});
  const TaskId id = submit();
  turn();
  pass(20'000);
  EXPECT_FALSE(*poll);
  EXPECT_EQ(status(id), TaskStatus::pending);
}

TEST_F(ClaimsTest, ARevokedWorkerHoldsNothing) {
  const TaskId accepted = running(1);
  const TaskId offered = submit();
  claim(1);
  turn();
  const auto poll = claim(1, 10'000, 0);  // answered with the offer
  turn();
  const auto waits = claim(2, 10'000, 0);
  const auto revoked = post<std::monostate>(RevokeWorker{numbered<WorkerId>(1), {}});
  post<std::monostate>(RevokeWorker{numbered<WorkerId>(2), {}});
  turn();
  EXPECT_TRUE((*revoked)->has_value());
  EXPECT_EQ((*waits)->error().code, Errc::token_revoked);
  for (TaskId id : {accepted, offered}) {
    EXPECT_EQ(status(id), TaskStatus::pending);
    const auto late = say(1, id, UpdateKind::completed);
    turn();
    EXPECT_EQ((*late)->error().code, Errc::stale_attempt);
    EXPECT_EQ(store_.reader().find(id).value()->first_attempt, 2u);  // none was used up
  }
}

TEST_F(ClaimsTest, ADrainingWorkerIsGivenNothingNew) {
  open(1, 1);
  tell(DrainWorker{.worker_id = numbered<WorkerId>(1), .draining = true});
  submit();
  turns(2);
  EXPECT_EQ(ordered<DrainOrder>(), 1);
  EXPECT_EQ(ordered<AssignOrder>(), 0);
  tell(DrainWorker{.worker_id = numbered<WorkerId>(1), .draining = false});
  turns(2);
  EXPECT_EQ(ordered<AssignOrder>(), 1);
}

TEST_F(ClaimsTest, APollHearsOfACancelAndOfInput) {
  const TaskId id = running(1, true);
  auto poll = claim(1, 10'000, 0);
  turn();
  EXPECT_FALSE(*poll);
  tell(Input{.actor = kActor, .task_id = id, .data = "a", .done = {}});
  turns(2);
  ASSERT_TRUE(*poll);
  ASSERT_EQ((*poll)->value().news.size(), 1u);
  tell(Cancel{kActor, id, {}});
  turn();
  poll = claim(1, 10'000, 0);  // it was not there at that moment
  turn();
  ASSERT_TRUE(*poll);
  ASSERT_EQ((*poll)->value().news.size(), 1u);
  EXPECT_TRUE((*poll)->value().news[0].answer.cancel_requested);
  ASSERT_EQ((*poll)->value().news[0].answer.input.size(), 1u);
  EXPECT_EQ((*poll)->value().news[0].answer.input[0].data, "a");
}

TEST_F(ClaimsTest, NewsOutlivesACommitThatFails) {
  const TaskId id = running(1);
  tell(Cancel{kActor, id, {}});
  turn();
  store_.fail_commit(1, store::CommitFault::before);
  const auto failed = claim(1, 10'000, 0);
  submit();
  turn();
  EXPECT_EQ((*failed)->error().code, Errc::store_unavailable);
  const auto poll = claim(1, 10'000, 0);
  turn();
  ASSERT_TRUE(*poll);
  ASSERT_EQ((*poll)->value().news.size(), 1u);
  EXPECT_TRUE((*poll)->value().news[0].answer.cancel_requested);
}

TEST_F(ClaimsTest, ACommitThatFailsGivesNothingAway) {
  const auto poll = claim(1, 10'000), other = claim(2, 10'000);
  turn();
  store_.fail_commit(1, store::CommitFault::before);
  submit();
  turn();
  EXPECT_NE(poll->has_value(), other->has_value());
  const auto& answered = *poll ? *poll : *other;
  EXPECT_EQ(answered->error().code, Errc::store_unavailable);
  pass(300);
  const TaskId id = submit();
  turn();
  ASSERT_TRUE(*poll && *other);
  EXPECT_EQ(status(id), TaskStatus::assigned);
}

TEST_F(ClaimsTest, AnUpdateAnswersWhatLiesBehindItsInput) {
  const TaskId id = running(1, true);
  for (const char* data : {"a", "b", "c"})
    tell(Input{.actor = kActor, .task_id = id, .data = data, .done = {}});
  turn();
  const auto pieces_behind = [&](std::optional<std::uint64_t> seq) {
    Update progress = update(1, id, UpdateKind::progress);
    progress.input_seq = seq;
    const auto answer = post<UpdateAnswer>(std::move(progress));
    turn();
    std::string text;
    for (const store::InputPiece& piece : (*answer)->value().input) text += piece.data;
    return text;
  };
  EXPECT_EQ(pieces_behind(0), "abc");
  EXPECT_EQ(pieces_behind(1), "bc");
  EXPECT_EQ(pieces_behind(3), "");
  EXPECT_EQ(pieces_behind({}), "");
}

// A worker that went over to polls is told by them what an old heartbeat asked for.
TEST_F(ClaimsTest, AHeartbeatOfOneWhoPollsIsNotTheEndOfItsNews) {
  const TaskId id = running(1, true);
  tell(Input{.actor = kActor, .task_id = id, .data = "a", .done = {}});
  turn();
  tell(Heartbeat{.worker_id = numbered<WorkerId>(1), .leases = {{id, 1, 0}}, .done = {}});
  turn();
  const auto poll = claim(1, 10'000, 0);
  turn();
  ASSERT_TRUE(*poll);
  EXPECT_EQ((*poll)->value().news.size(), 1u);
}

}  // namespace
}  // namespace tandem::queue
