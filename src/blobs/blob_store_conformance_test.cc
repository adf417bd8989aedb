#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "blobs/dir_blob_store.h"
#include "blobs/known_digests.h"
#include "blobs/s3/s3_blob_store.h"
#include "blobs/s3/test_s3_server.h"

// What every engine must do, run against each.
namespace tandem::blobs {
namespace {

namespace fs = std::filesystem;

TestS3Server& s3() {
  static TestS3Server server;
  return server;
}

class BlobStoreConformance : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/tandem_blobs_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    if (GetParam() == "s3" && !TestS3Server::is_installed())
      GTEST_SKIP() << "no S3 server here: ./dev setup makes one";
    reopen();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }
  void reopen() {
    auto opened = GetParam() == "s3" ? open_s3() : open_dir_blob_store(folder_ / "blobs");
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    store_ = std::move(*opened);
  }
  Result<std::unique_ptr<BlobStore>> open_s3() {
    S3Address address = s3().address();
    address.prefix = folder_.filename();  // each test has its own
    return open_s3_blob_store(std::move(address), folder_ / "blobs");
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
    const auto content = read_whole(**file);
    return content ? *content : "error: " + std::string(to_string(content.error().code));
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

TEST_P(BlobStoreConformance, KeepsWhatWasWritten) {
  auto writer = store_->create(task_, BlobFolder::in(), "a.txt");
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->write("hel").has_value());
  ASSERT_TRUE((*writer)->write("lo").has_value());
  EXPECT_EQ(get("a.txt", BlobFolder::in()), "error: not_found");  // not before it is whole
  const auto info = (*writer)->finish(kShaOfHello);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(*info, (FileInfo{"a.txt", 5, kShaOfHello, "text/plain; charset=utf-8"}));
  writer->reset();
  EXPECT_EQ(get("a.txt", BlobFolder::in()), "hello");
  EXPECT_EQ(get("a.txt", BlobFolder::out(1)), "error: not_found");
  reopen();
  EXPECT_EQ(get("a.txt", BlobFolder::in()), "hello");
}

TEST_P(BlobStoreConformance, IsWell) { EXPECT_TRUE(store_->check().has_value()); }

TEST_P(BlobStoreConformance, AnEmptyFileIsAFile) {
  EXPECT_EQ(put("empty", "")->sha256, kShaOfNothing);
  EXPECT_EQ(get("empty"), "");
}

TEST_P(BlobStoreConformance, TheLastOneOfANameCounts) {
  ASSERT_TRUE(put("a", "first").has_value());
  ASSERT_TRUE(put("a", "second").has_value());
  EXPECT_EQ(get("a"), "second");
}

TEST_P(BlobStoreConformance, AnAttemptReplacesNothingOfAnother) {
  auto late = store_->create(task_, BlobFolder::out(1), "a").value();
  ASSERT_TRUE(late->write("first").has_value());
  ASSERT_TRUE(put("a", "second", BlobFolder::out(2)).has_value());
  ASSERT_TRUE(late->finish(std::nullopt).has_value());
  EXPECT_EQ(get("a", BlobFolder::out(2)), "second");
}

TEST_P(BlobStoreConformance, OutputsOfEarlierAttemptsAreRemoved) {
  EXPECT_TRUE(store_->remove_outputs_before(task_, 3).has_value());  // there is nothing
  for (const std::uint32_t attempt : {1u, 2u, 3u, 10u})
    ASSERT_TRUE(put("a", "x", BlobFolder::out(attempt)).has_value());
  ASSERT_TRUE(put("a", "x", BlobFolder::in()).has_value());
  ASSERT_TRUE(put("a", "x", BlobFolder::shared_out()).has_value());
  ASSERT_TRUE(store_->remove_outputs_before(task_, 3).has_value());
  EXPECT_EQ(get("a", BlobFolder::out(1)), "error: not_found");
  EXPECT_EQ(get("a", BlobFolder::out(2)), "error: not_found");
  for (const BlobFolder& kept :
       {BlobFolder::out(3), BlobFolder::out(10), BlobFolder::in(), BlobFolder::shared_out()})
    EXPECT_EQ(get("a", kept), "x") << kept.name();
}

TEST_P(BlobStoreConformance, OutputsAreFoundWhereTheyOnceWere) {
  const auto bytes_of = [this](std::string_view name) {
    const auto file = open_output(*store_, task_, 2, name);
    return file ? static_cast<int>((*file)->size_bytes()) : -1;
  };
  ASSERT_TRUE(put("a", "before", BlobFolder::shared_out()).has_value());
  EXPECT_EQ(bytes_of("a"), 6);
  ASSERT_TRUE(put("a", "now", BlobFolder::out(2)).has_value());
  EXPECT_EQ(bytes_of("a"), 3);
  ASSERT_TRUE(put("b", "x", BlobFolder::out(1)).has_value());
  EXPECT_EQ(bytes_of("b"), -1);
}

TEST_P(BlobStoreConformance, AWrongDigestLeavesNothing) {
  ASSERT_TRUE(put("a", "before").has_value());
  auto writer = store_->create(task_, BlobFolder::out(1), "a");
  ASSERT_TRUE((*writer)->write("hello").has_value());
  const auto info = (*writer)->finish(kShaOfNothing);
  ASSERT_TRUE(info.has_error());
  EXPECT_EQ(info.error().code, Errc::validation_failed);
  EXPECT_EQ(info.error().field, "sha256");
  writer->reset();
  EXPECT_EQ(get("a"), "before");
}

TEST_P(BlobStoreConformance, BadNamesAreRefusedEverywhere) {
  const fs::path path = outside("x");
  for (const std::string name : {"", ".", "..", "../x", "/x", "a/b"}) {
    EXPECT_EQ(store_->create(task_, BlobFolder::out(1), name).error().code,
              Errc::validation_failed);
    EXPECT_EQ(store_->open(task_, BlobFolder::out(1), name).error().code, Errc::validation_failed);
    EXPECT_EQ(store_->adopt(path, task_, BlobFolder::out(1), name).error().code,
              Errc::validation_failed);
  }
  EXPECT_TRUE(fs::exists(path));
}

TEST_P(BlobStoreConformance, RemoveTakesTheTasksFilesOnly) {
  ASSERT_TRUE(put("a", "1", BlobFolder::in()).has_value());
  ASSERT_TRUE(put("b", "2").has_value());
  const TaskId removed = task_;
  task_ = ids_.make<TaskId>();
  ASSERT_TRUE(put("c", "3").has_value());
  EXPECT_TRUE(store_->remove(removed).has_value());
  EXPECT_TRUE(store_->remove(removed).has_value());  // fine where there is nothing
  EXPECT_EQ(get("c"), "3");
}

TEST_P(BlobStoreConformance, AnOpenFileIsTheOneThatWasOpened) {
  const std::string large(1'000'000, 'a');
  ASSERT_TRUE(put("small", "hello").has_value());
  ASSERT_TRUE(put("large", large).has_value());
  const BlobFile file = store_->open(task_, BlobFolder::out(1), "large").value();
  const BlobFile small = store_->open(task_, BlobFolder::out(1), "small").value();
  ASSERT_TRUE(put("large", std::string(1'000'000, 'b')).has_value());
  const auto content = read_whole(*file);
  EXPECT_TRUE(!content || *content == large);
  ASSERT_TRUE(store_->remove(task_).has_value());
  EXPECT_EQ(read_whole(*small).value(), "hello");
}

TEST_P(BlobStoreConformance, AdoptMovesAFile) {
  const fs::path path = outside("hello");
  const auto info = adopt(path);
  ASSERT_TRUE(info.has_value()) << info.error().detail;
  EXPECT_EQ(info->sha256, kShaOfHello);
  EXPECT_EQ(info->size_bytes, 5u);
  EXPECT_EQ(info->name, "taken");
  EXPECT_EQ(get("taken"), "hello");
  EXPECT_FALSE(fs::exists(path));
}

TEST_P(BlobStoreConformance, AdoptCopiesFromAnotherFileSystem) {
  char pattern[] = "/dev/shm/tandem_blob_XXXXXX";
  const UniqueFd fd(mkstemp(pattern));
  if (!fd) GTEST_SKIP() << "no /dev/shm here";
  const std::string content(1'000'000, 'x');
  ASSERT_EQ(write(fd.get(), content.data(), content.size()), 1'000'000);
  const auto info = adopt(pattern);
  EXPECT_FALSE(fs::exists(pattern));
  ASSERT_TRUE(info.has_value()) << info.error().detail;
  EXPECT_EQ(get("taken"), content);
}

TEST_P(BlobStoreConformance, AdoptRefusesWhatIsNoPlainFile) {
  const fs::path path = outside("secret");
  const fs::path link = folder_ / "link", hard = folder_ / "hard", pipe = folder_ / "pipe";
  fs::create_symlink(path, link);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const fs::path& bad : {link, pipe, folder_, fs::path("/dev/null")}) {
    const auto info = adopt(bad);
    ASSERT_TRUE(info.has_error()) << bad;
    EXPECT_EQ(info.error().code, Errc::validation_failed) << bad;
    EXPECT_TRUE(fs::exists(fs::symlink_status(bad)));
  }
  fs::create_hard_link(path, hard);
  EXPECT_EQ(adopt(path).error().code, Errc::validation_failed);
  EXPECT_EQ(adopt(folder_ / "none").error().code, Errc::not_found);
  EXPECT_TRUE(fs::exists(path));
  EXPECT_EQ(get("taken"), "error: not_found");
}

