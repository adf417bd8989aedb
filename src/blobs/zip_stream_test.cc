#include "blobs/zip_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <locale.h>
#include <sys/mman.h>

#include <map>

#include "blobs/noise.h"

namespace tandem::blobs {
namespace {

// `shrunk_by`: it once had so many bytes more.
ZipEntry file(std::string name, std::string content, std::size_t shrunk_by = 0) {
  auto open = [content = std::move(content), shrunk_by]() -> Result<BlobFile> {
    UniqueFd fd(memfd_create("zip", MFD_CLOEXEC));
    EXPECT_EQ(::write(fd.get(), content.data(), content.size()), std::ssize(content));
    return file_of(std::move(fd), content.size() + shrunk_by);
  };
  return {.name = std::move(name), .open = std::move(open), .modified = {1'700'000'000'000}};
}

std::string drain(ZipStream& zip, std::size_t step) {
  std::string all, buffer(step, '\0');
  for (;;) {
    const auto count = zip.next(buffer);
    EXPECT_TRUE(count.has_value());
    if (!count || *count == 0) return all;
    all.append(buffer, 0, *count);
  }
}

// What another reader finds in it.
std::map<std::string, std::string> unpack(const std::string& bytes) {
  std::map<std::string, std::string> files;
  const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  const locale_t before = uselocale(utf8);
  archive* reader = archive_read_new();
  archive_read_support_format_zip(reader);
  EXPECT_EQ(archive_read_open_memory(reader, bytes.data(), bytes.size()), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    std::string& content = files[archive_entry_pathname(entry)];
    std::string piece(10'000, '\0');
    for (;;) {
      const auto count = archive_read_data(reader, piece.data(), piece.size());
      EXPECT_GE(count, 0) << archive_error_string(reader);
      if (count <= 0) break;
      content.append(piece, 0, static_cast<std::size_t>(count));
    }
  }
  archive_read_free(reader);
  uselocale(before);
  freelocale(utf8);
  return files;
}

class ZipStreamTest : public testing::TestWithParam<ZipMethod> {};

TEST_P(ZipStreamTest, HoldsTheFilesAsTheyAre) {
  const std::map<std::string, std::string> files = {{"a.txt", "hello"},
                                                    {"empty", ""},
                                                    {"noise.bin", noise(300'000)},
                                                    {"long.txt", std::string(1'000'000, 'x')},
                                                    {"Übersicht 表.txt", "names"}};
  for (const std::size_t step : {1000u, 65'536u, 2'000'000u}) {
    std::vector<ZipEntry> entries;
    for (const auto& [name, content] : files) entries.push_back(file(name, content));
    ZipStream zip(std::move(entries), GetParam());
    EXPECT_TRUE(unpack(drain(zip, step)) == files) << step;
  }
}

TEST_P(ZipStreamTest, NoFilesMakeAnEmptyArchive) {
  ZipStream zip({}, GetParam());
  const std::string bytes = drain(zip, 100);
  EXPECT_EQ(bytes.size(), 22u);
  EXPECT_TRUE(unpack(bytes).empty());
}

TEST_P(ZipStreamTest, AFileThatShrankIsAnErrorForGood) {
  std::vector<ZipEntry> entries;
  entries.push_back(file("a", noise(200'000), 100'000));
  ZipStream zip(std::move(entries), GetParam());
  std::string buffer(50'000, '\0');
  Result<std::size_t> count = 1u;
  while (count.has_value() && *count > 0) count = zip.next(buffer);
  ASSERT_TRUE(count.has_error());
  EXPECT_EQ(count.error().code, Errc::internal);
  EXPECT_TRUE(zip.next(buffer).has_error());
}

TEST_P(ZipStreamTest, AFileThatCantBeOpenedIsItsErrorForGood) {
  std::vector<ZipEntry> entries;
  entries.push_back(file("a", "x"));
  entries.push_back({.name = "b", .open = []() -> Result<BlobFile> {
                       return fail(Errc::store_unavailable, "away");
                     }});
  ZipStream zip(std::move(entries), GetParam());
  std::string buffer(50'000, '\0');
  EXPECT_EQ(zip.next(buffer).error().code, Errc::store_unavailable);
  EXPECT_TRUE(zip.next(buffer).has_error());
}

TEST_P(ZipStreamTest, NamesAreMarkedAsUtf8) {
  std::vector<ZipEntry> entries;
  entries.push_back(file("ü", "x"));
  ZipStream zip(std::move(entries), GetParam());
  const std::string bytes = drain(zip, 1000);
  ASSERT_EQ(bytes.substr(0, 4), std::string("PK\x03\x04"));
  EXPECT_NE(bytes[7] & 0x08, 0);  // bit 11 of the flags
  EXPECT_NE(bytes.find("\xC3\xBC"), std::string::npos);
}

TEST_P(ZipStreamTest, CanBeLeftInTheMiddle) {
  std::vector<ZipEntry> entries;
  entries.push_back(file("a", noise(200'000)));
  ZipStream zip(std::move(entries), GetParam());
  std::string buffer(1000, '\0');
  EXPECT_EQ(*zip.next(buffer), 1000u);
  ZipStream moved = std::move(zip);
  EXPECT_EQ(*moved.next(buffer), 1000u);
}

INSTANTIATE_TEST_SUITE_P(Methods, ZipStreamTest,
                         testing::Values(ZipMethod::store, ZipMethod::deflate),
                         [](const auto& method) {
                           return method.param == ZipMethod::store ? "store" : "deflate";
                         });

}  // namespace
}  // namespace tandem::blobs
