#include "base/random_access_file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <string>

namespace tandem {
namespace {

UniqueFd memory_file(std::string_view content) {
  UniqueFd fd(memfd_create("file", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), content.data(), content.size()), std::ssize(content));
  return fd;
}

// Gives at most three bytes at once, as a file that comes over a network may.
class Sparing final : public RandomAccessFile {
 public:
  std::uint64_t size_bytes() const override { return kContent.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
    return kContent.copy(out.data(), std::min<std::size_t>(3, out.size()), offset);
  }
  Result<void> copy_to(int) const override { return fail(Errc::internal, "not for this test"); }

 private:
  static constexpr std::string_view kContent = "0123456789";
};

TEST(RandomAccessFile, IsReadFromAnyPosition) {
  const auto file = file_of(memory_file("0123456789"), 10);
  std::string piece(4, '\0');
  ASSERT_TRUE(read_fully_at(*file, 3, piece).has_value());
  EXPECT_EQ(piece, "3456");
  EXPECT_EQ(file->read_at(8, piece).value(), 2u);
  EXPECT_EQ(file->read_at(10, piece).value(), 0u);
  EXPECT_EQ(read_fully_at(*file, 8, piece).error().code, Errc::store_unavailable);
}

TEST(RandomAccessFile, IsGatheredWhereItComesInPieces) {
  EXPECT_EQ(read_whole(Sparing()).value(), "0123456789");
}

TEST(RandomAccessFile, IsCopiedWhole) {
  const UniqueFd copy = memory_file("");
  ASSERT_TRUE(file_of(memory_file("0123456789"), 10)->copy_to(copy.get()).has_value());
  std::string content(20, '\0');
  EXPECT_EQ(::pread(copy.get(), content.data(), content.size(), 0), 10);
  EXPECT_TRUE(content.starts_with("0123456789"));
}

TEST(RandomAccessFile, ACopyOfOneThatShrankFails) {
  const UniqueFd copy = memory_file("");
  EXPECT_FALSE(file_of(memory_file("0123"), 10)->copy_to(copy.get()).has_value());
}

}  // namespace
}  // namespace tandem
