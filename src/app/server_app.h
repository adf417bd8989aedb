#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "config/settings.h"
#include "exec/guard.h"
#include "worker/handler_registry.h"

namespace tandem::app {

// Registers functions that the worker inside the server runs, before it starts.
using AddHandlers = std::function<void(worker::HandlerRegistry&)>;

// The composition root of `tandem serve`: owns every part, in the order in which they stand on one
// another, and stops them in reverse.
class ServerApp {
 public:
  // `guard` may be null: then there is no worker inside. Both outlive the app.
  static Result<std::unique_ptr<ServerApp>> start(const config::Settings& settings,
                                                  exec::Guard* guard,
                                                  const AddHandlers& add_handlers);
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
