#include "worker/job_directory.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

namespace tandem::worker {
namespace {

namespace fs = std::filesystem;

class NoFiles final : public JobFiles {
 public:
  Result<void> fetch_input(const Task&, const FileInfo&, const std::string& path) override {
    std::ofstream(path) << "input";
    return {};
  }
  Result<FileInfo> take_output(const Task&, const std::string&, const std::string&) override {
    return fail(Errc::internal, "Nothing is taken.");
  }
};

// Of the clock that file systems take their times from.
void until_the_next_tick() {
  timespec before{}, now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &before);
  do ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
}

class JobDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tandem-directories-XXXXXX";
    parent = ::mkdtemp(name);
  }
  void TearDown() override { fs::remove_all(parent); }

  static Task task(const std::string& payload) {
    Task made;
    made.spec.payload = payload;
    made.attempt = 3;
    return made;
  }
  JobDirectory take(JobDirectories& directories, const std::string& payload) {
    auto taken = directories.take(task(payload), files, std::nullopt);
    EXPECT_TRUE(taken);
    return std::move(*taken);
  }
  static std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::ptrdiff_t left() const { return std::distance(fs::directory_iterator(parent), {}); }

  fs::path parent;
  NoFiles files;
};

TEST_F(JobDirectoryTest, OneThatIsLeftAsItWasIsUsedAgainWithoutItsPayload) {
  JobDirectories directories(parent, false);
  JobDirectory first = take(directories, R"({"job_type":"a","secret":"of the first"})");
  EXPECT_EQ(text_of(first.payload()), R"({"job_type":"a","secret":"of the first"})");
  char begin = 0;
  EXPECT_EQ(::read(first.payload_file.get(), &begin, 1), 1);
  EXPECT_EQ(begin, '{');
  directories.give_back(first, true);
  EXPECT_EQ(text_of(first.payload()), std::string(40, ' '));
  const JobDirectory second = take(directories, "{\"b\":1}");
  EXPECT_EQ(second.root, first.root);
  EXPECT_EQ(text_of(second.payload()), "{\"b\":1}");
  const JobDirectory third = take(directories, "{}");
  EXPECT_NE(third.root, second.root);
}

TEST_F(JobDirectoryTest, NothingOfAPayloadIsLeftInTheNext) {
  JobDirectories directories(parent, false);
  for (const std::size_t size : {10'000, 4096, 4097, 2, 39, 3}) {
    const std::string payload = "{" + std::string(size - 2, ' ') + "}";
    JobDirectory taken = take(directories, payload);
    EXPECT_EQ(text_of(taken.payload()), payload);
    std::ofstream(taken.payload(), std::ios::app) << "secret";  // a job may write to it
    taken.payload_file.reset();
    directories.give_back(taken, true);
    EXPECT_EQ(text_of(taken.payload()).find_first_not_of(' '), std::string::npos);
  }
  EXPECT_EQ(left(), 1);
}

TEST_F(JobDirectoryTest, OneThatAJobHasChangedIsNeverUsedAgain) {
  const auto link_to = [](const std::string& target, const std::string& path) {
    fs::remove(path);
    fs::create_symlink(target, path);
  };
  using Directory = const JobDirectory&;
  const std::vector<std::function<void(Directory)>> changes = {
      [](Directory d) { std::ofstream(d.work() + "/file") << "x"; },
      [](Directory d) { std::ofstream(d.temporary() + "/.hidden") << "x"; },
      [](Directory d) { std::ofstream(d.out() + "/file") << "x"; },
      [](Directory d) { std::ofstream(d.root + "/beside") << "x"; },
      [](Directory d) { fs::create_directory(d.in() + "/folder"); },
      [](Directory d) { ::chmod(d.work().c_str(), 0777); },
      [](Directory d) { ::chmod(d.root.c_str(), 0755); },
      [](Directory d) { ::chmod(d.payload().c_str(), 0644); },
      [](Directory d) { fs::remove(d.out()); },
      [](Directory d) { fs::remove(d.payload()); },
      [&](Directory d) { link_to("/tmp", d.out()); },
      [&](Directory d) { link_to("/etc/passwd", d.payload()); },
      [&](Directory d) { fs::create_hard_link(d.payload(), parent / "kept"); },
      [](Directory d) {
        std::ofstream(d.work() + "/file") << "x";
        ::chmod(d.work().c_str(), 0);
      },
  };
  JobDirectories directories(parent, false);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const JobDirectory taken = take(directories, "{}");
    changes[i](taken);
    directories.give_back(taken, true);
    EXPECT_FALSE(fs::exists(taken.root)) << "change " << i;
    EXPECT_TRUE(fs::exists("/etc/passwd"));
  }
  const JobDirectory haunted = take(directories, "{}");
  directories.give_back(haunted, false);  // a process of it lives on
  EXPECT_FALSE(fs::exists(haunted.root));
}

