#include "auth/token_verifier.h"

#include <cstring>
#include <utility>
#include <vector>

#include "base/random.h"

namespace tandem::auth {
namespace {

// Word by word, without a branch on what is compared.
bool same_bytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  std::uint64_t difference = 0;
  std::size_t i = 0;
  for (; i + 8 <= a.size(); i += 8) {
    std::uint64_t left = 0, right = 0;
    std::memcpy(&left, a.data() + i, 8);
    std::memcpy(&right, b.data() + i, 8);
    difference |= left ^ right;
  }
  for (; i < a.size(); ++i)
    difference |= static_cast<std::uint64_t>(static_cast<unsigned char>(a[i]) ^
                                             static_cast<unsigned char>(b[i]));
  return difference == 0;
}

// The end of a token is its signature, which is as good as random.
std::uint64_t place_of(std::string_view token, std::uint64_t seed) {
  std::uint64_t a = 0, b = 0;
  std::memcpy(&a, token.data() + token.size() - 8, 8);
  std::memcpy(&b, token.data() + token.size() - 16, 8);
  const std::uint64_t mixed = (a ^ seed) * 0x9E3779B97F4A7C15ull + (b ^ (seed >> 7));
  return (mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9ull >> 20;
}

constexpr std::size_t kMinTokenBytes = 64;

}  // namespace

struct TokenVerifier::Slot {
  std::string token;
  Claims claims;
};

// A token has one place only; a later one that falls there takes it.
struct alignas(64) TokenVerifier::Shard {
  std::mutex mutex;
  std::vector<Slot> slots{kSlots / kShards};  // guarded by mutex
};

TokenVerifier::TokenVerifier(std::string current, std::string previous, const Clock& clock)
    : current_(std::move(current)),
      previous_(std::move(previous)),
      clock_(clock),
      seed_(SystemRandom().next()),
      shards_(std::make_unique<Shard[]>(kShards)) {}

TokenVerifier::~TokenVerifier() = default;

Result<Claims> TokenVerifier::verify(std::string_view token) {
  if (token.size() < kMinTokenBytes || token.size() > kMaxTokenBytes)
    return fail(Errc::token_invalid);
  const WallTime now = clock_.wall();
  const std::uint64_t place = place_of(token, seed_);
  Shard& shard = shards_[place % kShards];
  const std::size_t index = place / kShards % (kSlots / kShards);
  {
    const std::lock_guard lock(shard.mutex);
    const Slot& slot = shard.slots[index];
    if (same_bytes(slot.token, token)) {
      if (auto in_time = check_times(slot.claims, now); !in_time) return in_time.error();
      return slot.claims;
    }
  }
  auto claims = verify_signature(token, now);
  if (!claims) return claims;
  const std::lock_guard lock(shard.mutex);
  shard.slots[index].token = token;
  shard.slots[index].claims = *claims;
  return claims;
}

Result<Claims> TokenVerifier::verify_signature(std::string_view token, WallTime now) const {
  auto claims = verify_access_token(token, current_, now);
  if (claims || previous_.empty() || claims.error().code != Errc::token_invalid) return claims;
  return verify_access_token(token, previous_, now);
}

}  // namespace tandem::auth
