#pragma once

#include "app/server_app.h"
#include "config/load.h"

namespace tandem::app {

// `tandem serve`: runs until SIGTERM or SIGINT, which drain; a second one stops at once. Call it
// before any thread is started. `add_handlers` gives the worker inside functions to run. Exit code:
// 0, 78 for settings that are wrong, 1 where it can't start.
int serve(const config::Flags& flags, const AddHandlers& add_handlers = nullptr);

}  // namespace tandem::app
