#pragma once

#include <memory>
#include <optional>

#include "api/call.h"
#include "api/log_follow.h"
#include "api/task_follow.h"
#include "net/body_source.h"

namespace tandem::api {

// Which records of a log, from a query.
struct LogSelection {
  logs::LogPosition after;
  std::optional<int> limit;
  std::optional<logs::LogStream> stream;  // none: all
};

// Does the caller's token still count? For answers that go on for long.
bool is_still_welcome(const ApiState& api, const Caller& caller);

// The bytes of what is kept now.
std::unique_ptr<net::BodySource> raw_log(const Services& services, TaskId task,
                                         LogSelection selection);

enum class FollowFormat : std::uint8_t { events, raw };
// What is kept and what comes, until the task is terminal and its last record was sent; ends early
// where the token ends.
std::unique_ptr<net::BodySource> followed_log(Call& call, std::unique_ptr<TaskFollow> task,
                                              LogSelection selection, FollowFormat format);

}  // namespace tandem::api
