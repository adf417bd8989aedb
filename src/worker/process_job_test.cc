#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/worker/worker_fixture.h"

namespace tandem::worker {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class ProcessJobTest : public WorkerTest {
 protected:
  Task run(TaskSpec what) {
    if (!worker) start();
    return finished(submit(std::move(what)));
  }
  // As shell(), but with double quotes and backslashes.
  static TaskSpec quoted(const std::string& script) {
    std::string escaped;
    for (const char c : script) escaped.append(c == '"' || c == '\\' ? "\\" : "").push_back(c);
    return shell(escaped);
  }
  static std::string code_of(const Task& task) { return task.error ? task.error->code : ""; }
  // Directories that wait for the next job are there, and nothing in them.
  bool is_work_dir_empty() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "work"))
      if (!entry.is_directory() &&
          (entry.path().filename() != "payload.json" || !is_blank(entry.path())))
        return false;
    return true;
  }
  static bool is_blank(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str().find_first_not_of(' ') == std::string::npos;
  }
};

TEST_F(ProcessJobTest, WritesItsLogAndCompletes) {
  const Task task = run(shell("echo one; echo two >&2; printf three"));
  EXPECT_EQ(task.status, TaskStatus::completed);
  EXPECT_EQ(task.exit_code, 0);
  EXPECT_EQ(log_of(task.task_id), "one\nthree");
  EXPECT_EQ(log_of(task.task_id, logs::LogStream::stderr_), "two\n");
  EXPECT_EQ(task.log.bytes, 13u);
  EXPECT_TRUE(is_work_dir_empty());
}

