#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem {

// What the file at `path` says, whole; where there is none it is made with `text`, durable, and of
// several who make it at once one wins. The folder must be there. Blocks. Thread-safe.
// Errors: disk_full, store_unavailable.
Result<std::string> read_or_make_mark(const std::filesystem::path& path, std::string_view text);

}  // namespace tandem
