#include "app/serve.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "app/server_app.h"
#include "app/version.h"

namespace tandem::app {
namespace {

constexpr int kExitConfig = 78;

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

int wait_for_signal(const sigset_t& signals) {
  int number = 0;
  while (sigwait(&signals, &number) != 0) {
  }
  return number;
}

void set_up_log(const config::Settings& settings) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tandem"));
  spdlog::set_level(spdlog::level::from_str(std::string(to_string(settings.log_level))));
  if (settings.log_json)
    spdlog::set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%v"})",
                        spdlog::pattern_time_type::utc);
  else
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::flush_on(spdlog::level::trace);
}

int run(const config::Settings& settings, exec::Guard* guard, const AddHandlers& add_handlers) {
  sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // all threads inherit it; this one waits for them
  std::signal(SIGPIPE, SIG_IGN);
  auto app = ServerApp::start(settings, guard, add_handlers);
  if (!app) {
    spdlog::error("tandem can't start: {}", app.error().detail);
    return 1;
  }
  spdlog::info("tandem {} is ready at {}", kVersion, (*app)->url());
  wait_for_signal(signals);
  spdlog::info("draining; a second signal stops at once");
  std::thread second([&, app = app->get()] {
    wait_for_signal(signals);
    app->hurry();
  });
  (*app)->stop();
  ::kill(::getpid(), SIGTERM);  // blocked in every thread: only the one that waits takes it
  second.join();
  spdlog::info("stopped");
  return 0;
}

}  // namespace

int serve(const config::Flags& flags, const AddHandlers& add_handlers) {
  auto settings = config::load(config::process_environment(), flags);
  if (!settings) {
    for (const std::string& sentence : settings.error().sentences)
      std::fprintf(stderr, "tandem: %s\n", sentence.c_str());
    return kExitConfig;
  }
  set_up_log(*settings);
  std::unique_ptr<exec::Guard> guard;
  if (settings->embedded_slots > 0) {
    auto started = exec::Guard::start();
    if (!started) {
      spdlog::error("tandem can't start: {}", started.error().detail);
      return 1;
    }
    guard = std::move(*started);
  }
  return run(*settings, guard.get(), add_handlers);
}

}  // namespace tandem::app
