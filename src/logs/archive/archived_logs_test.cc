#include "logs/archive/archived_logs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/id.h"
#include "blobs/dir_blob_store.h"
#include "logs/memory/memory_log_store.h"

namespace tandem::logs {
namespace {

class ArchivedLogsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/tandem_archive_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    blobs_ = blobs::open_dir_blob_store(folder_).value();
    logs_ = std::make_unique<ArchivedLogs>(live_, *blobs_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void append(std::uint32_t attempt, std::uint64_t first, const std::vector<std::string>& data) {
    LogAppend append{.task_id = task_, .attempt = attempt, .records = {}};
    for (std::size_t i = 0; i < data.size(); ++i)
      append.records.push_back({.attempt = attempt,
                                .seq = first + i,
                                .ts = {1'700'000'000'000 + static_cast<std::int64_t>(i)},
                                .stream = static_cast<LogStream>((first + i) % 3),
                                .data = data[i]});
    ASSERT_TRUE(live_.append({&append, 1}).has_value());
  }
  std::vector<LogRecord> read(LogPosition after = {}, int limit = 100'000,
                              std::size_t max_bytes = 1u << 30) {
    return logs_->read(task_, after, limit, max_bytes).value();
  }
  std::string text(LogPosition after = {}, int limit = 100'000) {
    std::string all;
    for (const LogRecord& record : read(after, limit)) all += record.data;
    return all;
  }
  std::size_t live_records() { return live_.read(task_, {}, 100'000, 1u << 30)->size(); }

  SystemClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  TaskId task_ = ids_.make<TaskId>();
  std::filesystem::path folder_;
  MemoryLogStore live_;
  std::unique_ptr<blobs::BlobStore> blobs_;
  std::unique_ptr<ArchivedLogs> logs_;
};

TEST_F(ArchivedLogsTest, APackedLogReadsAsBefore) {
  using namespace std::string_literals;
  append(1, 1, {"one\n", "", "\0\xFF bytes"s});
  append(2, 1, {"four", "five"});
  const auto before = read();
  ASSERT_TRUE(logs_->archive(task_, {2, 2}).has_value());
  EXPECT_EQ(live_records(), 0u);
  const auto after = read();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].position(), before[i].position());
    EXPECT_EQ(after[i].ts, before[i].ts);
    EXPECT_EQ(after[i].stream, before[i].stream);
    EXPECT_EQ(after[i].data, before[i].data);
  }
  EXPECT_EQ(text({1, 1}), "\0\xFF bytesfourfive"s);
  EXPECT_EQ(text({1, 3}), "fourfive");
  EXPECT_EQ(text({2, 1}), "five");
  EXPECT_EQ(text({2, 2}), "");
  EXPECT_EQ(text({}, 1), "one\n");
  EXPECT_EQ(read({}, 100, 5).size(), 3u);
}

TEST_F(ArchivedLogsTest, ALargeLogIsReadFromEveryPlace) {
  std::vector<std::string> data;
  for (int i = 0; i < 3000; ++i)
    data.push_back("line " + std::to_string(i) + std::string(static_cast<std::size_t>(i), 'x'));
  append(1, 1, data);
  ASSERT_TRUE(logs_->archive(task_, {1, 3000}).has_value());
  const auto packed = blobs_->open(task_, blobs::BlobFolder::log(), "records.zst").value();
  EXPECT_LT(packed->size_bytes(), 500'000u);  // of 4.5 MB
  LogPosition at;
  for (std::size_t seen = 0; seen < data.size();) {
    const auto page = read(at, 700, 300'000);
    ASSERT_FALSE(page.empty());
    for (const LogRecord& record : page) ASSERT_EQ(record.data, data[seen++]);
    at = page.back().position();
  }
}

TEST_F(ArchivedLogsTest, AFileThatAnotherServerReplacedIsOpenedAnew) {
  append(1, 1, {"a", "b"});
  ASSERT_TRUE(logs_->archive(task_, {1, 2}).has_value());
  EXPECT_EQ(text(), "ab");  // holds the file from now on
  const std::string id = to_string(task_);
  const auto old = folder_ / "old";
  std::filesystem::create_hard_link(
      folder_ / "files" / id.substr(id.size() - 2) / id / "log" / "records.zst", old);
  append(2, 1, {"c"});
  ArchivedLogs another(live_, *blobs_);
  ASSERT_TRUE(another.archive(task_, {2, 1}).has_value());
  std::filesystem::resize_file(old, 0);  // what was replaced may be gone at once
  EXPECT_EQ(text(), "abc");
}

TEST_F(ArchivedLogsTest, ALaterAttemptIsReadBehindItAndPackedWithIt) {
  append(1, 1, {"a", "b"});
  ASSERT_TRUE(logs_->archive(task_, {1, 2}).has_value());
  append(2, 1, {"c"});
  EXPECT_EQ(text(), "abc");
  EXPECT_EQ(text({1, 2}), "c");
  EXPECT_EQ(text({}, 3), "abc");
  ASSERT_TRUE(logs_->archive(task_, {2, 1}).has_value());
  EXPECT_EQ(live_records(), 0u);
  EXPECT_EQ(text(), "abc");
  ASSERT_TRUE(logs_->archive(task_, {2, 1}).has_value());  // nothing to do
  EXPECT_EQ(text(), "abc");
}

TEST_F(ArchivedLogsTest, HolesStayAndALostEndIsSaid) {
  append(1, 3, {"c"});
  append(1, 7, {"g"});
  ASSERT_TRUE(logs_->archive(task_, {1, 9}).has_value());
  const auto records = read();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].seq, 3u);
  EXPECT_EQ(records[1].seq, 7u);
  EXPECT_EQ(records[2].position(), (LogPosition{1, 9}));
  EXPECT_EQ(records[2].stream, LogStream::system);
  EXPECT_EQ(records[2].data, "Records missing here: 2 (8 to 9); the log store has lost them.\n");
}

TEST_F(ArchivedLogsTest, AnotherServerSeesWhatThisOnePacked) {
  ArchivedLogs other(live_, *blobs_);
  append(1, 1, {"a"});
  ASSERT_TRUE(logs_->archive(task_, {1, 1}).has_value());
  EXPECT_EQ(text(), "a");
  append(2, 1, {"b"});
  ASSERT_TRUE(other.archive(task_, {2, 1}).has_value());
  EXPECT_EQ(text(), "ab");
  EXPECT_EQ(text({1, 1}), "b");
}

TEST_F(ArchivedLogsTest, ItGoesWithTheFilesOfTheTask) {
  append(1, 1, {"a"});
  ASSERT_TRUE(logs_->archive(task_, {1, 1}).has_value());
  ASSERT_TRUE(blobs_->remove(task_).has_value());
  EXPECT_EQ(text(), "");
}

TEST_F(ArchivedLogsTest, WhatIsNoArchiveIsAnError) {
  for (const std::string bytes : {"", "short", "0123456789012345TandLog1", "\x01TandLog1"}) {
    auto writer = blobs_->create(task_, blobs::BlobFolder::log(), "records.zst").value();
    ASSERT_TRUE(writer->write(bytes).has_value());
    ASSERT_TRUE(writer->finish(std::nullopt).has_value());
    const auto read = logs_->read(task_, {}, 10, 10);
    ASSERT_TRUE(read.has_error());
    EXPECT_EQ(read.error().code, Errc::store_unavailable);
  }
}

TEST_F(ArchivedLogsTest, AFailingStoreLosesNothing) {
  append(1, 1, {"a", "b"});
  live_.fail_with(fail(Errc::store_unavailable, "away"));
  EXPECT_TRUE(logs_->archive(task_, {1, 2}).has_error());  // at the very end
  EXPECT_EQ(text(), "ab");
  live_.fail_with(std::nullopt);
  ASSERT_TRUE(logs_->archive(task_, {1, 2}).has_value());
  EXPECT_EQ(live_records(), 0u);
  EXPECT_EQ(text(), "ab");
}

TEST_F(ArchivedLogsTest, ReadersAndPackersAtOnceSeeAllOfIt) {
  ArchivedLogs other(live_, *blobs_);
  constexpr std::uint32_t kAttempts = 20;
  std::vector<std::thread> readers;
  std::atomic<bool> is_over = false, is_whole = true;
  for (int i = 0; i < 2; ++i)
    readers.emplace_back([&] {
      LogPosition at;
      while (at.attempt < kAttempts) {
        const bool was_over = is_over;
        const auto page = logs_->read(task_, at, 100, 1 << 20);
        if (!page || (was_over && page->empty())) return is_whole.store(false);
        for (const LogRecord& record : *page) {
          if (record.attempt != at.attempt + 1) return is_whole.store(false);
          at = record.position();
        }
      }
    });
  for (std::uint32_t attempt = 1; attempt <= kAttempts; ++attempt) {
    append(attempt, 1, {"x"});
    std::thread also([&] { EXPECT_TRUE(other.archive(task_, {attempt, 1}).has_value()); });
    EXPECT_TRUE(logs_->archive(task_, {attempt, 1}).has_value());
    also.join();
  }
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_TRUE(is_whole);
  EXPECT_EQ(text(), std::string(kAttempts, 'x'));
}

}  // namespace
}  // namespace tandem::logs
