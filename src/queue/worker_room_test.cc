#include "queue/worker_room.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tandem::queue {
namespace {

WorkerId id_of(std::uint8_t number) {
  WorkerId id;
  id.bytes[15] = number;
  return id;
}

class WorkerRoomTest : public testing::Test {
 protected:
  Worker& put(std::uint8_t number, int slots, Labels labels = {}) {
    Worker worker;
    worker.profile.worker_id = id_of(number);
    worker.profile.labels = std::move(labels);
    worker.slots_free = slots;
    return room_.put(std::move(worker));
  }
  Worker& put_poll(std::uint8_t number, std::int64_t until_ms) {
    Worker worker;
    worker.profile.worker_id = id_of(number);
    worker.profile.channel = WorkerChannel::polling;
    worker.poll = Poll{.value = {}, .until = {until_ms}, .done = {}};
    worker.slots_free = 1;
    return room_.put(std::move(worker));
  }
  // Who is served with so many tasks that everybody can take.
  std::vector<int> serve(int tasks) {
    std::vector<int> served;
    room_.serve([&](Worker& worker) {
      if (tasks-- <= 0) return false;
      served.push_back(worker.profile.worker_id.bytes[15]);
      room_.set_slots(worker, worker.slots_free - 1);
      return true;
    });
    return served;
  }
  WorkerRoom room_;
};

TEST_F(WorkerRoomTest, ServesEachOfAGroupInTurn) {
  put(1, 2), put(2, 2), put(3, 2);
  EXPECT_EQ(serve(4), (std::vector{1, 2, 3, 1}));
  EXPECT_EQ(serve(9), (std::vector{2, 3}));
  EXPECT_TRUE(serve(9).empty());
}

TEST_F(WorkerRoomTest, AGroupOfOneHasAsMuchAsAGroupOfMany) {
  put(1, 9), put(2, 9), put(3, 9);
  put(4, 9, {{"gpu", ""}});
  const std::vector<int> served = serve(6);
  EXPECT_EQ(std::count(served.begin(), served.end(), 4), 3);
}

TEST_F(WorkerRoomTest, NotTheSameGroupIsFirstEachTime) {
  put(1, 9), put(2, 9, {{"gpu", ""}});
  const auto first = serve(1), second = serve(1);
  EXPECT_NE(first, second);
}

// That one group can take nothing of what is there is not the others' loss.
TEST_F(WorkerRoomTest, AGroupThatIsRefusedIsNotAskedAgain) {
  put(1, 2), put(2, 2), put(3, 2, {{"gpu", ""}});
  int refusals = 0, given = 0;
  room_.serve([&](Worker& worker) {
    if (worker.profile.labels.empty()) {
      ++refusals;
      return false;
    }
    ++given;
    room_.set_slots(worker, worker.slots_free - 1);
    return true;
  });
  EXPECT_EQ(refusals, 1);
  EXPECT_EQ(given, 2);
}

TEST_F(WorkerRoomTest, SlotsAreNeverLessThanNone) {
  Worker& worker = put(1, 1);
  room_.set_slots(worker, -3);
  EXPECT_EQ(worker.slots_free, 0);
  EXPECT_TRUE(room_.waiting().empty());
  room_.set_slots(worker, 1);
  ASSERT_EQ(room_.waiting().size(), 1u);
  EXPECT_EQ(serve(5), std::vector{1});
}

TEST_F(WorkerRoomTest, OneThatDrainsDoesNotWait) {
  Worker& worker = put(1, 2);
  put(2, 1);
  room_.set_draining(id_of(1), true);
  EXPECT_EQ(serve(5), std::vector{2});
  room_.set_slots(worker, 3);  // which it may say, to no effect
  EXPECT_TRUE(serve(5).empty());
  room_.set_draining(id_of(1), false);
  EXPECT_EQ(serve(5), (std::vector{1, 1, 1}));
}

TEST_F(WorkerRoomTest, ALaterChannelTakesThePlaceOfTheFirst) {
  put(1, 5);
  put(1, 1, {{"gpu", ""}});
  ASSERT_EQ(room_.waiting().size(), 1u);
  EXPECT_TRUE(room_.waiting()[0]->labels.contains("gpu"));
  EXPECT_EQ(serve(5), std::vector{1});
}

TEST_F(WorkerRoomTest, PollsEndInTheOrderOfTheirTimes) {
  EXPECT_EQ(room_.next_poll_end(), kNever);
  put_poll(1, 300), put_poll(2, 100), put_poll(3, 200);
  put(4, 1);
  EXPECT_EQ(room_.next_poll_end(), MonoTime{100});
  EXPECT_EQ(room_.first_to_end(), id_of(2));
  put_poll(2, 400);  // a new one in place of it
  EXPECT_EQ(room_.first_to_end(), id_of(3));
  room_.remove(id_of(3));
  room_.remove(id_of(3));  // may be repeated
  EXPECT_EQ(room_.first_to_end(), id_of(1));
  put(1, 1);  // a channel in place of a poll
  EXPECT_EQ(room_.first_to_end(), id_of(2));
  room_.remove(id_of(2));
  EXPECT_EQ(room_.next_poll_end(), kNever);
}

}  // namespace
}  // namespace tandem::queue
