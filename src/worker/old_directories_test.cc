#include "worker/old_directories.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace tandem::worker {
namespace {

namespace fs = std::filesystem;

constexpr char kTask[] = "01890000-0000-7000-8000-000000000001";
constexpr std::int64_t kKeepMs = 3600'000;

struct TestClock final : Clock {
  WallTime wall() const override { return {now_ms}; }
  MonoTime mono() const override { return {now_ms}; }
  std::int64_t now_ms = SystemClock().wall().ms;
};

class OldDirectoriesTest : public testing::Test {
 protected:
  OldDirectoriesTest() {
    std::string pattern = testing::TempDir() + "/tandem_work_XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~OldDirectoriesTest() override { fs::remove_all(folder_); }

  void make(const std::string& name) {
    fs::create_directories(folder_ / name / "work");
    std::ofstream(folder_ / name / "work" / "file") << "x";
  }
  bool is_there(const std::string& name) { return fs::exists(folder_ / name); }

  fs::path folder_;
  TestClock clock_;
  Result<bool> runs_ = false;
  OldDirectories job_{folder_.string(), kKeepMs, clock_,
                      [this](TaskId, std::uint32_t attempt) -> Result<bool> {
                        if (!runs_) return runs_;
                        return *runs_ && attempt == 2;
                      }};
};

TEST_F(OldDirectoriesTest, WhatNobodyRunsGoesAfterItsTime) {
  const std::string dead = std::string(kTask) + "-1", running = std::string(kTask) + "-2";
  make(dead);
  make(running);
  runs_ = true;
  job_.run().value();
  EXPECT_TRUE(is_there(dead)) << "too young";
  clock_.now_ms += kKeepMs + 2000;
  EXPECT_FALSE(job_.run().value());
  EXPECT_FALSE(is_there(dead));
  EXPECT_TRUE(is_there(running));
}

TEST_F(OldDirectoriesTest, WhatIsNotAJobsIsLeftAlone) {
  for (const char* name :
       {"notes", "01890000-0000-7000-8000-000000000001", "x-1",
        "01890000-0000-7000-8000-000000000001-1x", "01890000-0000-7000-8000-000000000001-"})
    make(name);
  clock_.now_ms += 10 * kKeepMs;
  job_.run().value();
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 5);
}

TEST_F(OldDirectoriesTest, WithoutAnAnswerNothingGoes) {
  make(std::string(kTask) + "-1");
  clock_.now_ms += 10 * kKeepMs;
  runs_ = fail(Errc::store_unavailable, "away");
  EXPECT_FALSE(job_.run());
  EXPECT_TRUE(is_there(std::string(kTask) + "-1"));
}

TEST_F(OldDirectoriesTest, AFolderThatIsNotThereIsFine) {
  fs::remove_all(folder_);
  EXPECT_FALSE(job_.run().value());
}

}  // namespace
}  // namespace tandem::worker
