#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "auth/access_token.h"

namespace tandem::auth {

// Verifies access tokens against the current secret and the previous one, and remembers those that
// were good, so that a repeat costs a hash and a compare. Expiry is checked each time. Memory is
// bounded: kSlots tokens. Thread-safe.
class TokenVerifier {
 public:
  // `previous` may be empty. `clock` is borrowed.
  TokenVerifier(std::string current, std::string previous, const Clock& clock);
  ~TokenVerifier();

  // Errors: token_invalid, token_expired.
  Result<Claims> verify(std::string_view token);

  static constexpr std::size_t kSlots = 8192;

 private:
  struct Slot;
  struct Shard;
  static constexpr std::size_t kShards = 64;
  Result<Claims> verify_signature(std::string_view token, WallTime now) const;

  std::string current_, previous_;
  const Clock& clock_;
  std::uint64_t seed_;  // of the hash, so that nobody can aim at a slot
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace tandem::auth
