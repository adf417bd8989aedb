#include "wire/task_json.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "wire/raw_json.h"

namespace tandem::wire {
namespace {

Task full_task() {
  Task task;
  task.task_id = *TaskId::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  task.client_id = *ClientId::parse("01890a5d-ac96-774b-bcce-b302099a8058");
  task.worker_id = *WorkerId::parse("01890a5d-ac96-774b-bcce-b302099a8059");
  task.worker_name = "w \"1\"";
  task.spec.payload = R"({"job_type":"x","n":1.50})";
  task.spec.job_type = "x";
  task.spec.timeout_ms = 1500;
  task.spec.requires_labels = {"gpu", "zone=eu"};
  task.spec.labels = {{"a\"b", "c\\d"}};
  task.status = TaskStatus::failed;
  task.attempt = 2;
  task.created_at = task.updated_at = WallTime{1'700'000'000'001};
  task.assigned_at = task.started_at = task.finished_at = WallTime{1'700'000'000'002};
  task.progress = {40.5, "half"};
  task.input_request = InputRequest{"r1", "Name?", true, WallTime{1'700'000'000'003}};
  task.result = R"({"a":[1]})";
  task.error = TaskError{"exit_status", "it ended with 3"};
  task.exit_code = 3;
  task.signal = 9;
  task.outputs = {{"o.txt", 5, std::string(64, 'a'), "text/plain"}};
  task.log = {7, 99};
  return task;
}

TEST(TaskJson, HasEveryMemberOfTheProtocolInItsOrder) {
  std::string text;
  encode_task(full_task(), text);
  ASSERT_TRUE(check_json(text)) << text;
  std::string names;
  for (const auto& member : raw_members(text)) names += member.first + " ";
  EXPECT_EQ(names,
            "task_id job_type payload status queue priority assignment requires labels attempt "
            "max_attempts run_at timeout_s interactive input_request created_at updated_at "
            "assigned_at started_at finished_at client_id worker_id worker_name cancel_requested "
            "progress result error exit_code signal outputs log ");
  EXPECT_EQ(raw_member(text, "payload"), R"({"job_type":"x","n":1.50})");
  EXPECT_EQ(raw_member(text, "timeout_s"), "1.5");
  EXPECT_EQ(raw_member(text, "created_at"), R"("2023-11-14T22:13:20.001Z")");
}

TEST(TaskJson, ComesBack) {
  const Task task = full_task();
  std::string text;
  encode_task(task, text);
  const auto back = decode_task(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->spec.labels, task.spec.labels);
  EXPECT_EQ(back->spec.requires_labels, task.spec.requires_labels);
  EXPECT_EQ(back->progress, task.progress);
  EXPECT_EQ(back->input_request, task.input_request);
  EXPECT_EQ(back->error, task.error);
  EXPECT_EQ(back->outputs, task.outputs);
  EXPECT_EQ(back->log, task.log);
  EXPECT_EQ(back->result, task.result);
  std::string again;
  encode_task(*back, again);
  EXPECT_EQ(again, text);
}

TEST(TaskJson, AFreshTaskHasNulls) {
  Task task = full_task();
  task.worker_id = WorkerId{};
  task.result.clear();
  task.error.reset();
  std::string text;
  encode_task(task, text);
  for (const char* name : {"worker_id", "result", "error"})
    EXPECT_EQ(raw_member(text, name), "null") << name;
}

TEST(TaskJson, RefusesWhatIsNoTask) {
  for (const char* text : {"", "[]", "{}", R"({"task_id":"x","status":"running"})"})
    EXPECT_FALSE(decode_task(text)) << text;
}

RC_GTEST_PROP(TaskJson, SpecsComeBack,
              (const std::string& word, int priority, bool interactive, std::uint32_t delay)) {
  TaskSpec spec;
  spec.payload = R"({"job_type":"x"})";
  spec.priority = priority % 101;
  spec.interactive = interactive;
  spec.delay_ms = delay % 1'000'000;
  spec.env = {{"A", "v" + std::to_string(delay)}};
  if (!word.empty() && word.find_first_of("=:") == std::string::npos) {
    std::string name;
    for (const char c : word)
      if (c >= 0x20 && c < 0x7f) name.push_back(c);
    if (!name.empty()) spec.labels = {{name.substr(0, 100), "x"}};
  }
  std::string text;
  encode_spec(spec, text);
  const auto back = decode_submit(text);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->priority == spec.priority);
  RC_ASSERT(back->interactive == spec.interactive);
  RC_ASSERT(back->delay_ms == spec.delay_ms);
  RC_ASSERT(back->labels == spec.labels);
  RC_ASSERT(back->env == spec.env);
}

TEST(Statuses, ListEveryStatus) {
  const std::string_view text = statuses_json();
  ASSERT_TRUE(check_json(text)) << text;
  EXPECT_EQ(raw_elements(*raw_member(text, "statuses")).size(), kTaskStatusCount + 1);
  for (const TaskStatus status : kAllStatuses)
    EXPECT_NE(text.find("\"" + std::string(to_string(status)) + "\""), std::string::npos);
}

}  // namespace
}  // namespace tandem::wire
