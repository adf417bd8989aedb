#include "blobs/content_type.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace tandem::blobs {
namespace {

using Row = std::pair<std::string_view, std::string_view>;
constexpr std::array kRows = {
    Row{"7z", "application/x-7z-compressed"},
    Row{"bmp", "image/bmp"},
    Row{"csv", "text/csv; charset=utf-8"},
    Row{"gif", "image/gif"},
    Row{"gz", "application/gzip"},
    Row{"htm", "text/html; charset=utf-8"},
    Row{"html", "text/html; charset=utf-8"},
    Row{"jpeg", "image/jpeg"},
    Row{"jpg", "image/jpeg"},
    Row{"json", "application/json"},
    Row{"log", "text/plain; charset=utf-8"},
    Row{"md", "text/markdown; charset=utf-8"},
    Row{"mp3", "audio/mpeg"},
    Row{"mp4", "video/mp4"},
    Row{"ndjson", "application/x-ndjson"},
    Row{"parquet", "application/vnd.apache.parquet"},
    Row{"pdf", "application/pdf"},
    Row{"png", "image/png"},
    Row{"svg", "image/svg+xml"},
    Row{"tar", "application/x-tar"},
    Row{"txt", "text/plain; charset=utf-8"},
    Row{"wav", "audio/wav"},
    Row{"webm", "video/webm"},
    Row{"webp", "image/webp"},
    Row{"xml", "application/xml"},
    Row{"zip", "application/zip"},
    Row{"zst", "application/zstd"},
};
static_assert(std::is_sorted(kRows.begin(), kRows.end()));

}  // namespace

std::string_view content_type_of(std::string_view file_name) {
  const auto dot = file_name.rfind('.');
  std::string ending(dot == file_name.npos ? "" : file_name.substr(dot + 1));
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto found = std::lower_bound(
      kRows.begin(), kRows.end(), ending,
      [](const Row& row, const std::string& wanted) { return row.first < wanted; });
  const bool is_known = found != kRows.end() && found->first == ending;
  return is_known ? found->second : "application/octet-stream";
}

FileInfo describe(std::string_view name, std::uint64_t size_bytes, std::string sha256) {
  return {.name = std::string(name),
          .size_bytes = size_bytes,
          .sha256 = std::move(sha256),
          .content_type = std::string(content_type_of(name))};
}

}  // namespace tandem::blobs
