#include "blobs/s3/presigned_url.h"

#include <gtest/gtest.h>

namespace tandem::blobs {
namespace {

constexpr WallTime kNow{1'369'353'600'000};  // 2013-05-24

S3Address known_address() {
  S3Address address;
  address.access_key = "AKIAIOSFODNN7EXAMPLE";
  address.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  address.presign_s = 86400;
  return address;
}

// The signature that Amazon's documentation gives for this request.
TEST(PresignedUrl, IsSignedAsAmazonSays) {
  const std::string url =
      presigned_url(known_address(), "https://examplebucket.s3.amazonaws.com/test.txt", {}, kNow);
  EXPECT_EQ(url,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(PresignedUrl, ThePortThatTheSchemeImpliesIsNotSigned) {
  const auto signature = [](std::string_view host) {
    const std::string url =
        presigned_url(known_address(), std::string(host) + "/bucket/key", {}, kNow);
    return url.substr(url.find("X-Amz-Signature="));
  };
  EXPECT_EQ(signature("https://host:443"), signature("https://host"));
  EXPECT_EQ(signature("http://host:80"), signature("https://host"));
  EXPECT_NE(signature("http://host:443"), signature("https://host"));
}

TEST(PresignedUrl, WhatIsAskedForBesidesIsSigned) {
  S3Address address = known_address();
  address.session_token = "a/token";
  const std::string url = presigned_url(address, "http://host:9000/bucket/a%20key",
                                        {{"response-content-type", "text/plain"}}, kNow);
  EXPECT_TRUE(url.starts_with("http://host:9000/bucket/a%20key?X-Amz-Algorithm="));
  EXPECT_NE(url.find("&X-Amz-Security-Token=a%2Ftoken&"), url.npos);
  EXPECT_NE(url.find("&response-content-type=text%2Fplain&X-Amz-Signature="), url.npos);
}

}  // namespace
}  // namespace tandem::blobs
