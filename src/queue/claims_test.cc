#include "queue/claims_fixture.h"

namespace tandem::queue {
namespace {

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

TEST_F(ClaimsTest, APollEndsWithItsWorkersLease) {
  const TaskId id = running(1);
  const auto poll = claim(1, 60'000);
  turn();
  pass(29'999);
  EXPECT_FALSE(*poll);
  pass(1);
  EXPECT_EQ(status(id), TaskStatus::failed);
  ASSERT_TRUE(*poll);
  EXPECT_TRUE((*poll)->value().jobs.empty());
  const TaskId next = submit();
  turns(2);
  EXPECT_EQ(status(next), TaskStatus::pending);  // it may be as dead as its job
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

// Its first telling was heard, and answered; the answer was lost.
TEST_F(ClaimsTest, AQuestionThatWasAnsweredIsNotOpenedAgain) {
  const TaskId id = running(1);
  const auto ask = [&](std::optional<std::uint64_t> has, std::string request_id) {
    Update question = update(1, id, UpdateKind::waiting_for_input);
    question.input_request = InputRequest{.request_id = std::move(request_id), .prompt = "?"};
    question.asked_behind = question.input_seq = has;
    const auto answer = post<UpdateAnswer>(std::move(question));
    turn();
    return (*answer)->value();
  };
  EXPECT_EQ(ask(0, "1").status, TaskStatus::waiting_for_input);
  EXPECT_EQ(ask(0, "1").status, TaskStatus::waiting_for_input);
  tell(Input{.actor = kActor, .task_id = id, .data = "a", .done = {}});
  turn();
  const UpdateAnswer again = ask(0, "1");
  EXPECT_EQ(again.status, TaskStatus::running);
  ASSERT_EQ(again.input.size(), 1u);
  EXPECT_EQ(ask(1, "2").status, TaskStatus::waiting_for_input);
  tell(Input{.actor = kActor, .task_id = id, .data = "b", .done = {}});
  turn();
  EXPECT_EQ(ask({}, "3").status, TaskStatus::waiting_for_input);  // nothing was said of input
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
