#include "blobs/s3/s3_blob_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "base/clock.h"
#include "base/random.h"
#include "blobs/noise.h"
#include "blobs/s3/test_s3_server.h"

// What is of S3 alone; what every engine does is in blob_store_conformance_test.cc.
namespace tandem::blobs {
namespace {

class S3BlobStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!TestS3Server::is_installed()) GTEST_SKIP() << "no S3 server here: ./dev setup makes one";
    std::string pattern = testing::TempDir() + "/tandem_s3_spool_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    server_ = std::make_unique<TestS3Server>();
    address_ = server_->address();
    open();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void open() { store_ = open_s3_blob_store(address_, folder_).value(); }

  Result<FileInfo> put(std::string_view name, std::string_view content) {
    auto writer = store_->create(task_, BlobFolder::out(1), name);
    if (!writer) return writer.error();
    if (auto written = (*writer)->write(content); !written) return written.error();
    return (*writer)->finish(std::nullopt);
  }
  std::string get(std::string_view name) {
    const auto file = store_->open(task_, BlobFolder::out(1), name);
    if (!file) return "error: " + file.error().detail;
    const auto content = read_whole(**file);
    return content ? *content : "error: " + content.error().detail;
  }

  SystemClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  TaskId task_ = ids_.make<TaskId>();
  std::filesystem::path folder_;
  std::unique_ptr<TestS3Server> server_;
  S3Address address_;
  std::unique_ptr<BlobStore> store_;
};

TEST_F(S3BlobStoreTest, NamesOfEveryKindAreKept) {
  for (const std::string name : {"a b.txt", "Grüße.txt", "100%+1&2=3?.x", "it's (1)~!*.txt"}) {
    ASSERT_TRUE(put(name, name).has_value()) << name;
    EXPECT_EQ(get(name), name);
  }
  ASSERT_TRUE(store_->remove(task_).has_value());
  EXPECT_EQ(get("a b.txt"), "error: There is no such file.");
}

TEST_F(S3BlobStoreTest, ALargeFileGoesInParts) {
  std::string content;
  content.resize(150'000'000);
  for (std::size_t i = 0; i < content.size(); i += 4096) content[i] = static_cast<char>(i >> 12);
  ASSERT_TRUE(put("large", content).has_value());
  EXPECT_TRUE(get("large") == content);
}

TEST_F(S3BlobStoreTest, ALargeFileIsReadFromAnyPosition) {
  const std::string content = noise(3'000'000);
  ASSERT_TRUE(put("large", content).has_value());
  const auto file = store_->open(task_, BlobFolder::out(1), "large");
  ASSERT_TRUE(file) << file.error().detail;
  ASSERT_EQ((*file)->size_bytes(), content.size());
  for (const std::size_t at : {2'999'990u, 2'900'000u, 0u, 262'140u, 1'500'000u, 1'762'140u, 5u}) {
    std::string piece(10, '\0');
    ASSERT_TRUE(read_fully_at(**file, at, piece).has_value()) << at;
    EXPECT_TRUE(piece == content.substr(at, 10)) << at;
  }
  EXPECT_EQ((*file)->read_at(content.size(), std::span<char>()).value(), 0u);
}

TEST_F(S3BlobStoreTest, ALargeFileIsCopiedPieceByPiece) {
  const std::string content = noise(3'000'000);
  ASSERT_TRUE(put("large", content).has_value());
  const auto file = store_->open(task_, BlobFolder::out(1), "large").value();
  const UniqueFd copy(memfd_create("copy", MFD_CLOEXEC));
  ASSERT_TRUE(file->copy_to(copy.get()).has_value());
  const auto copied = file_of(UniqueFd(::dup(copy.get())), content.size());
  EXPECT_TRUE(read_whole(*copied).value() == content);
}

TEST_F(S3BlobStoreTest, AFileThatWasReplacedIsNotMixedWithTheNewOne) {
  ASSERT_TRUE(put("large", noise(3'000'000)).has_value());
  const auto file = store_->open(task_, BlobFolder::out(1), "large").value();
  ASSERT_TRUE(put("large", std::string(3'000'000, 'x')).has_value());
  EXPECT_EQ(read_whole(*file).error().detail, "The file was replaced while it was read.");
  ASSERT_TRUE(store_->remove(task_).has_value());
  EXPECT_EQ(read_whole(*file).error().code, Errc::not_found);
}

TEST_F(S3BlobStoreTest, AReadThatFailedCanBeTriedAgain) {
  const std::string content = noise(3'000'000);
  ASSERT_TRUE(put("large", content).has_value());
  const auto file = store_->open(task_, BlobFolder::out(1), "large").value();
  server_->kill();
  EXPECT_EQ(read_whole(*file).error().code, Errc::store_unavailable);
  ASSERT_TRUE(server_->start());
  EXPECT_TRUE(read_whole(*file).value() == content);
}

TEST_F(S3BlobStoreTest, WrongKeysAreSaid) {
  address_.secret_key = "wrong";
  open();
  EXPECT_EQ(put("a", "x").error().detail,
            "The file service refuses the access key or the secret key.");
  address_.access_key = "nobody";
  open();
  EXPECT_EQ(put("a", "x").error().detail,
            "The file service refuses the access key or the secret key.");
}

TEST_F(S3BlobStoreTest, AMissingBucketIsSaid) {
  address_.bucket = "not-there";
  open();
  EXPECT_EQ(put("a", "x").error().detail, "The file service has no bucket of this name.");
  EXPECT_EQ(get("a"), "error: The file service has no bucket of this name.");
}

TEST_F(S3BlobStoreTest, WhileItIsAwayErrorsAreQuickAndItComesBackByItself) {
  ASSERT_TRUE(put("a", "x").has_value());
  server_->kill();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(put("b", "y").error().code, Errc::store_unavailable);
  EXPECT_EQ(get("a"), "error: The file service can't be reached.");
  EXPECT_FALSE(store_->check().has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
  ASSERT_TRUE(server_->start());
  EXPECT_TRUE(put("b", "y").has_value());
  EXPECT_EQ(get("a"), "x");
}

TEST_F(S3BlobStoreTest, NothingIsLeftInTheFolder) {
  ASSERT_TRUE(put("a", "x").has_value());
  const auto file = store_->open(task_, BlobFolder::out(1), "a");
  auto writer = store_->create(task_, BlobFolder::out(1), "b");
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
}  // namespace tandem::blobs
