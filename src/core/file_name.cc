#include "core/file_name.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"

namespace tandem {
namespace {

// C0 and DEL as bytes; C1 (U+0080…U+009F) as the two bytes it has in UTF-8.
bool has_control(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && i + 1 < name.size() && static_cast<unsigned char>(name[i + 1]) < 0xA0)
      return true;
  }
  return false;
}

Error refuse(std::string sentence) {
  return fail(Errc::validation_failed, std::move(sentence), "name");
}

}  // namespace

Result<void> check_file_name(std::string_view name) {
  if (name.empty()) return refuse("A file name must not be empty.");
  if (name.size() > limits::kMaxFileNameBytes)
    return refuse("A file name may have at most 255 bytes.");
  static_assert(limits::kMaxFileNameBytes == 255);
  if (name == "." || name == "..") return refuse("A file name must not be '.' or '..'.");
  if (name.find('/') != name.npos) return refuse("A file name must not hold a '/'.");
  if (!is_utf8(name)) return refuse("A file name must be valid UTF-8.");
  if (has_control(name)) return refuse("A file name must not hold control characters.");
  return {};
}

}  // namespace tandem
