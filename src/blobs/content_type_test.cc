#include "blobs/content_type.h"

#include <gtest/gtest.h>

namespace tandem::blobs {
namespace {

TEST(ContentType, GoesByTheEnding) {
  EXPECT_EQ(content_type_of("a.json"), "application/json");
  EXPECT_EQ(content_type_of("a.b.PNG"), "image/png");
  EXPECT_EQ(content_type_of("page.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type_of("7z.7z"), "application/x-7z-compressed");
  EXPECT_EQ(content_type_of(".zst"), "application/zstd");
  for (std::string_view name : {"", "json", "a.", "a.jso", "a.jsonx", "a.exe", "a.json "})
    EXPECT_EQ(content_type_of(name), "application/octet-stream") << name;
}

}  // namespace
}  // namespace tandem::blobs
