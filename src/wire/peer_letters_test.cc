#include "wire/peer_letters.h"

#include <gmock/gmock.h>

namespace tandem::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class AnyId>
AnyId id(std::uint8_t number) {
  AnyId made;
  made.bytes[15] = number;
  return made;
}

template <class Letter>
Letter round_trip(const Letter& letter) {
  const auto read = decode_letter(encode_letter(letter));
  EXPECT_TRUE(read) << encode_letter(letter);
  return std::get<Letter>(*read);
}

TEST(PeerLetters, AskAndAnswer) {
  const TaskAsk ask = round_trip(TaskAsk{.number = 7,
                                         .kind = AskKind::input,
                                         .client_id = id<ClientId>(1),
                                         .admin = true,
                                         .task_id = id<TaskId>(2),
                                         .data = std::string("a\0\"b", 4),
                                         .request_id = "r",
                                         .eof = true});
  EXPECT_EQ(ask.number, 7u);
  EXPECT_EQ(ask.kind, AskKind::input);
  EXPECT_EQ(ask.client_id, id<ClientId>(1));
  EXPECT_TRUE(ask.admin && ask.eof && !ask.force);
  EXPECT_EQ(ask.task_id, id<TaskId>(2));
  EXPECT_EQ(ask.data, std::string("a\0\"b", 4));
  EXPECT_EQ(ask.request_id, "r");
  const TaskAnswer refused =
      round_trip(TaskAnswer{.number = 8, .error = fail(Errc::already_finished, "It is over")});
  EXPECT_EQ(refused.error->code, Errc::already_finished);
  EXPECT_EQ(refused.error->detail, "It is over");
  const TaskAnswer done = round_trip(TaskAnswer{.number = 9, .error = {}, .was_started = true});
  EXPECT_TRUE(!done.error && done.was_started);
}

TEST(PeerLetters, TasksAndWorkers) {
  const TasksGiven given =
      round_trip(TasksGiven{.worker_id = id<WorkerId>(3), .tasks = {id<TaskId>(1), id<TaskId>(2)}});
  EXPECT_EQ(given.worker_id, id<WorkerId>(3));
  EXPECT_THAT(given.tasks, ElementsAre(id<TaskId>(1), id<TaskId>(2)));
  EXPECT_TRUE(round_trip(TasksGiven{.worker_id = {}, .tasks = {}}).worker_id.is_nil());
  EXPECT_EQ(round_trip(WorkerCame{id<WorkerId>(4)}).worker_id, id<WorkerId>(4));
  EXPECT_THAT(round_trip(TasksChanged{{id<TaskId>(5)}}).tasks, ElementsAre(id<TaskId>(5)));
  EXPECT_THAT(round_trip(TasksWatched{{id<TaskId>(6)}}).tasks, ElementsAre(id<TaskId>(6)));
  round_trip(AccountsChanged{});
}

TEST(PeerLetters, StatesOfWorkers) {
  const WorkersAsked asked = round_trip(WorkersAsked{5, {id<WorkerId>(1), id<WorkerId>(2)}});
  EXPECT_EQ(asked.number, 5u);
  EXPECT_THAT(asked.workers, ElementsAre(id<WorkerId>(1), id<WorkerId>(2)));
  const WorkerState known{.worker_id = id<WorkerId>(1),
                          .channel = WorkerChannel::polling,
                          .last_seen_at = WallTime{1'700'000'000'123},
                          .tasks = {{id<TaskId>(3), 2, TaskStatus::running}}};
  const WorkersTold told = round_trip(WorkersTold{6, {known, {.worker_id = id<WorkerId>(2)}}});
  EXPECT_EQ(told.number, 6u);
  ASSERT_EQ(told.workers.size(), 2u);
  EXPECT_EQ(told.workers[0].worker_id, id<WorkerId>(1));
  EXPECT_EQ(told.workers[0].channel, WorkerChannel::polling);
  EXPECT_EQ(told.workers[0].last_seen_at, known.last_seen_at);
  ASSERT_EQ(told.workers[0].tasks.size(), 1u);
  EXPECT_EQ(told.workers[0].tasks[0].task_id, id<TaskId>(3));
  EXPECT_EQ(told.workers[0].tasks[0].attempt, 2u);
  EXPECT_EQ(told.workers[0].tasks[0].status, TaskStatus::running);
  EXPECT_FALSE(told.workers[1].channel || told.workers[1].last_seen_at);
}

TEST(PeerLetters, FreeSlotsSayWhatCanBeTaken) {
  FreeSlots::Group group{.profile = {}, .slots = 12};
  group.profile.channel = WorkerChannel::polling;
  group.profile.labels = {{"gpu", ""}, {"zone", "eu"}};
  group.profile.job_types = {"resize"};
  group.profile.queues = {"bulk", "default"};
  const FreeSlots read = round_trip(FreeSlots{{group, {}}});
  ASSERT_EQ(read.groups.size(), 2u);
  EXPECT_EQ(read.groups[0].slots, 12);
  EXPECT_EQ(read.groups[0].profile.channel, WorkerChannel::polling);
  EXPECT_EQ(read.groups[0].profile.labels, group.profile.labels);
  EXPECT_EQ(read.groups[0].profile.job_types, group.profile.job_types);
  EXPECT_EQ(read.groups[0].profile.queues, group.profile.queues);
  EXPECT_EQ(read.groups[1].profile.channel, WorkerChannel::push);
}

TEST(PeerLetters, WhatIsNotOneIsRefused) {
  EXPECT_EQ(decode_letter("nonsense").error().code, Errc::bad_json);
  const auto newer = decode_letter(R"({"type":"of_tomorrow"})");
  EXPECT_EQ(newer.error().code, Errc::not_implemented);
  EXPECT_THAT(newer.error().detail, HasSubstr("of_tomorrow"));
  for (const char* text : {R"({"type":"ask","number":1,"kind":"dance","task_id":"x"})",
                           R"({"type":"worker_came"})", R"({"type":"given","tasks":["x"]})",
                           R"({"type":"answer"})", R"({"type":"free_slots","groups":[1]})"})
    EXPECT_EQ(decode_letter(text).error().code, Errc::validation_failed) << text;
}

}  // namespace
}  // namespace tandem::wire
