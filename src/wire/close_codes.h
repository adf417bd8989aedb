#pragma once

#include <cstdint>

// How a server closes a socket, beside the codes of RFC 6455 (docs/protocol.md).
namespace tandem::wire {

inline constexpr std::uint16_t kTokenEnded = 4401;  // expired, revoked, or replaced
inline constexpr std::uint16_t kSilent = 4408;      // no word for two heartbeats
inline constexpr std::uint16_t kReplaced = 4409;    // the worker is on another channel

}  // namespace tandem::wire
