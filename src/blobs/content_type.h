#pragma once

#include <string>
#include <string_view>

#include "core/task.h"

namespace tandem::blobs {

// The media type that a file name's ending stands for; application/octet-stream where unknown.
std::string_view content_type_of(std::string_view file_name);
// A file, with the type that its name stands for.
FileInfo describe(std::string_view name, std::uint64_t size_bytes, std::string sha256);

}  // namespace tandem::blobs
