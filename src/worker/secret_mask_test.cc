#include "worker/secret_mask.h"

#include <gtest/gtest.h>

namespace tandem::worker {
namespace {

using Secrets = std::vector<std::string>;

std::shared_ptr<const SecretMask> mask_of(const Secrets& secrets) {
  return std::make_shared<const SecretMask>(secrets);
}

std::string in_pieces(const std::shared_ptr<const SecretMask>& mask,
                      const std::vector<std::string_view>& pieces) {
  SecretFilter filter(mask);
  std::string out;
  for (const std::string_view piece : pieces) filter.feed(piece, out);
  filter.finish(out);
  return out;
}

struct Case {
  Secrets secrets;
  std::string text, masked;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {{"s3cret"}, "before s3cret after", "before *** after"},
      {{"s3cret"}, "s3crets3cret", "******"},
      {{"s3cret"}, "s3cre", "s3cre"},
      {{"s3cret"}, "s3cres3cret", "s3cre***"},
      {{"s3cret"}, "ss3crett", "s***t"},
      {{"s3cret"}, "", ""},
      {{"aaab"}, "aaaaaab", "aaa***"},
      {{"aaaa"}, "xaaaaaay", "x***y"},            // three of it, one over the other
      {{"abcd", "cdef"}, "-abcdef-", "-***-"},    // the end of one is the beginning of another
      {{"abcd", "abcdefgh"}, "abcdefgh", "***"},  // one begins with the other
      {{"abcd", "abcdefgh"}, "abcdefgx", "***efgx"},
      {{"abcdefgh", "cdef"}, "abcdefgx", "ab***gx"},
      {{"line one\nline two"}, "a line one\nline two b", "a *** b"},
      {{"line one\nline two"}, "a line one\r\nline two b", "a *** b"},  // on a terminal
      {{std::string("\xff\x00\xfe", 3)}, std::string("a\xff\x00\xfe z\xff", 7), "a*** z\xff"},
      {{"***"}, "a***b", "a***b"},
  };
  return all;
}

TEST(SecretMask, IsTheSameForEverySplitInThree) {
  for (const Case& one : cases()) {
    const auto mask = mask_of(one.secrets);
    const std::string_view text = one.text;
    for (std::size_t i = 0; i <= text.size(); ++i)
      for (std::size_t j = i; j <= text.size(); ++j)
        ASSERT_EQ(in_pieces(mask, {text.substr(0, i), text.substr(i, j - i), text.substr(j)}),
                  one.masked)
            << one.text << " cut at " << i << " and " << j;
  }
}

TEST(SecretMask, IsTheSameByteForByteAndInATextOfItsOwn) {
  for (const Case& one : cases()) {
    const auto mask = mask_of(one.secrets);
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < one.text.size(); ++i)
      bytes.push_back(std::string_view(one.text).substr(i, 1));
    EXPECT_EQ(in_pieces(mask, bytes), one.masked);
    EXPECT_EQ(mask->masked_text(one.text), one.masked);
  }
}

TEST(SecretMask, HoldsBackOnlyWhatMayBeTheBeginningOfASecret) {
  SecretFilter filter(mask_of({"s3cret"}));
  std::string out;
  filter.feed("prompt> ", out);
  EXPECT_EQ(out, "prompt> ");
  filter.feed("is", out);
  EXPECT_EQ(out, "prompt> i");
  filter.feed("3cre", out);
  EXPECT_EQ(out, "prompt> i");
  filter.feed("d", out);
  EXPECT_EQ(out, "prompt> is3cred");
  filter.feed("s3c", out);
  filter.finish(out);
  EXPECT_EQ(out, "prompt> is3creds3c");
}

TEST(SecretMask, WithoutSecretsEverythingPasses) {
  SecretFilter filter(nullptr);
  std::string out;
  filter.feed("s3cret", out);
  EXPECT_EQ(out, "s3cret");
}

TEST(SecretMask, JsonStaysJson) {
  const SecretMask mask({"s3\"cret", "12345678", "ünder"});
  EXPECT_EQ(mask.masked_json(R"({"a":"x s3\"cret y","n":[1,12345678,2.5],"t":true})"),
            R"({"a":"x *** y","n":[1,"***",2.5],"t":true})");
  EXPECT_EQ(mask.masked_json(R"({"s3\u0022cret":"\u00fcnder","b":"\\"})"),
            R"({"***":"***","b":"\\"})");
  EXPECT_EQ(mask.masked_json(R"("plain\u0041")"), R"("plain\u0041")");
  EXPECT_EQ(mask.masked_json("null"), "null");
}

}  // namespace
}  // namespace tandem::worker
