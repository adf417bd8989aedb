#include "worker/handler_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace tandem::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class HandlerRegistryTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tandem-handlers-XXXXXX";
    root = ::mkdtemp(name);
    fs::create_directory(root / "handlers");
    write("handlers/good", true);
    write("handlers/plain", false);
    write("handlers/.hidden", true);
    write("outside", true);
    fs::create_directory(root / "handlers/folder");
  }
  void TearDown() override { fs::remove_all(root); }

  void write(const std::string& name, bool executable) {
    std::ofstream(root / name) << "#!/bin/sh\n";
    if (executable) fs::permissions(root / name, fs::perms::owner_all);
  }
  HandlerRegistry registry(bool allow_commands) const {
    return HandlerRegistry({.directory = root / "handlers", .allow_commands = allow_commands});
  }
  static Task task(const std::string& job_type, const std::string& payload = "{}") {
    Task made;
    made.spec.job_type = job_type;
    made.spec.payload = payload;
    return made;
  }
  static std::string code(const Handler& handler) {
    const auto* error = std::get_if<TaskError>(&handler);
    return error == nullptr ? "" : error->code;
  }

  fs::path root;
};

TEST_F(HandlerRegistryTest, FindsExecutableFilesAndSeesNewOnes) {
  const HandlerRegistry handlers = registry(false);
  const Handler good = handlers.find(task("good"));
  ASSERT_TRUE(std::holds_alternative<CommandHandler>(good));
  EXPECT_THAT(std::get<CommandHandler>(good).argv, ElementsAre((root / "handlers/good").string()));
  EXPECT_EQ(code(handlers.find(task("later"))), "no_handler");
  write("handlers/later", true);
  EXPECT_TRUE(std::holds_alternative<CommandHandler>(handlers.find(task("later"))));
  EXPECT_THAT(handlers.job_types(), ElementsAre("good", "later"));
}

TEST_F(HandlerRegistryTest, LeavesItsDirectoryForNobody) {
  const HandlerRegistry handlers = registry(true);
  for (const std::string name :
       {"../outside", "folder", ".hidden", "..", ".", "", "folder/../good", "/bin/sh", "plain"})
    EXPECT_EQ(code(handlers.find(task(name))), "no_handler") << name;
  EXPECT_THAT(std::get<TaskError>(handlers.find(task("plain"))).message, HasSubstr("chmod +x"));
}

TEST_F(HandlerRegistryTest, CommandsRunOnlyWhereTheyAreAllowed) {
  const std::string argv = R"({"job_type":"exec","argv":["echo","a b"]})";
  EXPECT_EQ(code(registry(false).find(task("exec", argv))), "rejected");
  EXPECT_EQ(code(registry(false).find(task("shell", R"({"script":"true"})"))), "rejected");
  const HandlerRegistry handlers = registry(true);
  const Handler exec = handlers.find(task("exec", argv));
  ASSERT_TRUE(std::holds_alternative<CommandHandler>(exec));
  EXPECT_THAT(std::get<CommandHandler>(exec).argv, ElementsAre("echo", "a b"));
  const Handler shell = handlers.find(task("shell", R"({"script":"echo hi"})"));
  ASSERT_TRUE(std::holds_alternative<CommandHandler>(shell));
  EXPECT_THAT(std::get<CommandHandler>(shell).argv,
              ElementsAre("/bin/sh", "-c", "echo hi", "shell"));
  for (const char* bad : {R"({})", R"({"argv":[]})", R"({"argv":"ls"})", R"({"argv":["ls",1]})",
                          R"({"argv":["l\u0000s"]})"})
    EXPECT_EQ(code(handlers.find(task("exec", bad))), "rejected") << bad;
  EXPECT_EQ(code(handlers.find(task("shell", R"({"script":7})"))), "rejected");
}

TEST_F(HandlerRegistryTest, TheWorkersFileComesBeforeFilesAndGivesTheRules) {
  config::WorkerFile file;
  file.defaults.timeout_ms = 1;
  file.handlers["good"].command = {"/bin/echo", "a b"};
  file.handlers["good"].rules.timeout_ms = 2;
  file.handlers["other"].command = {"true"};
  file.handlers["later"].rules.timeout_ms = 3;
  file.handlers["shell"].rules.timeout_ms = 4;
  write("handlers/later", true);
  const HandlerRegistry handlers(
      {.directory = root / "handlers", .allow_commands = true, .file = file, .max_processes = 9});
  const auto found = [&](const std::string& name) {
    return std::get<CommandHandler>(handlers.find(task(name, R"({"script":"x","argv":["y"]})")));
  };
  EXPECT_THAT(found("good").argv, ElementsAre("/bin/echo", "a b"));
  EXPECT_EQ(found("good").rules->timeout_ms, 2);
  EXPECT_THAT(found("later").argv, ElementsAre((root / "handlers/later").string()));
  EXPECT_EQ(found("later").rules->timeout_ms, 3);
  EXPECT_EQ(found("shell").rules->timeout_ms, 4);
  EXPECT_EQ(found("exec").rules->timeout_ms, 1);
  EXPECT_EQ(found("exec").rules->limits.processes, 9u);
  EXPECT_THAT(handlers.job_types(), ElementsAre("exec", "good", "later", "other", "shell"));
}

TEST_F(HandlerRegistryTest, FunctionsComeFirst) {
  HandlerRegistry handlers = registry(false);
  EXPECT_EQ(handlers.find_quick("good"), nullptr);
  handlers.add("good", QuickFunction([](const Task&) { return FunctionAnswer{}; }));
  EXPECT_TRUE(std::holds_alternative<QuickFunction>(handlers.find(task("good"))));
  EXPECT_NE(handlers.find_quick("good"), nullptr);
}

}  // namespace
}  // namespace tandem::worker
