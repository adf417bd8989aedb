#include "blobs/s3/presigned_url.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "auth/hmac.h"
#include "base/encoding.h"
#include "blobs/s3/url_text.h"
#include "blobs/sha256.h"

namespace tandem::blobs {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// As 20130524T000000Z.
std::string stamp_of(WallTime time) {
  const std::time_t seconds = time.ms / 1000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc)};
}

// A client says no port in Host that its scheme implies.
std::string_view host_of(std::string_view scheme, std::string_view authority) {
  const std::string_view implied = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(implied)) authority.remove_suffix(implied.size());
  return authority;
}

std::string digest_of(std::string_view text) {
  Sha256 digest;
  digest.add(text);
  return digest.hex_digest();
}

}  // namespace

std::string presigned_url(const S3Address& address, std::string_view url,
                          std::map<std::string, std::string> query, WallTime now) {
  const std::string stamp = stamp_of(now), day = stamp.substr(0, stamp.find('T'));
  const std::string scope = day + "/" + address.region + "/s3/aws4_request";
  query["X-Amz-Algorithm"] = kAlgorithm;
  query["X-Amz-Credential"] = address.access_key + "/" + scope;
  query["X-Amz-Date"] = stamp;
  query["X-Amz-Expires"] = std::to_string(address.presign_s);
  query["X-Amz-SignedHeaders"] = "host";
  if (!address.session_token.empty()) query["X-Amz-Security-Token"] = address.session_token;

  const std::size_t scheme_end = url.find("://"), begin = scheme_end + 3;
  const std::size_t slash = std::min(url.find('/', begin), url.size());
  const std::string host(host_of(url.substr(0, scheme_end), url.substr(begin, slash - begin)));
  const std::string asked = query_text(query);
  const std::string request = "GET\n" + std::string(url.substr(slash)) + "\n" + asked +
                              "\nhost:" + host + "\n\nhost\nUNSIGNED-PAYLOAD";
  const std::string text =
      std::string(kAlgorithm) + "\n" + stamp + "\n" + scope + "\n" + digest_of(request);
  std::string key = auth::hmac_sha256("AWS4" + address.secret_key, day);
  for (const std::string_view part :
       {std::string_view(address.region), std::string_view("s3"), std::string_view("aws4_request")})
    key = auth::hmac_sha256(key, part);
  return std::string(url) + "?" + asked +
         "&X-Amz-Signature=" + to_hex(auth::hmac_sha256(key, text));
}

}  // namespace tandem::blobs
