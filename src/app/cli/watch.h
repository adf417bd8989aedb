#pragma once

#include <optional>
#include <string>

#include "app/cli/session.h"
#include "core/task.h"

namespace tandem::app::cli {

struct WatchOptions {
  std::string after;           // a place in the log, such as "2-17"; empty: from its begin
  bool answers = false;        // stdin answers the task's questions, or is its terminal
  bool cancels = false;        // the first Ctrl-C cancels the task, the second leaves
  bool log_to_stderr = false;  // all of it; else stdout to stdout, the rest to stderr
  bool json = false;           // a record a line, as JSON, on stdout
  bool has_progress = false;   // a bar on the terminal
  std::optional<std::uint32_t> attempt;  // shows the log of this one only
};

struct Watched {
  std::optional<Task> task;  // as last seen; terminal unless it was left before
  bool left = false;         // by Ctrl-] or a second Ctrl-C
};

// Follows a task over the WebSocket until it has ended; connects again where that breaks. Blocks.
Result<Watched> watch(Session& session, const std::string& task_id, const WatchOptions& options);

}  // namespace tandem::app::cli
