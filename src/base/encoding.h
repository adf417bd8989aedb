#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem {

std::string to_hex(std::string_view bytes);                        // lower case
std::optional<std::string> from_hex(std::string_view text);        // either case
std::string to_base64(std::string_view bytes);                     // RFC 4648, padded
std::optional<std::string> from_base64(std::string_view text);     // strict: padding, no blanks
std::string to_base64url(std::string_view bytes);                  // RFC 4648 section 5, no padding
std::optional<std::string> from_base64url(std::string_view text);  // strict: canonical, no padding
bool is_utf8(std::string_view text);  // RFC 3629: no overlong forms, no surrogates

}  // namespace tandem
