#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/result.h"
#include "exec/guard.h"
#include "exec/process.h"
#include "io/asio.h"

namespace tandem::exec {

// Starts jobs. One loop each: all calls, and all of its processes, on that loop's thread. Idle
// shepherds are kept for the next job.
class Launcher {
 public:
  // Ignores SIGPIPE in this process. `guard` must outlive the launcher, and has only one.
  Launcher(io::Executor executor, Guard& guard);
  ~Launcher();  // kills what still runs

  // The job's first process runs when this returns. validation_failed: the specification is wrong
  // (relative path, NUL byte, bad name) or its file cannot be executed; `detail` is a sentence that
  // says why (no such file, not executable, not a program). internal: no resources, or no guard.
  io::Awaitable<Result<std::unique_ptr<Process>>> launch(ProcessSpec spec);

  // False while there is no guard; the next launch starts another one.
  bool is_alive() const;
  std::size_t idle_shepherds() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace tandem::exec
