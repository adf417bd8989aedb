#pragma once

#include <sys/types.h>

#include <cstdint>

namespace tandem::bench {

// What a process has used so far, all of its threads together, as the kernel tells.
double cpu_seconds(pid_t pid);
double resident_bytes(pid_t pid);

// Microseconds on the monotonic clock, which all processes of the machine share.
std::int64_t now_us();
inline double seconds_since(std::int64_t began_us) {
  return static_cast<double>(now_us() - began_us) / 1e6;
}
// Blocks until then.
void wait_until_us(std::int64_t when_us);

}  // namespace tandem::bench
