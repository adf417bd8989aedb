#include "app/serve.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "app/isolation.h"
#include "app/server_app.h"
#include "app/version.h"

namespace tandem::app {
namespace {

constexpr int kExitConfig = 78;

struct Configuration {
  config::Settings settings;
  config::WorkerFile worker_file;
};

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

int run(const config::Settings& settings, WorkerSetup setup) {
  sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // all threads inherit it; this one waits for them
  std::signal(SIGPIPE, SIG_IGN);
  auto app = ServerApp::start(settings, std::move(setup));
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

int refuse(const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences)
    std::fprintf(stderr, "tandem: %s\n", sentence.c_str());
  return kExitConfig;
}

// What the contract has and this server has not yet: better not to start than to use another store.
void add_missing_engines(const config::Settings& settings, config::Violations& all) {
  if (!settings.database_url.empty())
    all.sentences.push_back("TANDEM_DATABASE_URL: tasks can be kept in the data directory only");
  if (!settings.logs_url.empty())
    all.sentences.push_back("TANDEM_LOGS_URL: logs can be kept in the data directory only");
}

// The file is looked at also where other settings are wrong, so that all is told at once.
config::Loaded<Configuration> configure(const config::Flags& flags) {
  const config::Environment environment = config::process_environment();
  auto settings = config::load(environment, flags);
  auto file = config::read_worker_file(
      config::raw_setting("TANDEM_WORKER_CONFIG", environment, flags), environment);
  config::Violations all;
  const auto add = [&all](const config::Violations& more) {
    all.sentences.insert(all.sentences.end(), more.sentences.begin(), more.sentences.end());
  };
  if (settings)
    add_missing_engines(*settings, all);
  else
    add(settings.error());
  if (!file) add(file.error());
  if (!all.sentences.empty()) return all;
  config::wipe_secrets(file->secret_variables);
  return Configuration{std::move(*settings), std::move(*file)};
}

}  // namespace

int serve(const config::Flags& flags, const AddHandlers& add_handlers) {
  auto configuration = configure(flags);
  if (!configuration) return refuse(configuration.error().sentences);
  config::Settings* settings = &configuration->settings;
  set_up_log(*settings);
  std::unique_ptr<exec::Guard> guard;
  if (settings->embedded_slots > 0) {
    auto started = exec::Guard::start();
    if (!started) {
      spdlog::error("tandem can't start: {}", started.error().detail);
      return 1;
    }
    guard = std::move(*started);
    const auto unmet =
        unmet_isolation(configuration->worker_file, guard->capabilities(), settings->work_dir);
    if (!unmet.empty()) return refuse(unmet);
  }
  WorkerSetup setup{.guard = guard.get(),
                    .file = std::move(configuration->worker_file),
                    .add_handlers = add_handlers};
  return run(*settings, std::move(setup));
}

}  // namespace tandem::app
