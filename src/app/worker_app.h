#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "config/settings.h"
#include "config/worker_file.h"
#include "exec/guard.h"

namespace tandem::app {

struct WorkerAppSetup {
  exec::Guard& guard;  // outlives the app
  config::WorkerFile file;
  std::string worker_token;
  bool once = false;
};

// The composition root of `tandem worker`: a worker, and its link to a service far away.
class WorkerApp {
 public:
  WorkerApp(const config::Settings& settings, WorkerAppSetup setup);
  ~WorkerApp();  // after wait() has returned

  // Works until stop(), or what was to be done once is done, or the service refuses the token; then
  // what runs has ended or was killed, and its end was told. Blocks. An error: why it was refused.
  std::optional<Error> run();
  // Thread-safe, may be repeated: run() returns when what runs has ended, at the latest after the
  // drain timeout. hurry(): at once.
  void stop();
  void hurry();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tandem::app
