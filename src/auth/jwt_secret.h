#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace tandem::auth {

inline constexpr std::size_t kMinJwtSecretBytes = 32;

// Empty where the secret is fit, else what is wrong with it: too short, or a well-known example.
// The answer follows its name in a sentence and does not hold the secret.
std::string weakness_of(std::string_view secret);

// 32 hex digits by which two secrets are told apart; the secret can't be found from them.
std::string fingerprint_of(std::string_view secret);

// The secret kept in `data_dir`/jwt.secret; made there, mode 0600, synced, where there is none. A
// file that others can read, or whose secret is weak, is refused. Blocks. Errors: internal with a
// sentence for the operator; disk_full.
Result<std::string> load_or_make_jwt_secret(const std::filesystem::path& data_dir, Random& random);
// The same, but nothing is made: none where there is no file.
Result<std::optional<std::string>> load_jwt_secret(const std::filesystem::path& data_dir);

}  // namespace tandem::auth
