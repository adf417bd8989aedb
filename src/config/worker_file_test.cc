#include "config/worker_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tandem::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> violations(const std::string& text, const Environment& environment = {}) {
  const auto file = parse_worker_file(text, "worker.toml", environment);
  return file ? std::vector<std::string>{} : file.error().sentences;
}

TEST(WorkerFile, AnEmptyOneSetsNothing) {
  const auto file = parse_worker_file("", "worker.toml", {});
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->handlers.empty());
  EXPECT_FALSE(file->defaults.timeout_ms);
  EXPECT_TRUE(file->defaults.network);
  EXPECT_TRUE(read_worker_file("", {}));
}

TEST(WorkerFile, AnEntryIsReadWhole) {
  const auto file = parse_worker_file(R"(
[handlers.image-processing]
command = ["/bin/sh", "-c", "echo \"$0\""]
timeout_s = 1.5
env = { PATH = "/opt/bin:/bin", MODE = "fast" }
secrets = { API_KEY = { env = "IMAGE_KEY" } }

[handlers.image-processing.limits]
memory_bytes = 100_000_000
processes = 10
cpu_s = 60
open_files = 64
file_bytes = 1_000
log_bytes = 2_000
output_bytes = 0

[handlers.image-processing.isolation]
network = false
)",
                                      "worker.toml", {{"IMAGE_KEY", "s3cret"}});
  ASSERT_TRUE(file) << file.error().sentences[0];
  const HandlerEntry& entry = file->handlers.at("image-processing");
  EXPECT_THAT(entry.command, ElementsAre("/bin/sh", "-c", "echo \"$0\""));
  EXPECT_EQ(entry.rules.timeout_ms, 1500);
  EXPECT_EQ(entry.rules.env.at("PATH"), "/opt/bin:/bin");
  EXPECT_EQ(entry.rules.secrets.at("API_KEY"), "s3cret");
  EXPECT_EQ(entry.rules.limits.memory_bytes, 100'000'000u);
  EXPECT_EQ(entry.rules.limits.processes, 10u);
  EXPECT_EQ(entry.rules.limits.cpu_s, 60u);
  EXPECT_EQ(entry.rules.limits.open_files, 64u);
  EXPECT_EQ(entry.rules.limits.file_bytes, 1000u);
  EXPECT_EQ(entry.rules.limits.log_bytes, 2000u);
  EXPECT_EQ(entry.rules.limits.output_bytes, 0u);
  EXPECT_FALSE(entry.rules.network);
  EXPECT_THAT(file->secret_variables, ElementsAre("IMAGE_KEY"));
}

TEST(WorkerFile, DefaultsHoldWhereAnEntrySaysNothing) {
  const auto file = parse_worker_file(R"(
[handlers.one]
limits = { processes = 5 }
[defaults]
timeout_s = 60
env = { A = "1" }
limits = { processes = 50, memory_bytes = 50_000_000 }
)",
                                      "worker.toml", {});
  ASSERT_TRUE(file) << file.error().sentences[0];
  EXPECT_EQ(file->defaults.limits.processes, 50u);
  const HandlerEntry& one = file->handlers.at("one");
  EXPECT_TRUE(one.command.empty());
  EXPECT_EQ(one.rules.timeout_ms, 60'000);
  EXPECT_EQ(one.rules.env.at("A"), "1");
  EXPECT_EQ(one.rules.limits.processes, 5u);
  EXPECT_EQ(one.rules.limits.memory_bytes, 50'000'000u);
}

