#pragma once

#include <sys/types.h>

#include <unordered_set>
#include <vector>

namespace tandem::exec {

// All living descendants of `root`, without itself, as /proc shows them at this moment: the nearest
// first. Zombies are left out, and so are the trees below the members of `except`, with them. A
// tree that grows needs a repeat.
std::vector<pid_t> descendants_of(pid_t root, const std::unordered_set<pid_t>& except = {});

// Sends `signal` to each. Returns how many there were.
int signal_all(const std::vector<pid_t>& pids, int signal);

}  // namespace tandem::exec
