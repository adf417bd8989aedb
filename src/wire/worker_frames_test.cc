#include "wire/worker_frames.h"

#include <gtest/gtest.h>

namespace tandem::wire {
namespace {

constexpr const char* kJobId = "01890a5d-ac96-774b-bcce-b302099a8057";

template <class Frame>
Frame order(const std::string& text) {
  const auto frame = decode_order_frame(text);
  EXPECT_TRUE(frame) << text;
  EXPECT_TRUE(std::holds_alternative<Frame>(*frame)) << text;
  return std::get<Frame>(*frame);
}

TEST(WorkerFrames, ComeBack) {
  EXPECT_EQ(std::get<ReadyFrame>(*decode_worker_frame(encode_ready_frame(3))).slots_free, 3);
  Update update;
  update.task_id = kJobId;
  update.attempt = 1;
  update.result = "[1]";
  update.input_seq = 7;
  const Update both[] = {update, update};
  const auto updates = decode_worker_frame(encode_update_frame(both));
  ASSERT_TRUE(updates);
  EXPECT_EQ(std::get<UpdateFrame>(*updates).updates.at(1).result, "[1]");
  EXPECT_EQ(std::get<UpdateFrame>(*updates).updates.at(1).input_seq, 7u);
  const auto one = decode_worker_frame(R"({"type":"update","task_id":")" + std::string(kJobId) +
                                       R"(","attempt":1,"status":"running"})");
  ASSERT_TRUE(one);
  EXPECT_EQ(std::get<UpdateFrame>(*one).updates.size(), 1u);
  const LogLine lines[] = {{4, WallTime{5}, 2, "stdout", "a"}, {5, WallTime{6}, 2, "stderr", "b"}};
  const auto logs = decode_worker_frame(encode_logs_frame(kJobId, lines));
  ASSERT_TRUE(logs);
  EXPECT_EQ(std::get<LogsFrame>(*logs).batch.records.at(1).seq, 5u);
  const AttemptRef refs[] = {{kJobId, 2, 5}};
  const auto beat = decode_worker_frame(encode_heartbeat_frame(refs));
  ASSERT_TRUE(beat);
  EXPECT_EQ(std::get<HeartbeatFrame>(*beat).tasks.at(0), refs[0]);
  EXPECT_TRUE(std::holds_alternative<ByeFrame>(*decode_worker_frame(encode_bye_frame())));
}

TEST(WorkerFrames, AreStrict) {
  for (const char* text :
       {"{}", R"({"type":"x"})", R"({"type":"ready"})", R"({"type":"bye","a":1})",
        R"({"type":"heartbeat","tasks":[{"task_id":"x","attempt":1}]})",
        R"({"type":"heartbeat","tasks":[1]})", R"({"type":"logs"})", "[", "7"})
    EXPECT_FALSE(decode_worker_frame(text)) << text;
}

TEST(OrderFrames, ComeBack) {
  PollingConfig config;
  config.polling_url = "p";
  config.lease_ms = 2500;
  EXPECT_EQ(order<WelcomeFrame>(encode_welcome_frame(config, kJobId)).config.lease_ms, 2500);
  EXPECT_EQ(order<ConfigFrame>(encode_config_frame(config)).config.polling_url, "p");
  Task task;
  task.task_id = *TaskId::parse(kJobId);
  task.spec.payload = R"({"job_type":"x"})";
  std::string job;
  encode_job(task, std::nullopt, job);
  const std::string jobs[] = {job, job};
  EXPECT_EQ(order<AssignFrame>(encode_assign_frame(jobs, false)).jobs.size(), 1u);
  EXPECT_EQ(order<AssignFrame>(encode_assign_frame(jobs, true)).jobs.at(1).task_id, kJobId);
  AckFrame ack;
  ack.about = "logs";
  ack.answers.push_back({.task_id = kJobId, .attempt = 2});
  ack.committed = 9;
  EXPECT_EQ(order<AckFrame>(encode_ack_frame(ack)).committed, 9u);
  ack.about = "update";
  ack.answers.push_back({.task_id = kJobId, .attempt = 3});
  EXPECT_EQ(order<AckFrame>(encode_ack_frame(ack, true)).answers.at(1).attempt, 3u);
  AckFrame beat;
  beat.about = "heartbeat";
  beat.renewed = {{kJobId, 2}, {kJobId, 3}};
  EXPECT_EQ(order<AckFrame>(encode_ack_frame(beat)).renewed, beat.renewed);
  EXPECT_TRUE(order<AckFrame>(R"({"type":"ack","for":"heartbeat"})").renewed.empty());
  EXPECT_EQ(order<AckFrame>(R"({"type":"ack","for":"logs","committed":-1})").committed, 0u);
  EXPECT_EQ(order<CancelOrder>(encode_cancel_order({{kJobId, 2}, 1500})).grace_ms, 1500);
  EXPECT_EQ(order<InputOrder>(encode_input_order({{kJobId, 2}, {3, "x", true}})).input.data, "x");
  EXPECT_EQ(order<ResizeOrder>(encode_resize_order({{kJobId, 2}, 100, 50})).rows, 50);
  order<DrainOrder>(encode_drain_order());
  EXPECT_EQ(order<LostFrame>(encode_lost_frame({kJobId, 2})).task, (AttemptRef{kJobId, 2}));
  EXPECT_EQ(order<UnknownFrame>(R"({"type":"later"})").type, "later");
  EXPECT_FALSE(decode_order_frame("["));
}

}  // namespace
}  // namespace tandem::wire
