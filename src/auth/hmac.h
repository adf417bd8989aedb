#pragma once

#include <string>
#include <string_view>

namespace tandem::auth {

// HMAC-SHA256: 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);

}  // namespace tandem::auth
