#include "base/mark_file.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace tandem {
namespace {

class MarkFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/tandem_mark_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(MarkFileTest, TheFirstOneStays) {
  EXPECT_EQ(*read_or_make_mark(folder_ / "mark", "one"), "one");
  EXPECT_EQ(*read_or_make_mark(folder_ / "mark", "two"), "one");
  const auto entries = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(MarkFileTest, OfManyAtOnceOneWins) {
  std::vector<std::string> seen(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < seen.size(); ++i)
    threads.emplace_back([this, i, &seen] {
      seen[i] = read_or_make_mark(folder_ / "mark", std::to_string(i)).value();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 1u);
}

TEST_F(MarkFileTest, WithoutItsFolderOrAsALinkItIsAnError) {
  EXPECT_EQ(read_or_make_mark(folder_ / "none/mark", "one").error().code, Errc::store_unavailable);
  std::filesystem::create_symlink("/dev/zero", folder_ / "link");
  EXPECT_FALSE(read_or_make_mark(folder_ / "link", "one"));
}

}  // namespace
}  // namespace tandem
