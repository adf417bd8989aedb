#include "base/encoding.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::string_view_literals;

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

TEST(Hex, WritesLowerCaseAndReadsEither) {
  EXPECT_EQ(to_hex("\x00\x7f\xff"sv), "007fff");
  EXPECT_EQ(from_hex("007FfF"), "\x00\x7f\xff"sv);
  EXPECT_EQ(from_hex(""), "");
  EXPECT_EQ(from_hex(to_hex(all_bytes())), all_bytes());
}

TEST(Hex, RefusesOtherText) {
  for (std::string_view text : {"0", "000", "0g", "g0", " 00", "0x00", "00 "})
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
}

// The vectors of RFC 4648, section 10.
TEST(Base64, KnownVectors) {
  const std::pair<std::string_view, std::string_view> rows[] = {{"", ""},
                                                                {"f", "Zg=="},
                                                                {"fo", "Zm8="},
                                                                {"foo", "Zm9v"},
                                                                {"foob", "Zm9vYg=="},
                                                                {"fooba", "Zm9vYmE="},
                                                                {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : rows) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
    const auto bare = text.substr(0, text.find('='));
    EXPECT_EQ(to_base64url(bytes), bare);
    EXPECT_EQ(from_base64url(bare), bytes);
  }
}

TEST(Base64, RoundTripsEveryByteAtEveryPlace) {
  for (std::size_t skip = 0; skip < 3; ++skip) {
    const std::string bytes = all_bytes().substr(skip);
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
  }
}

TEST(Base64, TheAlphabetsDiffer) {
  EXPECT_EQ(to_base64("\xfb\xff"sv), "+/8=");
  EXPECT_EQ(to_base64url("\xfb\xff"sv), "-_8");
  EXPECT_EQ(from_base64("-_8="), std::nullopt);
  EXPECT_EQ(from_base64url("+/8"), std::nullopt);
}

TEST(Base64, RefusesBadPaddingBlanksAndLooseBits) {
  for (std::string_view text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zg==Zg==", "Zm9v\n",
                                "Zm 9", "Zh==", "Zm9=", "Zm9v=", "Z\0=="})
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
}

TEST(Base64Url, RefusesPaddingBlanksAndLooseBits) {
  for (std::string_view text : {"Z", "Zg==", "Zm8=", "Zh", "Zm9", "Zm9vZ", " Zg", "Zg\n"})
    EXPECT_EQ(from_base64url(text), std::nullopt) << text;
}

TEST(Utf8, TakesTheFirstAndLastOfEachLength) {
  for (std::string_view text :
       {""sv, "\0"sv, "\x7f"sv, "\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv, "\xED\x9F\xBF"sv,
        "\xEE\x80\x80"sv, "\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv})
    EXPECT_TRUE(is_utf8(text)) << to_hex(text);
}

TEST(Utf8, RefusesWhatIsNotWellFormed) {
  for (std::string_view text :
       {"\x80"sv, "\xBF"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC2"sv, "\xC2\x41"sv, "\xE0\x9F\xBF"sv,
        "\xE2\x82"sv, "\xED\xA0\x80"sv, "\xED\xBF\xBF"sv, "\xF0\x8F\xBF\xBF"sv, "\xF0\x9F\x98"sv,
        "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFE"sv, "\xFF"sv, "\xE2\x41\x82"sv})
    EXPECT_FALSE(is_utf8(text)) << to_hex(text);
}

// Eight bytes are looked at together where all are ASCII: a fault must be found at any place.
TEST(Utf8, FindsAFaultAtEveryPlaceOfAWord) {
  for (std::size_t at = 0; at < 24; ++at) {
    std::string text(24, 'a');
    text[at] = '\xFF';
    EXPECT_FALSE(is_utf8(text)) << at;
    text.replace(at, 1, "é");
    EXPECT_TRUE(is_utf8(text)) << at;
  }
}

}  // namespace
}  // namespace tandem
