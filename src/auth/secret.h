#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

// Secrets that we make: `tds_` + 43 characters (256 random bits, base64url) + 6 (CRC-32,
// base64url). The prefix and the checksum let scanners find them, and let us refuse a mistyped one
// unasked.
namespace tandem::auth {

enum class SecretKind : std::uint8_t { client, refresh, worker };
std::string_view prefix_of(SecretKind kind);  // tds_ tdf_ tdw_

std::string make_secret(SecretKind kind, Random& random);
// Right prefix, length, alphabet and checksum? Costs no query and no hash.
bool is_well_formed(SecretKind kind, std::string_view secret);

// Lower-case hex SHA-256: how refresh and worker tokens are stored. They have 256 random bits, so
// a plain hash is enough.
std::string sha256_hex(std::string_view bytes);

bool equal_in_constant_time(std::string_view a, std::string_view b);

// Argon2id, 19 MiB, 2 passes, 1 lane, encoded with its salt. Takes about 20 ms: never on a loop.
// Errors: internal (no memory).
Result<std::string> hash_client_secret(std::string_view secret, Random& random);
// False for any hash that can't be read. As slow.
bool verify_client_secret(std::string_view secret, const std::string& encoded_hash);
// As slow as verify_client_secret, and always false: for a client that does not exist, so that the
// answer's time does not tell.
bool verify_against_nothing(std::string_view secret);

}  // namespace tandem::auth
