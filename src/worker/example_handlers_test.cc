#include "tests/worker/worker_fixture.h"

// The jobs in handlers/, as a user runs them.
namespace tandem::worker {
namespace {

using testing::HasSubstr;

class ExampleHandlersTest : public WorkerTest {
 protected:
  void SetUp() override {
    WorkerTest::SetUp();
    settings.handlers.directory = TANDEM_SOURCE_DIR "/handlers";
    start();
  }
  std::string output(TaskId id, const std::string& name) {
    const auto file = blobs->open(id, blobs::BlobFolder::out(1), name);
    return file ? read_whole(**file).value() : "";
  }
};

TEST_F(ExampleHandlersTest, RenderLeavesAPicture) {
  const TaskId id = submit(spec("render", R"("width":64,"height":48,"scene":"whole")"));
  const Task task = finished(id);
  ASSERT_EQ(task.status, TaskStatus::completed) << log_of(id, logs::LogStream::stderr_);
  EXPECT_EQ(output(id, "mandelbrot.png").substr(1, 3), "PNG");
  EXPECT_THAT(task.result, HasSubstr(R"("width":64)"));
  EXPECT_EQ(task.progress.percent, 100);
  const Task wrong = finished(submit(spec("render", R"("width":"wide")")));
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(log_of(wrong.task_id, logs::LogStream::stderr_), HasSubstr("width must be"));
}

TEST_F(ExampleHandlersTest, TextStatsCountsAnUploadedFile) {
  const TaskId id = ids.make<TaskId>();
  auto writer = blobs->create(id, blobs::BlobFolder::in(), "notes.txt");
  ASSERT_TRUE(writer && (*writer)->write("one two two\nthree\n"));
  const auto file = (*writer)->finish(std::nullopt);
  ASSERT_TRUE(file);
  submit(spec("text-stats"), {*file}, id);
  const Task task = finished(id);
  ASSERT_EQ(task.status, TaskStatus::completed) << log_of(id, logs::LogStream::stderr_);
  EXPECT_THAT(task.result, HasSubstr(R"("lines":2,"words":4)"));
  EXPECT_THAT(output(id, "words.csv"), HasSubstr("two,2"));
  EXPECT_EQ(finished(submit(spec("text-stats"))).exit_code, 2);  // no file
}

TEST_F(ExampleHandlersTest, InterviewAsksThreeTimes) {
  const TaskId id = submit(spec("interview"));
  for (const std::string number : {"1", "2", "3"}) {
    wait_for(id, [&number](const Task& task) {
      return task.input_request && task.input_request->request_id == "1-" + number;
    });
    ASSERT_TRUE(answer(id, "answer " + number));
  }
  const Task task = finished(id);
  ASSERT_EQ(task.status, TaskStatus::completed) << log_of(id, logs::LogStream::stderr_);
  EXPECT_THAT(task.result, HasSubstr("answer 3"));
  EXPECT_THAT(log_of(id), HasSubstr("Nice to meet you, answer 1!"));
  EXPECT_THAT(output(id, "transcript.txt"), HasSubstr("A: answer 2"));
}

}  // namespace
}  // namespace tandem::worker
