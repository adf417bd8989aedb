#include "blobs/s3/s3_address.h"

#include <algorithm>
#include <charconv>

#include "blobs/s3/url_text.h"

namespace tandem::blobs {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr int kLongestPresignS = 7 * 24 * 3600;  // what S3 takes

Error wrong(const std::string& what) {
  return fail(Errc::validation_failed,
              what + " (s3://bucket[/prefix][?endpoint=URL&region=NAME&presign_s=SECONDS])");
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

bool is_bucket_name(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789.-";
  return name.size() >= 3 && name.size() <= 63 && name.find_first_not_of(kAllowed) == name.npos;
}

Result<void> take_parameter(std::string_view text, S3Address& address) {
  const std::size_t equals = text.find('=');
  const auto value = percent_decoded(equals == text.npos ? "" : text.substr(equals + 1));
  const std::string_view name = text.substr(0, equals);
  if (!value || value->empty()) return wrong("has a parameter without a value");
  if (name == "region") {
    address.region = *value;
  } else if (name == "endpoint") {
    if (!value->starts_with("http://") && !value->starts_with("https://"))
      return wrong("has an endpoint that does not begin with http:// or https://");
    address.endpoint = *value;
    while (address.endpoint.ends_with('/')) address.endpoint.pop_back();
  } else if (name == "presign_s") {
    const char* const end = value->data() + value->size();
    const auto read = std::from_chars(value->data(), end, address.presign_s);
    const bool is_number = read.ec == std::errc() && read.ptr == end;
    if (!is_number || address.presign_s < 1 || address.presign_s > kLongestPresignS)
      return wrong("has a presign_s that is not from 1 to " + std::to_string(kLongestPresignS));
  } else {
    return wrong("knows the parameters endpoint, region and presign_s only");
  }
  return {};
}

}  // namespace

Result<S3Address> parse_s3_url(std::string_view url) {
  if (!url.starts_with(kScheme)) return wrong("must begin with s3://");
  url.remove_prefix(kScheme.size());
  S3Address address;
  const std::size_t question = url.find('?');
  std::string_view parameters = question == url.npos ? "" : url.substr(question + 1);
  url = url.substr(0, question);
  while (!parameters.empty()) {
    const std::string_view one = parameters.substr(0, parameters.find('&'));
    parameters.remove_prefix(std::min(parameters.size(), one.size() + 1));
    if (auto taken = take_parameter(one, address); !taken) return taken.error();
  }
  const std::size_t slash = url.find('/');
  address.bucket = url.substr(0, slash);
  if (!is_bucket_name(address.bucket)) return wrong("has no bucket, or one of a wrong name");
  if (slash != url.npos) address.prefix = trimmed(url.substr(slash));
  if (address.endpoint.empty())
    address.endpoint = "https://s3." + address.region + ".amazonaws.com";
  return address;
}

}  // namespace tandem::blobs
