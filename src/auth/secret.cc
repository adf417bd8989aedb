#include "auth/secret.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <span>

#include "base/encoding.h"

namespace tandem::auth {
namespace {

constexpr std::size_t kRandomBytes = 32, kBodyChars = 43, kChecksumChars = 6, kPrefixChars = 4;

// CRC-32 as in ISO 3309 (zlib's), bit by bit: the texts are short.
std::string checksum_of(std::string_view text) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0u);
  }
  crc = ~crc;
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(crc >> shift));
  return to_base64url(bytes);
}

std::string random_bytes(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  random.fill(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

// RFC 9106 parameters as OWASP recommends them for small machines.
constexpr std::uint32_t kPasses = 2, kMemoryKib = 19 * 1024, kLanes = 1;
constexpr std::size_t kSaltBytes = 16, kHashBytes = 32;

std::string encoded_hash_of(std::string_view secret, std::string_view salt) {
  std::string encoded(
      argon2_encodedlen(kPasses, kMemoryKib, kLanes, kSaltBytes, kHashBytes, Argon2_id), '\0');
  const int status =
      argon2id_hash_encoded(kPasses, kMemoryKib, kLanes, secret.data(), secret.size(), salt.data(),
                            salt.size(), kHashBytes, encoded.data(), encoded.size());
  if (status != ARGON2_OK) return {};
  encoded.resize(encoded.find('\0') == std::string::npos ? encoded.size() : encoded.find('\0'));
  return encoded;
}

}  // namespace

std::string_view prefix_of(SecretKind kind) {
  constexpr std::array<std::string_view, 3> kPrefixes = {"tds_", "tdf_", "tdw_"};
  return kPrefixes.at(static_cast<std::size_t>(kind));
}

std::string make_secret(SecretKind kind, Random& random) {
  std::string text(prefix_of(kind));
  text += to_base64url(random_bytes(random, kRandomBytes));
  return text + checksum_of(text);
}

bool is_well_formed(SecretKind kind, std::string_view secret) {
  if (secret.size() != kPrefixChars + kBodyChars + kChecksumChars) return false;
  if (!secret.starts_with(prefix_of(kind))) return false;
  const std::string_view checked = secret.substr(0, kPrefixChars + kBodyChars);
  return from_base64url(checked.substr(kPrefixChars)).has_value() &&
         checksum_of(checked) == secret.substr(checked.size());
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<std::string> hash_client_secret(std::string_view secret, Random& random) {
  std::string encoded = encoded_hash_of(secret, random_bytes(random, kSaltBytes));
  if (encoded.empty()) return fail(Errc::internal, "The secret could not be hashed");
  return encoded;
}

bool verify_client_secret(std::string_view secret, const std::string& encoded_hash) {
  return argon2id_verify(encoded_hash.c_str(), secret.data(), secret.size()) == ARGON2_OK;
}

bool verify_against_nothing(std::string_view secret) {
  static const std::string hash = encoded_hash_of("nobody", "no client's salt");
  argon2id_verify(hash.c_str(), secret.data(), secret.size());
  return false;
}

}  // namespace tandem::auth
