#include "wire/task_frames.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace tandem::wire {
namespace {

const TaskId kTask = *TaskId::parse("01890a5d-ac96-774b-bcce-b302099a8057");

TEST(ClientFrames, ComeBack) {
  const ClientFrame frames[] = {InputFrame{"ls\n", "r1"}, EofFrame{}, ResizeFrame{120, 40},
                                CancelFrame{}, PingFrame{}};
  for (const ClientFrame& frame : frames) {
    const auto back = decode_client_frame(encode_client_frame(frame), kTask);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->index(), frame.index());
  }
  const auto input = decode_client_frame(encode_client_frame(frames[0]), kTask);
  EXPECT_EQ(std::get<InputFrame>(*input).data, "ls\n");
  EXPECT_EQ(std::get<InputFrame>(*input).request_id, "r1");
}

TEST(ClientFrames, RefuseUnknownTypesMembersAndOtherTasks) {
  const std::string big(limits::kMaxInputBytes + 1, 'x');
  for (const std::string& text :
       {std::string(R"({"type":"exec"})"), std::string(R"({})"), std::string(R"({"type":7})"),
        std::string(R"({"type":"input"})"), std::string(R"({"type":"input","data":1})"),
        std::string(R"({"type":"eof","x":1})"),
        std::string(R"({"type":"resize","cols":0,"rows":1})"),
        std::string(R"({"type":"resize","cols":80})"), R"({"type":"input","data":")" + big + "\"}",
        std::string(R"({"type":"ping","task_id":"01890a5d-ac96-774b-bcce-b302099a8058"})")}) {
    const auto frame = decode_client_frame(text, kTask);
    ASSERT_FALSE(frame) << text.substr(0, 80);
    EXPECT_EQ(frame.error().error.code, Errc::validation_failed);
  }
  EXPECT_TRUE(decode_client_frame(
      R"({"type":"ping","task_id":"01890a5d-ac96-774b-bcce-b302099a8057"})", kTask));
  EXPECT_EQ(decode_client_frame("{", kTask).error().error.code, Errc::bad_json);
}

TEST(InputBody, NeedsDataUnlessItEndsTheInput) {
  EXPECT_EQ(decode_input_body(R"({"data":"x","request_id":"r"})")->data, "x");
  EXPECT_TRUE(decode_input_body(R"({"eof":true})")->eof);
  EXPECT_FALSE(decode_input_body(R"({})"));
}

TEST(ServerFrames, ComeBack) {
  Task task;
  task.task_id = kTask;
  task.spec.payload = R"({"job_type":"x"})";
  std::string text;
  encode_status_frame(task, text);
  EXPECT_EQ(decode_server_frame(text)->task->task_id, kTask);

  const LogLine line{3, WallTime{5}, 2, "stdout", "a\xff"};
  text.clear();
  encode_log_frame({&line, 1}, text);
  const auto log = decode_server_frame(text);
  ASSERT_EQ(log->records.size(), 1u);
  EXPECT_EQ(log->records[0].data, "a\xff");

  text.clear();
  encode_input_request_frame({"r1", "Name?", true, {}}, text);
  EXPECT_EQ(decode_server_frame(text)->input_request.prompt, "Name?");
  text.clear();
  encode_progress_frame({12.5, "m"}, text);
  EXPECT_EQ(decode_server_frame(text)->progress, (Progress{12.5, "m"}));
  text.clear();
  encode_end_frame(TaskStatus::completed, text);
  EXPECT_EQ(text, R"({"type":"end","status":"completed"})");
  text.clear();
  encode_error_frame(fail(Errc::not_waiting, "no"), text);
  EXPECT_EQ(decode_server_frame(text)->code, "not_waiting");
  text.clear();
  encode_gap_frame("1-3", "1-9", text);
  EXPECT_EQ(decode_server_frame(text)->to, "1-9");
}

}  // namespace
}  // namespace tandem::wire