TEST_P(BlobStoreConformance, TasksWithFilesAreListedOnceEach) {
  ASSERT_TRUE(put("a", "1").has_value());
  ASSERT_TRUE(put("b", "2").has_value());
  std::vector<TaskId> found;
  for (int part = 0; part < BlobStore::kParts; ++part)
    for (const TaskId& id : store_->list_tasks(part).value()) found.push_back(id);
  EXPECT_EQ(found, std::vector<TaskId>{task_});
  ASSERT_TRUE(store_->remove(task_).has_value());
  for (int part = 0; part < BlobStore::kParts; ++part)
    EXPECT_TRUE(store_->list_tasks(part).value().empty());
}

TEST_P(BlobStoreConformance, ManyThreadsWriteAndRemoveAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this, name = std::to_string(i)] {
      for (int round = 0; round < 20; ++round) {
        const auto written = put(name, "content");
        ASSERT_TRUE(written) << written.error().detail;
        if (round % 5 == 4) {
          ASSERT_TRUE(store_->remove(task_).has_value());
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
}

TEST_P(BlobStoreConformance, TheFirstMarkStaysAndIsNoFileOfATask) {
  EXPECT_EQ(store_->mark("one").value(), "one");
  reopen();
  EXPECT_EQ(store_->mark("two").value(), "one");
  for (int part = 0; part < BlobStore::kParts; ++part)
    EXPECT_TRUE(store_->list_tasks(part).value().empty());
}

INSTANTIATE_TEST_SUITE_P(Engines, BlobStoreConformance, testing::Values("directory", "s3"),
                         [](const auto& engine) { return engine.param; });

}  // namespace
}  // namespace tandem::blobs