TEST(WorkerFile, AllViolationsAreToldAtOnceWithTheirLines) {
  const auto all = violations(R"(colour = "red"
[defaults]
timeout_s = "soon"
[handlers.a]
command = "echo"
argv = ["echo"]
limits = { memory_bytes = 100, processes = -1, memori = 5, cpu_s = 1.5 }
isolation = { user = "nobody-of-this-name", network = "off" }
[handlers.b]
command = ["/no/such/program"]
env = { TANDEM_TASK_ID = "x", "A B" = "x", C = 7 }
secrets = { K = { env = "NOT_SET" }, L = { file = "/no/file" }, M = "plain", N = { env = "TINY" } }
[handlers.c]
command = []
timeout_s = 0
secrets = { O = { env = "DULL" } }
)",
                              {{"TINY", "abc"}, {"DULL", "zzzzzzzz"}});
  const auto expect = [&](const std::string& line, const std::string& part) {
    EXPECT_THAT(all, testing::Contains(testing::AllOf(StartsWith("worker.toml:" + line + ": "),
                                                      HasSubstr(part), testing::EndsWith("."))));
  };
  expect("1", "The file has no key \"colour\"");
  expect("3", "defaults.timeout_s must be a number of seconds");
  expect("5", "handlers.a.command must be a list of texts");
  expect("6", "handlers.a has no key \"argv\"; there are: command, timeout_s");
  expect("7", "handlers.a.limits.memory_bytes must be a whole number from 4194304 to ");
  expect("7", "handlers.a.limits.processes must be a whole number from 1 to ");
  expect("7", "handlers.a.limits has no key \"memori\"");
  expect("7", "handlers.a.limits.cpu_s must be a whole number");
  expect("8", "handlers.a.isolation.user must be the name of a user");
  expect("8", "handlers.a.isolation.network must be true or false");
  expect("10", "/no/such/program is not an executable file");
  expect("11", "\"TANDEM_TASK_ID\" can't be the name of a variable");
  expect("11", "\"A B\" can't be the name of a variable");
  expect("11", "handlers.b.env.C must be a text");
  expect("12", "handlers.b.secrets.K: the variable NOT_SET is not set");
  expect("12", "handlers.b.secrets.L: the file /no/file can't be read");
  expect("12", "handlers.b.secrets.M must be { env = ");
  expect("12", "handlers.b.secrets.N: what the variable TINY holds must have 4 to 32768 bytes");
  expect("14", "handlers.c.command must be a list");
  expect("15", "handlers.c.timeout_s must be");
  expect("16", "handlers.c.secrets.O: what the variable DULL holds is one character again and");
  EXPECT_EQ(all.size(), 21u);
  for (const std::string& sentence : all)
    EXPECT_FALSE(sentence.find("abc") != std::string::npos ||
                 sentence.find("zz") != std::string::npos)
        << "a secret is told";
}

TEST(WorkerFile, WhatIsNoTomlNamesTheLine) {
  EXPECT_THAT(violations("[defaults]\ntimeout_s = \n"),
              ElementsAre(testing::AllOf(StartsWith("worker.toml:2: "), HasSubstr("not TOML"))));
  const auto missing = read_worker_file("/no/such/worker.toml", {});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().sentences,
              ElementsAre(testing::AllOf(HasSubstr("TANDEM_WORKER_CONFIG"),
                                         HasSubstr("/no/such/worker.toml"))));
}

TEST(WorkerFile, PathsAreRelativeToTheFile) {
  char name[] = "/tmp/tandem-worker-file-XXXXXX";
  const std::filesystem::path root = ::mkdtemp(name);
  std::filesystem::create_directory(root / "bin");
  std::ofstream(root / "bin/job") << "#!/bin/sh\n";
  std::filesystem::permissions(root / "bin/job", std::filesystem::perms::owner_all);
  std::ofstream(root / "key") << "two\nlines\n";
  std::ofstream(root / "worker.toml") << "[handlers.a]\ncommand = [\"./bin/job\", \"x\"]\n"
                                         "secrets = { KEY = { file = \"key\" } }\n";
  const auto file = read_worker_file(root / "worker.toml", {});
  std::filesystem::remove_all(root);
  ASSERT_TRUE(file) << file.error().sentences[0];
  EXPECT_THAT(file->handlers.at("a").command, ElementsAre((root / "bin/job").string(), "x"));
  EXPECT_EQ(file->handlers.at("a").rules.secrets.at("KEY"), "two\nlines");
}

TEST(WorkerFile, TheExampleIsRight) {
  const auto file = read_worker_file(TANDEM_SOURCE_DIR "/docs/using/worker.toml",
                                     {{"IMAGE_API_KEY", "an example key"}});
  ASSERT_TRUE(file) << file.error().sentences[0];
  const HandlerEntry& image = file->handlers.at("image-processing");
  EXPECT_EQ(image.command[0], "/bin/sh");
  EXPECT_EQ(image.rules.timeout_ms, 600'000);
  EXPECT_EQ(image.rules.limits.processes, 256u);  // of the defaults
  EXPECT_EQ(image.rules.limits.memory_bytes, 500'000'000u);
  EXPECT_EQ(image.rules.secrets.at("API_KEY"), "an example key");
  EXPECT_TRUE(file->handlers.at("text-stats").command.empty());
}

TEST(WorkerFile, SecretsLeaveTheEnvironment) {
  ::setenv("TANDEM_JWT_SECRET", "0123456789abcdef0123456789abcdef", 1);
  ::setenv("OUR_TEST_SECRET", "s3cret", 1);
  ::setenv("OUR_TEST_PLAIN", "plain", 1);
  const std::vector<std::string> named = {"OUR_TEST_SECRET"};
  wipe_secrets(named);
  EXPECT_STREQ(::getenv("TANDEM_JWT_SECRET"), "");
  EXPECT_STREQ(::getenv("OUR_TEST_SECRET"), "");
  EXPECT_STREQ(::getenv("OUR_TEST_PLAIN"), "plain");
  ::unsetenv("TANDEM_JWT_SECRET");
}

}  // namespace
}  // namespace tandem::config
