#include "core/lane.h"

#include <gtest/gtest.h>

#include <array>

namespace tandem {
namespace {

Uuid numbered(std::uint8_t last) {
  Uuid id;
  id.bytes[15] = last;
  return id;
}

LaneKey lane(std::vector<std::string> wanted = {}) {
  return {.client_id = ClientId(numbered(1)),
          .queue = "default",
          .job_type = "render",
          .assignment = Assignment::any,
          .requires_labels = std::move(wanted)};
}

TEST(Assignment, NamesGoBothWays) {
  const std::pair<Assignment, std::string_view> rows[] = {
      {Assignment::any, "any"}, {Assignment::push, "push"}, {Assignment::polling, "polling"}};
  for (const auto& [value, name] : rows) {
    EXPECT_EQ(to_string(value), name);
    EXPECT_EQ(assignment_from(name), value);
  }
  for (std::string_view name : {"", "Any", "hybrid", "push "})
    EXPECT_EQ(assignment_from(name), std::nullopt) << name;
}

TEST(LaneOf, TakesAllThatDecides) {
  Task task;
  task.client_id = ClientId(numbered(7));
  task.spec.queue = "fast";
  task.spec.job_type = "render";
  task.spec.assignment = Assignment::polling;
  task.spec.requires_labels = {"gpu", "zone=eu"};
  const LaneKey expected{.client_id = ClientId(numbered(7)),
                         .queue = "fast",
                         .job_type = "render",
                         .assignment = Assignment::polling,
                         .requires_labels = {"gpu", "zone=eu"}};
  EXPECT_EQ(lane_of(task), expected);
}

TEST(LaneOf, IsTheSameWhateverElseDiffers) {
  Task one, other;
  other.task_id = TaskId(numbered(9));
  other.spec.priority = 100;
  other.spec.labels["team"] = "vision";
  other.status = TaskStatus::running;
  EXPECT_EQ(lane_of(one), lane_of(other));
  other.client_id = ClientId(numbered(2));
  EXPECT_NE(lane_of(one), lane_of(other));
}

TEST(MayTake, AWorkerThatNamesNothingTakesAnything) {
  EXPECT_TRUE(may_take(WorkerProfile{}, lane()));
}

TEST(MayTake, EachAssignmentOnItsChannel) {
  struct Row {
    WorkerChannel channel;
    Assignment assignment;
    bool taken;
  };
  constexpr std::array kRows = {
      Row{WorkerChannel::push, Assignment::any, true},
      Row{WorkerChannel::push, Assignment::push, true},
      Row{WorkerChannel::push, Assignment::polling, false},
      Row{WorkerChannel::polling, Assignment::any, true},
      Row{WorkerChannel::polling, Assignment::push, false},
      Row{WorkerChannel::polling, Assignment::polling, true},
  };
  for (const Row& row : kRows) {
    WorkerProfile worker;
    worker.channel = row.channel;
    LaneKey key = lane();
    key.assignment = row.assignment;
    EXPECT_EQ(may_take(worker, key), row.taken) << to_string(row.assignment);
  }
}

TEST(MayTake, ItsQueuesAndJobTypesOnly) {
  WorkerProfile worker;
  worker.queues = {"fast", "default"};
  worker.job_types = {"render"};
  EXPECT_TRUE(may_take(worker, lane()));
  worker.queues = {"fast"};
  EXPECT_FALSE(may_take(worker, lane()));
  worker.queues = {};
  worker.job_types = {"render2", "Render", ""};
  EXPECT_FALSE(may_take(worker, lane()));
}

TEST(MayTake, EveryLabelThatIsAskedFor) {
  WorkerProfile worker;
  worker.labels = {{"gpu", ""}, {"zone", "eu"}};
  for (const auto& wanted : std::vector<std::vector<std::string>>{
           {}, {"gpu"}, {"zone"}, {"zone=eu"}, {"gpu="}, {"gpu", "zone=eu"}})
    EXPECT_TRUE(may_take(worker, lane(wanted))) << testing::PrintToString(wanted);
  for (const auto& wanted : std::vector<std::vector<std::string>>{
           {"cpu"}, {"zone=us"}, {"zone=e"}, {"zone="}, {"gpu=1"}, {"eu"}, {"gpu", "tpu"}})
    EXPECT_FALSE(may_take(worker, lane(wanted))) << testing::PrintToString(wanted);
}

}  // namespace
}  // namespace tandem
