#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/id.h"
#include "base/random.h"
#include "base/result.h"

// Refresh tokens: each is used once and makes its successor; the rules, as pure functions over the
// stored row. The store is the caller's.
namespace tandem::auth {

inline constexpr std::int64_t kRefreshGraceMs = 10'000;

// What is known of a presented token; the caller copies it from its row.
struct RefreshState {
  WallTime expires_at;
  std::optional<WallTime> used_at;
  std::string successor;  // sealed
  bool revoked = false;
};

enum class RefreshAction : std::uint8_t {
  rotate,         // make a successor, store it, mark this one used with the sealed successor
  repeat,         // a lost answer: answer `successor` again (its row exists)
  revoke_family,  // used before: revoke the family, then answer the error
  refuse,         // answer the error
};

struct RefreshDecision {
  RefreshAction action = RefreshAction::refuse;
  std::string successor;  // repeat: the token to answer, opened
  Error error;  // revoke_family: token_reused; refuse: invalid_grant, token_expired, token_revoked
};

// `state` is empty where no row has the token's hash.
RefreshDecision decide_refresh(const std::optional<RefreshState>& state, std::string_view presented,
                               WallTime now);

// AES-256-GCM under a key made from the presented token by HKDF-SHA-256: whoever has the database
// but not the token can't open it. Written as base64url of nonce, text and tag.
std::string seal_successor(std::string_view successor, std::string_view presented, Random& random);
// Nothing where it was altered or sealed for another token.
std::optional<std::string> open_successor(std::string_view sealed, std::string_view presented);

}  // namespace tandem::auth
