#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::blobs {

// Where files are kept: s3://bucket[/prefix][?endpoint=URL][&region=NAME][&presign_s=SECONDS].
struct S3Address {
  std::string bucket;
  std::string prefix;  // no slash at its ends; may be empty
  std::string
      endpoint;  // http(s)://host[:port], no slash at its end; empty: Amazon's of the region
  std::string region = "us-east-1";
  int presign_s = 0;  // how long a link to a file is good; 0: there are none
  std::string access_key, secret_key, session_token;
};

// Without the keys. Errors: validation_failed; the sentence says what is wrong.
Result<S3Address> parse_s3_url(std::string_view url);

}  // namespace tandem::blobs
