#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "exec/exec_fixture.h"

namespace tandem::exec {
namespace {

class ProcessTest : public ExecTest {};
std::filesystem::path scratch_file() {
  return std::filesystem::temp_directory_path() / ("tandem-exec-" + std::to_string(getpid()));
}
INSTANTIATE_TEST_SUITE_P(Cgroup, ProcessTest, testing::Values(true));
INSTANTIATE_TEST_SUITE_P(Lineage, ProcessTest, testing::Values(false));

TEST_P(ProcessTest, TellsExitCodesAndSignalsApart) {
  EXPECT_EQ(script("exit 0").truth.exit_code, 0);
  EXPECT_EQ(script("exit 7").truth.exit_code, 7);
  EXPECT_EQ(script("exit 137").truth.exit_code, 137);
  for (const int number : {SIGKILL, SIGSEGV, SIGTERM}) {
    const Ran ran = script("kill -" + std::to_string(number) + " $$");
    EXPECT_FALSE(ran.truth.exit_code);
    EXPECT_EQ(ran.truth.signal, number);
    EXPECT_FALSE(ran.truth.out_of_memory);
    EXPECT_FALSE(ran.truth.lost);
  }
}

TEST_P(ProcessTest, TheEnvironmentIsExactlyTheGivenOne) {
  ::setenv("TANDEM_TEST_SECRET", "leak", 1);
  ProcessSpec spec;
  spec.argv = {"/usr/bin/env"};
  spec.cwd = "/";
  spec.env = {{"A", "1"}, {"EMPTY", ""}, {"LINES", "x\ny"}};
  EXPECT_EQ(job(std::move(spec)).out, "A=1\nEMPTY=\nLINES=x\ny\n");
}

TEST_P(ProcessTest, OnlyTheStandardDescriptorsAreOpen) {
  ProcessSpec spec;
  spec.argv = {"/bin/ls", "/proc/self/fd"};  // 3 is the directory that ls reads
  spec.cwd = "/";
  EXPECT_EQ(job(std::move(spec)).out, "0\n1\n2\n3\n");
  ProcessSpec control;
  control.argv = {"/bin/ls", "/proc/self/fd"};
  control.cwd = "/";
  control.control = true;
  EXPECT_EQ(job(std::move(control)).out, "0\n1\n2\n3\n4\n");
}

TEST_P(ProcessTest, MemoryIsTakenFromTheJobBeforeItsParents) {
  const Ran ran = script(
      "cat /proc/self/oom_score_adj; until read -r score < /proc/$PPID/oom_score_adj &&"
      "[ $score != 500 ]; do :; done; echo $score");
  std::ifstream own("/proc/self/oom_score_adj");
  std::string score;
  own >> score;
  EXPECT_EQ(ran.out, "500\n" + score + "\n");
}

TEST_P(ProcessTest, RunsInItsDirectoryAndASessionOfItsOwn) {
  ProcessSpec spec = shell(
      "pwd; umask; grep -E 'SigBlk|SigIgn|NoNewPrivs' /proc/self/status;"
      "read -r _ _ _ _ _ sid _ < /proc/self/stat; test $sid = $$ && echo own");
  spec.cwd = "/usr/bin";
  const Ran ran = job(std::move(spec));
  EXPECT_EQ(ran.out.substr(0, 14), "/usr/bin\n0022\n");
  EXPECT_NE(ran.out.find("SigBlk:\t0000000000000000"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("SigIgn:\t0000000000000000"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("NoNewPrivs:\t1"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("own\n"), std::string::npos) << ran.out;
}

TEST_P(ProcessTest, ArgumentsAreExact) {
  ProcessSpec spec;
  spec.argv = {"/usr/bin/printf", "%s|", "a b", "", "$HOME", "*", "x\ny"};
  spec.cwd = "/";
  EXPECT_EQ(job(std::move(spec)).out, "a b||$HOME|*|x\ny|");
}

TEST_P(ProcessTest, ALaunchThatFailsSaysWhy) {
  const auto file = scratch_file();
  std::ofstream(file) << "no program";
  const auto launch = [this](std::string program, std::string cwd = "/") {
    ProcessSpec spec;
    spec.argv = {std::move(program)};
    spec.cwd = std::move(cwd);
    const Ran ran = job(std::move(spec));
    EXPECT_FALSE(ran.launched);
    EXPECT_EQ(ran.error.code, Errc::validation_failed);
    return ran.error.detail;
  };
  EXPECT_NE(launch("/nowhere/at/all").find("no such program"), std::string::npos);
  EXPECT_NE(launch(file).find("permission denied"), std::string::npos);
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  EXPECT_NE(launch(file).find("not a program"), std::string::npos);
  EXPECT_NE(launch("/bin/true", "/nowhere").find("working directory"), std::string::npos);
  EXPECT_NE(launch("true").find("absolute path"), std::string::npos);
  std::filesystem::remove(file);
  EXPECT_EQ(script("exit 3").truth.exit_code, 3);  // and the shepherd goes on
}

TEST_P(ProcessTest, StdinComesFromBytesAPipeOrNowhere) {
  EXPECT_EQ(script("cat | wc -c").out, "0\n");
  ProcessSpec bytes = shell("cat");
  bytes.stdin_data = std::string(1'000'000, 'x') + std::string(3, '\0');
  const std::string given = *bytes.stdin_data;
  EXPECT_EQ(job(std::move(bytes)).out, given);
  ProcessSpec piped = shell("read a; echo got $a; read b || echo end");
  piped.stdin_pipe = true;
  auto body = [](Launcher& with, ProcessSpec spec) -> io::Awaitable<std::string> {
    auto process = co_await with.launch(std::move(spec));
    const Result<void> written = co_await (*process)->write_stdin("hello\n");
    EXPECT_TRUE(written);
    std::string out;
    out.resize(100);
    const auto first = co_await (*process)->read_stdout(out);
    out.resize(*first);
    (*process)->close_stdin();
    co_await collect(**process, Output::out, out);
    co_await (*process)->wait();
    const Result<void> late = co_await (*process)->write_stdin("x");
    EXPECT_EQ(late.error().code, Errc::not_waiting);
    co_return out;
  };
  EXPECT_EQ(run(body(*launcher, std::move(piped))), "got hello\nend\n");
}

TEST_P(ProcessTest, TheControlPipeIsDescriptorThree) {
  ProcessSpec spec = shell("echo '{\"type\":\"progress\"}' >&3; echo out; echo err >&2");
  spec.control = true;
  const Ran ran = job(std::move(spec));
  EXPECT_EQ(ran.control, "{\"type\":\"progress\"}\n");
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.err, "err\n");
}

TEST_P(ProcessTest, AGivenInputIsDescriptorFour) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  UniqueFd writer(ends[1]);
  ProcessSpec spec = shell("cat <&4");
  spec.input_fd.reset(ends[0]);
  EXPECT_EQ(::write(writer.get(), "piece\n", 6), 6);
  writer.reset();
  EXPECT_EQ(job(std::move(spec)).out, "piece\n");
}

TEST_P(ProcessTest, BigOutputsComeWhole) {
  const Ran ran =
      script("head -c 20000000 /dev/zero | tr '\\0' 'a'; head -c 3000000 /dev/zero >&2");
  EXPECT_EQ(ran.out, std::string(20'000'000, 'a'));
  EXPECT_EQ(ran.err, std::string(3'000'000, '\0'));
}

TEST_P(ProcessTest, ALargeEnvironmentArrives) {
  ProcessSpec spec = shell("for i in {0..39}; do n=BIG$i; printf '%s' \"${!n}\"; done | wc -c");
  for (int i = 0; i < 40; ++i) spec.env["BIG" + std::to_string(i)] = std::string(30'000, 'v');
  EXPECT_EQ(job(std::move(spec)).out, "1200000\n");
}

TEST_P(ProcessTest, ATerminalIsATerminal) {
  ProcessSpec spec = shell(
      "tty -s && stty size; read line; echo \"got $line\"; stty size;"
      "read line || echo end; trap 'echo int; exit 5' INT; echo ready;"
      "while :; do sleep 0.01; done");
  spec.pty = true;
  spec.cols = 91;
  spec.rows = 33;
  auto body = [](Launcher& with, ProcessSpec given) -> io::Awaitable<Ran> {
    Ran ran;
    auto process = co_await with.launch(std::move(given));
    const auto until = [](Process& job, std::string& seen,
                          std::string what) -> io::Awaitable<void> {
      std::string buffer(4096, '\0');
      while (seen.find(what) == std::string::npos) {
        const auto got = co_await job.read_stdout(buffer);
        if (!got || *got == 0) co_return;
        seen.append(buffer, 0, *got);
      }
    };
    co_await until(**process, ran.out, "33 91");
    (*process)->resize(70, 20);
    co_await (*process)->write_stdin("hello\r");
    co_await until(**process, ran.out, "20 70");
    (*process)->close_stdin();
    co_await until(**process, ran.out, "ready");
    co_await (*process)->write_stdin("\x03");
    co_await until(**process, ran.out, "never");
    ran.truth = co_await (*process)->wait();
    co_return ran;
  };
  const Ran ran = run(body(*launcher, std::move(spec)));
  EXPECT_NE(ran.out.find("got hello\r\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("end\r\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("int\r\n"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.truth.exit_code, 5);
}

TEST_P(ProcessTest, ATerminalLosesNoOutputAtTheEnd) {
  ProcessSpec spec = shell("stty raw; head -c 3000000 /dev/zero | tr '\\0' 'b'");
  spec.pty = true;
  const Ran ran = job(std::move(spec));
  EXPECT_EQ(ran.out.size(), 3'000'000u);
}

TEST_P(ProcessTest, LimitsHold) {
  ProcessSpec spec = shell("ulimit -n; ulimit -c; head -c 5000 /dev/zero > \"$F\"; echo $?");
  const auto file = scratch_file();
  spec.env["F"] = file;
  spec.limits.open_files = 40;
  spec.limits.file_bytes = 4096;
  const Ran ran = job(std::move(spec));
  EXPECT_EQ(ran.out, "40\n0\n153\n");  // 128 + SIGXFSZ
  std::filesystem::remove(file);
}

TEST_P(ProcessTest, ProcessesOfTheWholeJobAreBounded) {
  if (!guard->capabilities().process_limit) GTEST_SKIP() << "no pids cgroup";
  const auto made = [this](std::optional<std::uint64_t> limit) {
    ProcessSpec spec;
    spec.argv = {"/usr/bin/python3", "-S", "-c", R"(
import os
made = 0
try:
    while made < 100:
        if os.fork() == 0:
            os.setsid()
            while True: os.read(os.pipe()[0], 1)
        made += 1
except BlockingIOError: pass
print(made)
)"};
    spec.cwd = "/";
    spec.limits.processes = limit;
    const Ran ran = job(std::move(spec));
    return ran.out + ran.err + ran.error.detail;
  };
  EXPECT_EQ(made(20), "19\n");
  EXPECT_EQ(made(std::nullopt), "100\n");  // the same shepherd
  EXPECT_EQ(made(5), "4\n");
}

TEST_P(ProcessTest, RunsAsAnotherUserWithoutOtherGroups) {
  if (!guard->capabilities().other_users) GTEST_SKIP() << "this takes root";
  ProcessSpec spec = shell("id -u; id -g; id -G; cat /etc/shadow 2>&1");
  spec.user = ProcessUser{.uid = 65534, .gid = 65534};
  EXPECT_EQ(job(std::move(spec)).out, "65534\n65534\n65534\ncat: /etc/shadow: Permission denied\n");
  ProcessSpec typed = shell("echo typed > /dev/tty; test -t 0 && id -u");
  typed.user = ProcessUser{.uid = 65534, .gid = 65534};
  typed.pty = true;
  EXPECT_EQ(job(std::move(typed)).out, "typed\r\n65534\r\n");
}

TEST_P(ProcessTest, WithoutNetworkThereIsALoopbackOfItsOwn) {
  if (!guard->capabilities().no_network) GTEST_SKIP() << "this takes root";
  ProcessSpec spec;
  spec.argv = {"/usr/bin/python3", "-S", "-c", R"(
import socket
print([name for _, name in socket.if_nameindex()])
with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    socket.create_connection(listener.getsockname()).close()
)"};
  spec.cwd = "/";
  spec.network = false;
  const Ran ran = job(std::move(spec));
  EXPECT_EQ(ran.out, "['lo']\n");
  EXPECT_EQ(ran.err, "");
}

TEST_P(ProcessTest, ItsAncestorsHaveNoEnvironmentToLookAt) {
  const Ran ran = script(
      "pid=$PPID; cat /proc/$pid/environ | tr -d '\\0' | wc -c;"
      "read _ _ _ guard _ < /proc/$pid/stat;"
      "cat /proc/$guard/environ | tr -d '\\0' | wc -c");
  EXPECT_EQ(ran.out, "0\n0\n") << ran.err;
}

TEST_P(ProcessTest, CpuTimeEndsWithASignalOfItsOwn) {
  ProcessSpec spec = shell("while :; do :; done");
  spec.limits.cpu_s = 1;
  EXPECT_EQ(job(std::move(spec)).truth.signal, SIGXCPU);
}

TEST_P(ProcessTest, OutOfMemoryOfAChildIsTold) {
  if (!guard->capabilities().memory_limit) GTEST_SKIP() << "no memory cgroup";
  const auto ran = [this](const std::string& text) {
    ProcessSpec spec = shell(text);
    spec.limits.memory_bytes = 64'000'000;
    return job(std::move(spec)).truth;
  };
  const std::string hungry = "/usr/bin/python3 -Sc 'b = bytearray(b\"x\") * 400_000_000'; ";
  const ExitTruth passed_on = ran(hungry + "exit $?");
  EXPECT_FALSE(passed_on.lost);
  EXPECT_TRUE(passed_on.out_of_memory);
  EXPECT_FALSE(ran("exit 0").out_of_memory);
  EXPECT_FALSE(ran("kill -9 $$").out_of_memory);  // killed, but not for want of memory
}

TEST_P(ProcessTest, OutOfMemoryIsTold) {
  if (!guard->capabilities().memory_limit) GTEST_SKIP() << "no memory cgroup";
  ProcessSpec spec;
  spec.argv = {"/usr/bin/python3", "-c", "b = bytearray(400_000_000); print(len(b))"};
  spec.cwd = "/";
  spec.limits.memory_bytes = 64'000'000;
  const Ran ran = job(std::move(spec));
  EXPECT_EQ(ran.truth.signal, SIGKILL) << ran.truth.exit_code.value_or(-1) << ran.out << ran.err;
  EXPECT_TRUE(ran.truth.out_of_memory);
  EXPECT_FALSE(script("kill -9 $$").truth.out_of_memory);  // the same shepherd, no limit
}

TEST_P(ProcessTest, ManyJobsLeakNoDescriptorAndNoShepherd) {
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  EXPECT_EQ(script("exit 0").truth.exit_code, 0);
  const auto before = open_files();
  for (int i = 0; i < 200; ++i) {
    ProcessSpec spec;
    spec.argv = {i % 10 == 9 ? "/nowhere" : "/bin/true"};
    spec.cwd = "/";
    spec.control = i % 2 == 0;
    spec.pty = i % 7 == 0;
    EXPECT_EQ(job(std::move(spec)).launched, i % 10 != 9);
  }
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(launcher->idle_shepherds(), 1u);
}

io::Awaitable<void> end_before(Launcher& launcher, Process*& other, bool& has_ended) {
  auto work = run_job(launcher, shell("exit 0"));
  co_await std::move(work);
  has_ended = true;
  if (other != nullptr) other->terminate(0);
}

// Takes a shepherd between its coming and the one who has asked for it.
io::Awaitable<void> take_the_next_shepherd(Launcher& launcher, Process*& mine,
                                           const bool& other_has_ended) {
  while (launcher.idle_shepherds() == 0) co_await io::asio::post(io::use_awaitable);
  auto work = launcher.launch(shell("exec sleep 5"));
  const auto process = co_await std::move(work);
  mine = process->get();
  if (other_has_ended) mine->terminate(0);
  co_await (*process)->wait();
  mine = nullptr;
}

TEST_P(ProcessTest, WhoseShepherdWasTakenByAnotherIsGivenOneToo) {
  Process* other = nullptr;
  bool has_ended = false;
  auto first = io::asio::co_spawn(loop.executor(), end_before(*launcher, other, has_ended),
                                  io::asio::use_future);
  run(take_the_next_shepherd(*launcher, other, has_ended));
  const bool ended_first = has_ended;
  first.get();
  EXPECT_TRUE(ended_first) << "it has waited for the other job's end";
}

}  // namespace
}  // namespace tandem::exec