// Its folders are told by their marks by then, not by listing them.
TEST_F(JobDirectoryTest, OneThatWasCleanForLongIsStillSeenToChange) {
  JobDirectories directories(parent, false);
  const auto aged = [&] {
    JobDirectory taken = take(directories, "{}");
    directories.give_back(taken, true);
    taken = take(directories, "{}");
    EXPECT_FALSE(taken.has_no_outputs());
    taken.taken_at.tv_sec += 10;
    until_the_next_tick();
    EXPECT_TRUE(taken.has_no_outputs());
    return taken;
  };
  const JobDirectory untouched = aged();
  directories.give_back(untouched, true);
  EXPECT_TRUE(fs::exists(untouched.root));
  for (const std::string folder : {"/work", "/in", "/out", "/tmp", ""}) {
    const JobDirectory taken = aged();
    std::ofstream(taken.root + folder + "/left") << "x";
    EXPECT_EQ(taken.has_no_outputs(), folder != "/out");
    directories.give_back(taken, true);
    EXPECT_FALSE(fs::exists(taken.root)) << folder;
  }
}

TEST_F(JobDirectoryTest, OneWithInputsIsNotUsedAgain) {
  JobDirectories directories(parent, false);
  Task with_input = task("{}");
  with_input.inputs.push_back({.name = "in.txt"});
  const auto taken = directories.take(with_input, files, std::nullopt);
  ASSERT_TRUE(taken);
  EXPECT_EQ(text_of(taken->in() + "/in.txt"), "input");
  directories.give_back(*taken, true);
  EXPECT_EQ(left(), 0);
}

TEST_F(JobDirectoryTest, WhatKilledWorkersLeftIsSwept) {
  const std::string own = "job-" + std::to_string(::getpid()) + "-77";
  for (const std::string& name : {own, std::string("job-999999999-1"), std::string("job-1-1"),
                                  std::string("other"), std::string("job-x")})
    fs::create_directories(parent / name / "work");
  {
    JobDirectories directories(parent, false);
    directories.give_back(take(directories, "{}"), true);
    EXPECT_FALSE(fs::exists(parent / own));
    EXPECT_FALSE(fs::exists(parent / "job-999999999-1"));
  }
  EXPECT_TRUE(fs::exists(parent / "job-1-1"));  // its worker lives
  EXPECT_TRUE(fs::exists(parent / "other"));
  EXPECT_EQ(left(), 3);
}

TEST_F(JobDirectoryTest, KeptOnesAreNamedByTaskAndAttempt) {
  JobDirectories directories(parent / "new/place", true);
  const JobDirectory taken = take(directories, "{\"a\":1}");
  directories.give_back(taken, true);
  EXPECT_EQ(text_of(taken.payload()), "{\"a\":1}");
  EXPECT_TRUE(taken.root.ends_with("-3")) << taken.root;
}

}  // namespace
}  // namespace tandem::worker
