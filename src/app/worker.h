#pragma once

#include "config/load.h"

namespace tandem::app {

// `tandem worker`: works for a service on any machine until SIGTERM or SIGINT, which drain; a
// second one stops at once. `once`: until one task has ended. Call it before any thread is started.
// Exit code: 0; 78 for settings that are wrong, all told at once; 77 where the service refuses the
// token; 1 where it can't start.
int work(const config::Flags& flags, bool once);

// `tandem worker --rotate-token`: the worker of the data directory, which may be running, gets
// another token. Exit codes as above.
int rotate_worker_token(const config::Flags& flags);

}  // namespace tandem::app
