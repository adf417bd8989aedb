#include "blobs/dir_blob_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "blobs/known_digests.h"

namespace tandem::blobs {
namespace {

namespace fs = std::filesystem;

class DirBlobStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/tandem_blobs_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    reopen();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }
  void reopen() {
    auto opened = open_dir_blob_store(folder_ / "blobs");
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    store_ = std::move(*opened);
  }
  Result<FileInfo> put(std::string_view name, std::string_view content,
                       const BlobFolder& folder = BlobFolder::out(1)) {
    auto writer = store_->create(task_, folder, name);
    if (!writer) return writer.error();
    if (auto written = (*writer)->write(content); !written) return written.error();
    return (*writer)->finish(std::nullopt);
  }
  std::string get(std::string_view name, const BlobFolder& folder = BlobFolder::out(1)) {
    auto file = store_->open(task_, folder, name);
    if (!file) return "error: " + std::string(to_string(file.error().code));
    return read_whole(**file).value();
  }
  std::size_t files_in(const fs::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "blobs" / folder))
      if (!entry.is_directory()) ++count;
    return count;
  }
  fs::path outside(std::string_view content) {
    const fs::path path = folder_ / "made";
    std::ofstream(path) << content;
    return path;
  }
  Result<FileInfo> adopt(const fs::path& path) {
    return store_->adopt(path, task_, BlobFolder::out(1), "taken");
  }

  SystemClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  TaskId task_ = ids_.make<TaskId>();
  fs::path folder_;
  std::unique_ptr<BlobStore> store_;
};

TEST_F(DirBlobStoreTest, AWrongDigestLeavesNothing) {
  ASSERT_TRUE(put("a", "before").has_value());
  auto writer = store_->create(task_, BlobFolder::out(1), "a");
  ASSERT_TRUE((*writer)->write("hello").has_value());
  const auto info = (*writer)->finish(kShaOfNothing);
  ASSERT_TRUE(info.has_error());
  EXPECT_EQ(info.error().code, Errc::validation_failed);
  EXPECT_EQ(info.error().field, "sha256");
  writer->reset();
  EXPECT_EQ(get("a"), "before");
  EXPECT_EQ(files_in("tmp"), 0u);
}

TEST_F(DirBlobStoreTest, AnAbandonedWriterLeavesNothing) {
  {
    auto writer = store_->create(task_, BlobFolder::out(1), "a");
    ASSERT_TRUE((*writer)->write("half").has_value());
    EXPECT_EQ(files_in("tmp"), 1u);
  }
  EXPECT_EQ(files_in("tmp"), 0u);
  EXPECT_EQ(get("a"), "error: not_found");
}

TEST_F(DirBlobStoreTest, LeftoversAreSweptAtTheStart) {
  ASSERT_TRUE(put("a", "kept").has_value());
  store_.reset();
  fs::create_directories(folder_ / "blobs/tmp/9/in");
  std::ofstream(folder_ / "blobs/tmp/9/in/x") << "removal cut short";
  std::ofstream(folder_ / "blobs/tmp/3") << "write cut short";
  reopen();
  EXPECT_TRUE(fs::is_empty(folder_ / "blobs/tmp"));
  EXPECT_EQ(get("a"), "kept");
}

TEST_F(DirBlobStoreTest, AdoptMovesAFile) {
  const fs::path path = outside("hello");
  const auto info = adopt(path);
  ASSERT_TRUE(info.has_value()) << info.error().detail;
  EXPECT_EQ(info->sha256, kShaOfHello);
  EXPECT_EQ(info->size_bytes, 5u);
  EXPECT_EQ(info->name, "taken");
  EXPECT_EQ(get("taken"), "hello");
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(files_in("tmp"), 0u);
}

// Files may not grow any more, as on a full disk.
TEST_F(DirBlobStoreTest, AFullDiskIsSaidAndLeavesNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 10'000, .rlim_max = before.rlim_max};
  auto writer = store_->create(task_, BlobFolder::out(1), "a");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = (*writer)->write(std::string(20'000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().code, Errc::disk_full);
  EXPECT_EQ((*writer)->finish(std::nullopt).error().code, Errc::disk_full);  // a piece is missing
  writer->reset();
  EXPECT_EQ(get("a"), "error: not_found");
  EXPECT_EQ(files_in("tmp"), 0u);
}

TEST_F(DirBlobStoreTest, ManyThreadsWriteAndRemoveAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this, name = std::to_string(i)] {
      for (int round = 0; round < 20; ++round) {
        ASSERT_TRUE(put(name, "content").has_value());
        if (round % 5 == 4) {
          ASSERT_TRUE(store_->remove(task_).has_value());
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(files_in("tmp"), 0u);
}

TEST_F(DirBlobStoreTest, ServersThatShareADirectorySweepOnlyTheirOwnPart) {
  const auto one = open_dir_blob_store(folder_ / "blobs", "one");
  ASSERT_TRUE(one) << one.error().detail;
  auto writer = (*one)->create(task_, BlobFolder::out(1), "shared.txt");
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->write("hello"));
  const auto other = open_dir_blob_store(folder_ / "blobs", "other");  // starts meanwhile
  ASSERT_TRUE(other) << other.error().detail;
  auto same_time = (*other)->create(task_, BlobFolder::out(1), "other.txt");
  ASSERT_TRUE(same_time) << same_time.error().detail;
  ASSERT_TRUE((*writer)->finish(kShaOfHello));
  EXPECT_TRUE((*other)->open(task_, BlobFolder::out(1), "shared.txt"));
  ASSERT_TRUE((*other)->remove(task_));
  EXPECT_FALSE((*one)->open(task_, BlobFolder::out(1), "shared.txt"));
}

}  // namespace
}  // namespace tandem::blobs
