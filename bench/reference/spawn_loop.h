#pragma once

#include <string>
#include <vector>

namespace tandem::bench {

// Processes each second that plain loops of posix_spawn and waitpid run to their end, one loop for
// each core, output to /dev/null.
double bare_spawns_per_second(const std::vector<std::string>& argv, int processes);

}  // namespace tandem::bench
