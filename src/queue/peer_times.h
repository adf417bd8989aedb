#pragma once

#include <cstdint>

// How long a server may be silent to the others.
namespace tandem::queue {

// A turn begins with a beat, a sign of life in the store, where the last one was so long ago.
inline constexpr std::int64_t kBeatMs = 500;
// What a worker runs may be drawn from a server that has been silent for so long: what that says of
// a task until its next beat was asked before the draw.
inline constexpr std::int64_t kSilentMs = kBeatMs + 250;
// It is dead: all that it held is taken over. A whole takeover takes less than 10 s.
inline constexpr std::int64_t kDeadMs = 6000;

}  // namespace tandem::queue
