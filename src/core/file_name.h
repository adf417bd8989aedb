#pragma once

#include <string_view>

#include "base/result.h"

namespace tandem {

// Whether a file of a task may have this name: 1..kMaxFileNameBytes bytes of UTF-8, not "." or
// "..", without '/' and control characters. Else validation_failed with a sentence.
Result<void> check_file_name(std::string_view name);

}  // namespace tandem
