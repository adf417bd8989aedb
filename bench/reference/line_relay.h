#pragma once

#include <cstdint>

namespace tandem::bench {

// Lines each second from a process that writes them, through a pipe and a process that reads and
// sends them, over sockets to `readers` in one process, which checks all they get: nothing is kept.
double bare_relay_lines_per_second(std::uint64_t lines, int readers = 1);

}  // namespace tandem::bench
