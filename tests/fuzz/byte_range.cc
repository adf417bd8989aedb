// Range and If-None-Match headers of a download.
#include "api/byte_range.h"

#include "tests/fuzz/target.h"

namespace tandem::fuzz {
namespace {

void check_range(std::string_view header, std::uint64_t size_bytes) {
  const auto parsed = api::parse_range(header, size_bytes);
  if (!parsed) {
    TANDEM_ASSERT(parsed.error().code == Errc::range_not_satisfiable);
    return;
  }
  if (!*parsed) return;
  const auto [offset, length] = **parsed;
  TANDEM_ASSERT(length > 0 && offset < size_bytes && length <= size_bytes - offset);
  const std::string again =
      "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + length - 1);
  const auto same = api::parse_range(again, size_bytes);
  TANDEM_ASSERT(same && *same && (*same)->offset == offset && (*same)->length == length);
}

}  // namespace

void check(std::string_view input) {
  for (const std::uint64_t size_bytes :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, std::uint64_t{UINT64_MAX}})
    check_range(input, size_bytes);

  constexpr std::string_view kTag = "\"0123abcd\"";
  if (api::has_etag(input, kTag))
    TANDEM_ASSERT(input.find(kTag) != input.npos || input.find('*') != input.npos);
  TANDEM_ASSERT(api::has_etag(std::string(input) + ", " + std::string(kTag), kTag));

  const std::string disposition = api::attachment_named(input);
  for (const char c : disposition) TANDEM_ASSERT(c >= 0x20 && c < 0x7f);
  TANDEM_ASSERT(disposition.starts_with("attachment; filename=\""));
  TANDEM_ASSERT(disposition.find('"', 22) == disposition.rfind('"'));
}

}  // namespace tandem::fuzz
