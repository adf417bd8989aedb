#pragma once

#include "exec/guard.h"

namespace tandem::exec {

// Finds out which isolation this process may give to jobs. Single-threaded: forks.
void look_at_isolation(Capabilities& found);
// A sentence for each that is not there.
void say_what_is_missing(Capabilities& found);

}  // namespace tandem::exec
