#include "blobs/s3/s3_address.h"

#include <gtest/gtest.h>

#include "blobs/s3/url_text.h"

namespace tandem::blobs {
namespace {

TEST(S3Address, AllOfItsParts) {
  const auto address = parse_s3_url(
      "s3://my-bucket/a/b/?endpoint=http%3A%2F%2F127.0.0.1:7070/"
      "&region=eu-central-1&presign_s=300");
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->bucket, "my-bucket");
  EXPECT_EQ(address->prefix, "a/b");
  EXPECT_EQ(address->endpoint, "http://127.0.0.1:7070");
  EXPECT_EQ(address->region, "eu-central-1");
  EXPECT_EQ(address->presign_s, 300);
}

TEST(S3Address, WhatIsLeftOutHasADefault) {
  const auto address = parse_s3_url("s3://bucket?region=eu-west-1");
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->prefix, "");
  EXPECT_EQ(address->endpoint, "https://s3.eu-west-1.amazonaws.com");
}

TEST(S3Address, WhatCantBeReadIsRefused) {
  for (const char* url :
       {"s3://", "http://bucket", "s3://b", "s3://Bucket", "s3:///prefix",
        "s3://bucket?endpoint=", "s3://bucket?endpoint=ftp://x", "s3://bucket?presign_s=0",
        "s3://bucket?presign_s=604801", "s3://bucket?presign_s=1h", "s3://bucket?other=1",
        "s3://bucket?region", "s3://bucket?region=%zz"})
    EXPECT_EQ(parse_s3_url(url).error().code, Errc::validation_failed) << url;
}

TEST(UrlText, WhatIsEncodedAndUnescaped) {
  EXPECT_EQ(percent_encoded("a b/ü~+&", true), "a%20b/%C3%BC~%2B%26");
  EXPECT_EQ(percent_encoded("a/b", false), "a%2Fb");
  EXPECT_EQ(percent_decoded("a%20b%2f"), "a b/");
  EXPECT_EQ(percent_decoded("%2"), std::nullopt);
  const std::string xml = "<A><Key>a &amp; b</Key><Key>&lt;&#39;&gt;</Key><Key>cut";
  EXPECT_EQ(xml_texts(xml, "Key"), (std::vector<std::string>{"a & b", "<'>"}));
  EXPECT_EQ(xml_text(xml, "None"), "");
}

}  // namespace
}  // namespace tandem::blobs
