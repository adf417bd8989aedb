#pragma once

#include <string_view>

namespace tandem::blobs {

// The media type that a file name's ending stands for; application/octet-stream where unknown.
std::string_view content_type_of(std::string_view file_name);

}  // namespace tandem::blobs
