#include "app/serve.h"

#include <spdlog/spdlog.h>

#include <thread>

#include "app/blob_storage.h"
#include "app/isolation.h"
#include "app/long_running.h"
#include "app/server_app.h"
#include "app/tls_files.h"
#include "app/version.h"
#include "logs/redis/redis_address.h"

namespace tandem::app {
namespace {

int run_server(const config::Settings& settings, WorkerSetup setup) {
  const StopSignals signals;
  auto app = ServerApp::start(settings, std::move(setup));
  if (!app) {
    spdlog::error("tandem can't start: {}", app.error().detail);
    return 1;
  }
  spdlog::info("tandem {} is ready at {}", kVersion, (*app)->url());
  signals.wait();
  spdlog::info("draining; a second signal stops at once");
  std::thread second([&, app = app->get()] {
    signals.wait();
    app->hurry();
  });
  (*app)->stop();
  StopSignals::raise();
  second.join();
  spdlog::info("stopped");
  return 0;
}

// What the contract has and this server has not yet: better not to start than to use another store.
void check_engines(const config::Settings& settings, config::Violations& all) {
  if (settings.database_url.starts_with("sqlite:"))
    all.sentences.push_back(
        "TANDEM_DATABASE_URL: leave it empty for SQLite, which is kept in the data directory");
  if (const auto checked = check_blob_storage(settings); !checked)
    all.sentences.push_back(checked.error().detail);
  if (settings.logs_url.empty()) return;
  if (const auto address = logs::parse_redis_url(settings.logs_url); !address)
    all.sentences.push_back("TANDEM_LOGS_URL " + address.error().detail);
}

void check(const config::Reading& reading, config::Violations& all) {
  check_engines(reading.settings, all);
  check_certificate(reading.settings, all);
  check_ca_file(reading.settings, all);
}

}  // namespace

int serve(const config::Flags& flags, const AddHandlers& add_handlers) {
  auto configuration = configure(flags, check);
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
  return run_server(*settings, std::move(setup));
}

}  // namespace tandem::app
