#include "queue/ready_lanes.h"

#include <gtest/gtest.h>

namespace tandem::queue {
namespace {

template <class Id>
Id id_of(std::uint8_t number) {
  Id id;
  id.bytes[15] = number;
  return id;
}

Place place(std::uint8_t number, int priority = 0) { return {priority, id_of<TaskId>(number)}; }

LaneKey lane(std::uint8_t client, std::string queue = "default") {
  LaneKey key;
  key.client_id = id_of<ClientId>(client);
  key.queue = std::move(queue);
  key.job_type = "job";
  return key;
}

constexpr std::size_t kWindow = 100;

// Takes all that is in memory, in the order in which one worker is given it.
std::vector<int> taken(ReadyLanes& lanes, const WorkerProfile& worker = {}) {
  std::vector<int> numbers;
  for (ReadyLanes::Lane* next = lanes.pick(worker);
       next != nullptr && !ReadyLanes::needs_read(*next); next = lanes.pick(worker))
    numbers.push_back(lanes.take_front(*next).task_id.bytes[15]);
  return numbers;
}

TEST(ReadyLanes, HigherPriorityBeforeOlderThenByAge) {
  ReadyLanes lanes(kWindow);
  for (const Place& one : {place(1), place(2, 5), place(3, -1), place(4, 5), place(5)})
    EXPECT_FALSE(lanes.add(lane(1), one));
  EXPECT_EQ(taken(lanes), (std::vector{2, 4, 1, 5, 3}));
  EXPECT_TRUE(lanes.empty());
}

TEST(ReadyLanes, PriorityAndAgeCountAcrossTheLanesOfAClient) {
  ReadyLanes lanes(kWindow);
  lanes.add(lane(1, "a"), place(1));
  lanes.add(lane(1, "b"), place(2, 5));
  lanes.add(lane(1, "c"), place(3));
  lanes.add(lane(1, "a"), place(4));
  lanes.add(lane(1, "b"), place(5, -1));
  EXPECT_EQ(taken(lanes), (std::vector{2, 1, 3, 4, 5}));
}

TEST(ReadyLanes, ClientsAreServedInTurn) {
  ReadyLanes lanes(kWindow);
  for (std::uint8_t number = 1; number <= 4; ++number) lanes.add(lane(1), place(number));
  for (std::uint8_t number = 5; number <= 6; ++number) lanes.add(lane(2), place(number));
  lanes.add(lane(2, "other"), place(7));  // the turn is the client's, not the lane's
  EXPECT_EQ(taken(lanes), (std::vector{1, 5, 2, 6, 3, 7, 4}));
}

TEST(ReadyLanes, PriorityGoesBeforeTheTurn) {
  ReadyLanes lanes(kWindow);
  lanes.add(lane(1), place(1, 1));
  lanes.add(lane(1), place(2, 1));
  lanes.add(lane(2), place(3));
  lanes.add(lane(1), place(4));
  EXPECT_EQ(taken(lanes), (std::vector{1, 2, 3, 4}));
}

TEST(ReadyLanes, AWorkerIsGivenWhatItMayTake) {
  ReadyLanes lanes(kWindow);
  lanes.add(lane(1, "a"), place(1, 9));
  lanes.add(lane(1, "b"), place(2));
  WorkerProfile worker;
  worker.queues = {"b"};
  EXPECT_EQ(taken(lanes, worker), std::vector{2});
  EXPECT_EQ(taken(lanes), std::vector{1});
}

TEST(ReadyLanes, WhatFallsOutOfTheWindowIsReadAgain) {
  ReadyLanes lanes(2);
  EXPECT_FALSE(lanes.add(lane(1), place(1)));
  EXPECT_FALSE(lanes.add(lane(1), place(2)));
  EXPECT_EQ(lanes.add(lane(1), place(3)), place(3));     // the window is full
  EXPECT_EQ(lanes.add(lane(1), place(4, 5)), place(2));  // goes before them: the last falls out
  EXPECT_EQ(taken(lanes), (std::vector{4, 1}));
  EXPECT_EQ(lanes.add(lane(1), place(5, 9)), place(5, 9));  // all that is pending is to be read now
  ASSERT_FALSE(lanes.empty());
  ReadyLanes::Lane* unread = lanes.pick({});
  ASSERT_TRUE(unread != nullptr && ReadyLanes::needs_read(*unread));
  lanes.fill(*unread, {place(5, 9), place(2)}, true);
  EXPECT_EQ(lanes.add(lane(1), place(6)), place(6));  // may stand behind what is not read
  EXPECT_EQ(taken(lanes), (std::vector{5, 2}));
  lanes.fill(*lanes.pick({}), {place(3), place(6)}, false);
  EXPECT_EQ(lanes.add(lane(1), place(7, -1)), place(7, -1));  // full again
  EXPECT_EQ(taken(lanes), (std::vector{3, 6}));
}

TEST(ReadyLanes, ALaneOfTheStoreIsReadBeforeAnyIsGivenOut) {
  ReadyLanes lanes(kWindow);
  lanes.add(lane(1), place(1, 100));
  lanes.add_unread(lane(2));
  ReadyLanes::Lane* unread = lanes.pick({});
  ASSERT_TRUE(unread != nullptr && ReadyLanes::needs_read(*unread));
  EXPECT_EQ(unread->key, lane(2));
  lanes.fill(*unread, {}, false);  // somebody has cancelled them
  EXPECT_EQ(taken(lanes), std::vector{1});
  EXPECT_EQ(lanes.pick({}), nullptr);
}

TEST(ReadyLanes, ARemovedTaskIsNotGivenOut) {
  ReadyLanes lanes(kWindow);
  lanes.add(lane(1), place(1));
  lanes.add(lane(1), place(2));
  lanes.remove(lane(1), place(1));
  lanes.remove(lane(2), place(2));  // another lane's
  EXPECT_EQ(taken(lanes), std::vector{2});
  lanes.add(lane(1), place(3));
  lanes.remove(lane(1), place(3));
  EXPECT_TRUE(lanes.empty());
}

}  // namespace
}  // namespace tandem::queue
