#include "logs/unsent_logs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"

namespace tandem::logs {
namespace {

class UnsentLogsTest : public testing::Test {
 public:
  ~UnsentLogsTest() override { std::filesystem::remove_all(folder_); }

 protected:
  UnsentLogsTest() {
    std::string pattern = testing::TempDir() + "/tandem_unsent_XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  std::string path() const { return folder_ / "unsent-logs.db"; }
  static TaskId task(std::uint8_t number) {
    TaskId id;
    id.bytes[15] = number;
    return id;
  }
  static LogAppend append(TaskId task, std::uint32_t attempt, std::uint64_t first, int count) {
    LogAppend made{.task_id = task, .attempt = attempt};
    for (int i = 0; i < count; ++i)
      made.records.push_back({.attempt = attempt,
                              .seq = first + static_cast<std::uint64_t>(i),
                              .ts = {1},
                              .stream = LogStream::stderr_,
                              .data = std::string("\0\xff\n", 3)});
    return made;
  }
  // What is handed on: for each call "task/attempt first+count".
  static UnsentLogs::Take note_in(std::vector<std::string>& calls) {
    return [&calls](const LogAppend& append) -> Result<void> {
      calls.push_back(
          std::to_string(append.task_id.bytes[15]) + "/" + std::to_string(append.attempt) + " " +
          std::to_string(append.records.front().seq) + "+" + std::to_string(append.records.size()));
      EXPECT_EQ(append.records.back().data, std::string("\0\xff\n", 3));
      return {};
    };
  }

  std::filesystem::path folder_;
};

TEST_F(UnsentLogsTest, ANextRunHandsOnWhatTheLastOneKept) {
  {
    UnsentLogs last(path());
    last.keep(append(task(1), 1, 5, 3000)).value();  // from wherever the log had come to
    last.keep(append(task(1), 2, 1, 2)).value();
    last.keep(append(task(2), 1, 1, 1)).value();
  }
  UnsentLogs next(path());
  std::vector<std::string> calls;
  next.hand_on(note_in(calls)).value();
  EXPECT_EQ(calls, (std::vector<std::string>{"1/1 5+2000", "1/1 2005+1000", "1/2 1+2", "2/1 1+1"}));
  calls.clear();
  next.hand_on(note_in(calls)).value();
  EXPECT_TRUE(calls.empty());
}

TEST_F(UnsentLogsTest, WhatIsNotTakenStays) {
  UnsentLogs unsent(path());
  for (const std::uint8_t number : {1, 2}) unsent.keep(append(task(number), 1, 1, 1)).value();
  int taken = 0;
  const auto first_only = [&](const LogAppend&) {
    return ++taken == 1 ? Result<void>() : Result<void>(fail(Errc::store_unavailable, "away"));
  };
  EXPECT_EQ(unsent.hand_on(first_only).error().code, Errc::store_unavailable);
  std::vector<std::string> calls;
  unsent.hand_on(note_in(calls)).value();
  EXPECT_EQ(calls, std::vector<std::string>{"2/1 1+1"});
}

TEST_F(UnsentLogsTest, NoFileIsMadeWhereNothingIsKept) {
  UnsentLogs unsent(path());
  std::vector<std::string> calls;
  unsent.hand_on(note_in(calls)).value();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(UnsentLogsTest, AFolderThatIsNotThereIsAnError) {
  UnsentLogs unsent(folder_ / "nowhere" / "unsent-logs.db");
  EXPECT_EQ(unsent.keep(append(task(1), 1, 1, 1)).error().code, Errc::store_unavailable);
}

}  // namespace
}  // namespace tandem::logs
