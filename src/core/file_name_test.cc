#include "core/file_name.h"

#include <gtest/gtest.h>

#include <string>

namespace tandem {
namespace {

using namespace std::string_view_literals;

TEST(FileName, TakesOrdinaryNames) {
  for (std::string_view name :
       {"a"sv, "result.json"sv, ".hidden"sv, "..."sv, "..a"sv, "-rf"sv, "a b\\c"sv,
        "Übersicht 表.pdf"sv, "\xF0\x9F\x98\x80"sv, "\xC2\xA0"sv})
    EXPECT_TRUE(check_file_name(name).has_value()) << name;
  EXPECT_TRUE(check_file_name(std::string(255, 'a')).has_value());
}

TEST(FileName, RefusesWhatCouldLeaveItsFolderOrConfuseATerminal) {
  for (std::string_view name :
       {""sv, "."sv, ".."sv, "/"sv, "/x"sv, "../x"sv, "a/b"sv, "a\0b"sv, "\0"sv, "a\r\nb"sv,
        "a\x1B[2J"sv, "\x7F"sv, "a\tb"sv, "\xC2\x85"sv, "\xC2\x9B"sv}) {
    const auto result = check_file_name(name);
    ASSERT_TRUE(result.has_error()) << name;
    EXPECT_EQ(result.error().code, Errc::validation_failed);
    EXPECT_EQ(result.error().field, "name");
    EXPECT_FALSE(result.error().detail.empty());
  }
}

TEST(FileName, RefusesInvalidUtf8) {
  for (std::string_view name : {"\xFF"sv, "a\xC3"sv, "\xC0\xAF"sv, "\xED\xA0\x80"sv, "\x80"sv})
    EXPECT_TRUE(check_file_name(name).has_error());
}

TEST(FileName, BoundsTheLength) {
  EXPECT_TRUE(check_file_name(std::string(256, 'a')).has_error());
  EXPECT_TRUE(check_file_name(std::string(5000, 'a')).has_error());
}

}  // namespace
}  // namespace tandem
