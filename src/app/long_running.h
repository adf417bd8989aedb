#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "config/load.h"
#include "config/settings.h"
#include "config/worker_file.h"
#include "service/complaints.h"

// What `tandem serve` and `tandem worker` have in common as processes that run until told to stop.
namespace tandem::app {

constexpr int kExitSettings = 78;

struct Configuration {
  config::Settings settings;
  config::WorkerFile worker_file;
};

// Settings and worker's file; all that is wrong with either at once. `check` adds what only the
// caller can say, also where other settings were refused. Secrets are wiped from the environment.
config::Loaded<Configuration> configure(
    const config::Flags& flags,
    const std::function<void(const config::Reading&, config::Violations&)>& check);
// Prints each sentence; answers the exit code of wrong settings.
int refuse(const std::vector<std::string>& sentences);

// The process's own log, to stderr.
void set_up_log(const config::Settings& settings);

// A line of it, of what speaks to a service.
void say(service::Severity severity, const std::string& sentence);

// SIGTERM and SIGINT, blocked in this thread and in those that it starts from now on; SIGPIPE is
// ignored.
class StopSignals {
 public:
  StopSignals();
  int wait() const;
  // Ends a wait(), now or later, as if a signal had come.
  static void raise();

 private:
  sigset_t signals_;
};

}  // namespace tandem::app
