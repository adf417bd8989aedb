#pragma once

#include <sys/types.h>

#include <cstdint>

namespace tandem::bench {

// What a process and all that descend from it have used so far, as the kernel tells: a server's
// guard, shepherds and jobs are processes of their own. Those that have ended count where their
// parent has waited for them.
double cpu_seconds(pid_t pid);
// Their memory now; a page that several of them share is shared out among those who have it.
double memory_bytes(pid_t pid);

// Microseconds on the monotonic clock, which all processes of the machine share.
std::int64_t now_us();
inline double seconds_since(std::int64_t began_us) {
  return static_cast<double>(now_us() - began_us) / 1e6;
}
// Blocks until then.
void wait_until_us(std::int64_t when_us);

}  // namespace tandem::bench
