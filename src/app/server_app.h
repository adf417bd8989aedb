#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "config/settings.h"
#include "config/worker_file.h"
#include "exec/guard.h"
#include "worker/handler_registry.h"

namespace tandem::app {

// Registers functions that the worker inside the server runs.
using AddHandlers = std::function<void(worker::HandlerRegistry&)>;

// What the worker inside runs jobs with.
struct WorkerSetup {
  exec::Guard* guard = nullptr;  // outlives the app; null: there is no worker inside
  config::WorkerFile file;
  AddHandlers add_handlers = nullptr;
};

// The composition root of `tandem serve`: owns every part, in the order in which they stand on one
// another, and stops them in reverse.
class ServerApp {
 public:
  static Result<std::unique_ptr<ServerApp>> start(const config::Settings& settings,
                                                  WorkerSetup setup);
  ~ServerApp();

  const std::string& url() const;
  // Blocks until what runs has ended or the drain timeout is over. hurry(), from another thread,
  // ends the waiting.
  void stop();
  void hurry();

 private:
  struct Parts;
  explicit ServerApp(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tandem::app