TEST_F(ProcessJobTest, LongOutputIsWholeAndInOrder) {
  const Task task = run(shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"));
  std::string expected;
  for (int i = 0; i < 20000; ++i) expected += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(log_of(task.task_id), expected);
  EXPECT_EQ(task.log.bytes, expected.size());
}

TEST_F(ProcessJobTest, TellsApartHowItEnded) {
  const Task exited = run(shell("exit 3"));
  EXPECT_EQ(exited.status, TaskStatus::failed);
  EXPECT_EQ(code_of(exited), "exit_status");
  EXPECT_EQ(exited.exit_code, 3);
  const Task killed = run(shell("kill -9 $$"));
  EXPECT_EQ(code_of(killed), "signal");
  EXPECT_EQ(killed.signal, 9);
  EXPECT_THAT(killed.error->message, HasSubstr("SIGKILL"));
  TaskSpec slow = shell("sleep 600");
  slow.timeout_ms = 100;
  const Task late = run(slow);
  EXPECT_EQ(code_of(late), "timeout");
  EXPECT_THAT(late.error->message, HasSubstr("0.1 s"));
  EXPECT_TRUE(is_work_dir_empty());
}

TEST_F(ProcessJobTest, CancelEndsWhatIgnoresIt) {
  start();
  const TaskId id = submit(shell("trap '' TERM; echo ready >&3; sleep 600 & wait; sleep 600"));
  wait_for(id, TaskStatus::running);
  cancel(id);
  EXPECT_EQ(finished(id).status, TaskStatus::cancelled);
}

TEST_F(ProcessJobTest, ProgressAndResultComeFromTheControlPipe) {
  std::ofstream(root / "handlers/steps")
      << "#!/bin/sh\n"
         "for p in 10 20 30 100; do\n"
         "  echo '{\"type\":\"progress\",\"percent\":'$p',\"message\":\"m\"}' >&3; done\n"
         "echo '{\"type\":\"result\",\"value\": {\"n\": [1, 2]}}' >&3\n"
         "echo 'nonsense' >&3\n";
  std::filesystem::permissions(root / "handlers/steps", std::filesystem::perms::owner_all);
  const Task task = run(spec("steps"));
  EXPECT_EQ(task.status, TaskStatus::completed);
  EXPECT_EQ(task.result, R"({"n":[1,2]})");
  EXPECT_EQ(task.progress.percent, 100);
  EXPECT_THAT(log_of(task.task_id, logs::LogStream::system), HasSubstr("not understood"));
}

TEST_F(ProcessJobTest, AsksAndIsAnswered) {
  std::ofstream(root / "handlers/ask")
      << "#!/bin/sh\n"
         "printf 'No line end '\n"
         "echo '{\"type\":\"input_request\",\"prompt\":\"Name?\",\"password\":true}' >&3\n"
         "read -r line <&4; echo \"$line\"\n"
         "echo '{\"type\":\"input_request\",\"prompt\":\"More?\"}' >&3\n"
         "read -r line <&4; echo \"$line\"\n";
  std::filesystem::permissions(root / "handlers/ask", std::filesystem::perms::owner_all);
  start();
  const TaskId id = submit(spec("ask"));
  const Task waiting = wait_for(id, TaskStatus::waiting_for_input);
  ASSERT_TRUE(waiting.input_request);
  EXPECT_EQ(waiting.input_request->request_id, "1-1");
  EXPECT_EQ(waiting.input_request->prompt, "Name?");
  EXPECT_TRUE(waiting.input_request->password);
  ASSERT_TRUE(answer(id, "Ada \"L\""));
  wait_for(id, [](const Task& task) {
    return task.input_request && task.input_request->request_id == "1-2";
  });
  ASSERT_TRUE(answer(id, "", true));
  EXPECT_EQ(finished(id).status, TaskStatus::completed);
  EXPECT_EQ(log_of(id),
            "No line end {\"type\":\"input\",\"request_id\":\"1-1\",\"data\":\"Ada \\\"L\\\"\"}\n"
            "{\"type\":\"eof\"}\n");
}

TEST_F(ProcessJobTest, UnansweredQuestionFails) {
  std::ofstream(root / "handlers/ask")
      << "#!/bin/sh\n"
         "echo '{\"type\":\"input_request\",\"prompt\":\"?\"}' >&3; read -r line <&4\n";
  std::filesystem::permissions(root / "handlers/ask", std::filesystem::perms::owner_all);
  TaskSpec what = spec("ask");
  what.input_timeout_ms = 50;
  EXPECT_EQ(code_of(run(what)), "input_timeout");
}

TEST_F(ProcessJobTest, InteractiveJobHasATerminal) {
  start();
  TaskSpec what = shell("test -t 0 && echo terminal; read x; echo got $x");
  what.interactive = true;
  const TaskId id = submit(what);
  wait_for(id, TaskStatus::running);
  ASSERT_TRUE(answer(id, "hello\n"));
  EXPECT_EQ(finished(id).status, TaskStatus::completed);
  EXPECT_THAT(log_of(id), testing::AllOf(HasSubstr("terminal\r\n"), HasSubstr("got hello\r\n")));
}

TEST_F(ProcessJobTest, FilesOfTheOutputDirectoryAreTaken) {
  const Task task =
      run(shell("cd $TANDEM_OUTPUT_DIR; echo abc > a.txt; echo e > c; mkfifo pipe; "
                "mkdir deep; echo d > deep/b; ln -s /etc/passwd link; "
                "echo h > hard1; ln hard1 hard2"));
  ASSERT_EQ(task.status, TaskStatus::completed);
  ASSERT_EQ(task.outputs.size(), 3u);
  EXPECT_EQ(task.outputs[0].name, "a.txt");
  EXPECT_EQ(task.outputs[0].size_bytes, 4u);
  EXPECT_EQ(task.outputs[0].sha256,
            "edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb");
  EXPECT_EQ(task.outputs[1].name, "c");
  EXPECT_EQ(task.outputs[2].name, "deep_b");
  EXPECT_TRUE(blobs->open(task.task_id, blobs::BlobFolder::out(1), "deep_b"));
  EXPECT_THAT(log_of(task.task_id, logs::LogStream::system),
              testing::AllOf(HasSubstr("link was left out: it is a symbolic link"),
                             HasSubstr("hard1 was left out"), HasSubstr("hard2 was left out"),
                             HasSubstr("pipe was left out")));
  EXPECT_TRUE(is_work_dir_empty());
}

TEST_F(ProcessJobTest, AnOutputDirectoryThatIsALinkIsNotFollowed) {
  std::filesystem::create_directory(root / "private");
  std::ofstream(root / "private/key") << "not the job's";
  const Task task = run(shell("rmdir $TANDEM_OUTPUT_DIR; ln -s " + (root / "private").string() +
                              " $TANDEM_OUTPUT_DIR"));
  EXPECT_EQ(code_of(task), "upload_failed");
  EXPECT_TRUE(task.outputs.empty());
  EXPECT_TRUE(std::filesystem::exists(root / "private/key"));
  EXPECT_TRUE(is_work_dir_empty());
}

TEST_F(ProcessJobTest, NoDeviceAndNoNameThatCannotBeIsTaken) {
  const Task task =
      run(quoted("cd $TANDEM_OUTPUT_DIR; echo 1 > good; mknod null c 1 3 2>/dev/null; "
                 "touch $(printf 'bell\\007'); touch $(printf 'bad\\377'); ln -s . loop; true"));
  ASSERT_EQ(task.status, TaskStatus::completed);
  ASSERT_EQ(task.outputs.size(), 1u);
  EXPECT_EQ(task.outputs[0].name, "good");
}

TEST_F(ProcessJobTest, TheLimitsOfItsRulesHold) {
  config::WorkerFile& file = settings.handlers.file;
  file.handlers["shell"].rules.limits.output_bytes = 3;
  file.handlers["shell"].rules.limits.log_bytes = 10;
  file.handlers["shell"].rules.limits.cpu_s = 1;
  file.handlers["shell"].rules.timeout_ms = 60'000;
  const Task big = run(shell("echo 1234 > $TANDEM_OUTPUT_DIR/o; echo 1; echo 234567890"));
  EXPECT_EQ(code_of(big), "upload_failed");
  EXPECT_THAT(big.error->message, HasSubstr("more than 3 bytes"));
  EXPECT_EQ(log_of(big.task_id), "1\n23456789");
  const Task busy = run(shell("while :; do :; done"));
  EXPECT_EQ(busy.signal, SIGXCPU);
  EXPECT_THAT(busy.error->message, HasSubstr("its 1 s of CPU time"));
}

TEST_F(ProcessJobTest, SecretsAreInTheEnvironmentAndNowhereElse) {
  const std::string secret = "k3y of the job";
  settings.handlers.file.handlers["shell"].rules.secrets["KEY"] = secret;
  const Task task =
      run(quoted("printf %.3s \"$KEY\"; printf '%s.' \"${KEY#???}\"; echo $KEY >&2; "
                 "echo '{\"type\":\"progress\",\"message\":\"'$KEY'\"}' >&3; "
                 "echo '{\"type\":\"result\",\"value\":[\"<'$KEY'>\"]}' >&3; "
                 "echo $KEY'{' >&3; echo $KEY > $TANDEM_OUTPUT_DIR/\"$KEY\"; "
                 "mkfifo $TANDEM_OUTPUT_DIR/\"x$KEY\""));
  EXPECT_EQ(log_of(task.task_id), "***.");
  EXPECT_EQ(log_of(task.task_id, logs::LogStream::stderr_), "***\n");
  EXPECT_EQ(task.progress.message, "***");
  EXPECT_EQ(task.result, R"(["<***>"])");
  EXPECT_THAT(log_of(task.task_id, logs::LogStream::system), Not(HasSubstr(secret)));
  EXPECT_THAT(log_of(task.task_id, logs::LogStream::system), HasSubstr("x*** was left out"));
}

TEST_F(ProcessJobTest, ATaskMayNotSetWhatItsRulesSet) {
  settings.handlers.file.defaults.env["MODE"] = "fast";
  TaskSpec what = shell("echo $MODE");
  EXPECT_EQ(log_of(run(what).task_id), "fast\n");
  what.env = {{"MODE", "slow"}};
  EXPECT_EQ(code_of(run(what)), "rejected");
}

TEST_F(ProcessJobTest, TwoOutputsOfOneNameAreRefused) {
  const Task task = run(shell("cd $TANDEM_OUTPUT_DIR; echo 1 > a_b; mkdir a; echo 2 > a/b"));
  EXPECT_EQ(task.status, TaskStatus::failed);
  EXPECT_EQ(code_of(task), "upload_failed");
}

TEST_F(ProcessJobTest, InputFilesAreThere) {
  start();
  const TaskId id = ids.make<TaskId>();
  auto writer = blobs->create(id, blobs::BlobFolder::in(), "in.txt");
  ASSERT_TRUE(writer && (*writer)->write("contents"));
  const auto file = (*writer)->finish(std::nullopt);
  ASSERT_TRUE(file);
  submit(shell("cat $TANDEM_INPUT_DIR/in.txt; echo x >> $TANDEM_INPUT_DIR/in.txt"), {*file}, id);
  finished(id);
  EXPECT_EQ(log_of(id), "contents");
  const auto kept = blobs->open(id, blobs::BlobFolder::in(), "in.txt");
  ASSERT_TRUE(kept);
  EXPECT_EQ((*kept)->size_bytes(), 8u);
}

TEST_F(ProcessJobTest, PayloadIsOnStdinAndInAFile) {
  const Task task = run(shell("cat; cat $TANDEM_PAYLOAD_FILE"));
  EXPECT_EQ(log_of(task.task_id), task.spec.payload + task.spec.payload);
}

TEST_F(ProcessJobTest, EnvironmentIsAnAllowList) {
  ::setenv("WORKER_SECRET", "hidden", 1);
  ::setenv("WORKER_REGION", "north", 1);
  settings.process.env_allow = {"WORKER_REGION"};
  TaskSpec what = shell("env; pwd; ls /proc/self/fd");
  what.env = {{"COLOUR", "green"}};
  const Task task = run(what);
  const std::string log = log_of(task.task_id);
  EXPECT_THAT(log, Not(HasSubstr("hidden")));
  EXPECT_THAT(log, HasSubstr("WORKER_REGION=north\n"));
  EXPECT_THAT(log, HasSubstr("COLOUR=green\n"));
  EXPECT_THAT(log, HasSubstr("TANDEM_TASK_ID=" + to_string(task.task_id) + "\n"));
  EXPECT_THAT(log, HasSubstr("TANDEM_ATTEMPT=1\n"));
  EXPECT_THAT(log, HasSubstr("0\n1\n2\n3\n4\n5\n"));  // 5: the directory that ls reads
  EXPECT_THAT(log, Not(HasSubstr("\n6\n")));
}

TEST_F(ProcessJobTest, DangerousEnvironmentIsRefused) {
  TaskSpec what = shell("true");
  what.env = {{"LD_PRELOAD", "/tmp/x.so"}};
  const Task task = run(what);
  EXPECT_EQ(code_of(task), "rejected");
  EXPECT_THAT(task.error->message, HasSubstr("LD_PRELOAD"));
}

TEST_F(ProcessJobTest, WhatIsCutFromTheLogIsSaid) {
  settings.process.max_log_bytes = 1000;
  const Task task = run(shell("i=0; while [ $i -lt 5000 ]; do echo 123456789; i=$((i+1)); done"));
  EXPECT_EQ(task.status, TaskStatus::completed);
  const std::string kept = log_of(task.task_id);
  EXPECT_LE(kept.size(), 1000u);
  EXPECT_THAT(log_of(task.task_id, logs::LogStream::system),
              testing::AllOf(HasSubstr("reached its limit of 1000 bytes"),
                             HasSubstr(std::to_string(50'000 - kept.size()) + " bytes were cut")));
}

TEST_F(ProcessJobTest, EndIsSeenOnlyWhenTheLogIsDurable) {
  start();
  log_store.fail_with(fail(Errc::disk_full));
  const TaskId id = submit(shell("echo kept; touch $HOME/../../../ended"));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!std::filesystem::exists(root / "ended") && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(wait_for(id, [](const Task&) { return true; }).status, TaskStatus::running);
  log_store.fail_with(std::nullopt);
  EXPECT_EQ(finished(id).log.records, 1u);
  EXPECT_EQ(log_of(id), "kept\n");
}

TEST_F(ProcessJobTest, MissingProgramIsASentence) {
  const Task task = run(spec("exec", R"("argv":["no-such-program-here"])"));
  EXPECT_EQ(code_of(task), "rejected");
  EXPECT_THAT(task.error->message, HasSubstr("no-such-program-here"));
}

}  // namespace
}  // namespace tandem::worker
