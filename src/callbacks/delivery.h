#pragma once

#include <cstdint>
#include <optional>

#include "auth/callback_signer.h"
#include "core/task.h"
#include "net/http_client.h"
#include "store/callback.h"

// What is sent to a callback_url, and when. Pure.
namespace tandem::callbacks {

inline constexpr std::int64_t kFirstPauseMs = 1000, kMaxPauseMs = 3600'000;
inline constexpr std::int64_t kGiveUpAfterMs = 24 * 3600'000;  // since the task ended

// When to try again after a try at `now` that failed: 1 s later, 2 s, 4 s, … an hour. Nothing where
// that would be more than a day after the task's end: then it is given up.
std::optional<WallTime> next_try(const store::Callback& callback, WallTime now);

// The same for every try of one end of a task; another end has another.
std::string delivery_id(const store::Callback& callback);

// POST of the task as JSON, with Tandem-Delivery and Tandem-Signature.
net::HttpCall call_for(const store::Callback& callback, const Task& task,
                       const auth::CallbackSigner& signer, WallTime now);

}  // namespace tandem::callbacks
