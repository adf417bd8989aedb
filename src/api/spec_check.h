#pragma once

#include "base/result.h"
#include "config/settings.h"
#include "core/task.h"
#include "net/outgoing_guard.h"

namespace tandem::api {

// What a server of these settings can't take, however well it is written: validation_failed where
// nobody could ever run the task in its mode, or the callback_url leads where it may not.
Result<void> check_spec(const config::Settings& settings, const net::OutgoingGuard& outgoing,
                        const TaskSpec& spec);

}  // namespace tandem::api
