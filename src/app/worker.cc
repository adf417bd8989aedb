#include "app/worker.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "app/installation.h"
#include "app/isolation.h"
#include "app/long_running.h"
#include "app/tls_files.h"
#include "app/version.h"
#include "app/worker_app.h"
#include "app/worker_identity.h"
#include "service/complaints.h"
#include "worker/handler_registry.h"

namespace tandem::app {
namespace {

constexpr int kExitFailed = 1, kExitRefused = 77;

void check_settings(const config::Reading& reading, config::Violations& all) {
  const config::Settings& settings = reading.settings;
  check_ca_file(settings, all);
  if (reading.refused.contains("TANDEM_CONFIG_URL")) return;  // a token is one for that service
  if (settings.config_url.empty())
    all.sentences.push_back(
        "TANDEM_CONFIG_URL (or --config-url) is not set: the /polling/config of the service to "
        "work for");
  const std::atomic<bool> never = false;
  const bool has_token = !settings.worker_token.empty() || !settings.registration_token.empty() ||
                         IdentitySource(settings, settings.data_dir, never).saved().has_value();
  if (!has_token)
    all.sentences.push_back(
        "Neither TANDEM_WORKER_TOKEN nor TANDEM_REGISTRATION_TOKEN is set, and the data directory "
        "holds no token for this service");
}

void check_rotation(const config::Reading& reading, config::Violations& all) {
  check_settings(reading, all);
  if (!reading.settings.worker_token.empty())
    all.sentences.push_back(
        "TANDEM_WORKER_TOKEN is set: only a token that the data directory keeps can be changed");
}

// What the signals reach: nothing yet, a registration under way, or the app.
class Stopper {
 public:
  // False where it was stopped before.
  bool attach(WorkerApp& app) {
    const std::lock_guard lock(mutex_);
    app_ = &app;
    return !stop_;
  }
  void detach() {
    const std::lock_guard lock(mutex_);
    app_ = nullptr;
  }
  void signalled() {
    const std::lock_guard lock(mutex_);
    const bool is_second = stop_.exchange(true);
    if (app_ == nullptr) return;
    if (is_second)
      app_->hurry();
    else
      app_->stop();
  }
  const std::atomic<bool>& stop() const { return stop_; }

 private:
  std::mutex mutex_;
  WorkerApp* app_ = nullptr;
  std::atomic<bool> stop_ = false;
};

int explain_refusal(const Error& error, const std::filesystem::path& data_dir) {
  const std::string why = service::one_line(error.detail);
  if (error.code == Errc::token_revoked)
    spdlog::error("The worker's token was revoked: {}. Register it anew without {}", why,
                  (data_dir / "worker.json").string());
  else
    spdlog::error("The service refuses the worker's token: {}", why);
  return kExitRefused;
}

bool is_refusal(const Error& error) {
  const int status = row_of(error.code).http_status;
  return status == 401 || status == 403;
}

std::vector<std::string> job_types(const config::Settings& settings,
                                   const config::WorkerFile& file) {
  worker::HandlerSettings handlers{.directory = settings.handlers_dir,
                                   .allow_commands = settings.allow_exec == config::AllowExec::yes,
                                   .file = file};
  return worker::HandlerRegistry(std::move(handlers)).job_types();
}

int run_worker(Configuration& configuration, exec::Guard& guard, Stopper& stopper, bool once) {
  const config::Settings& settings = configuration.settings;
  const std::filesystem::path data_dir(settings.data_dir);
  auto lock = open_locked(data_dir, "worker.lock");
  if (!lock) {
    spdlog::error("tandem worker can't start: {}", lock.error().detail);
    return kExitFailed;
  }
  const IdentitySource source(settings, data_dir, stopper.stop());
  const auto identity =
      source.find(registration_of(settings, job_types(settings, configuration.worker_file)));
  if (!identity && identity.error().code == Errc::shutting_down) return 0;
  if (!identity && is_refusal(identity.error())) return explain_refusal(identity.error(), data_dir);
  if (!identity) {
    spdlog::error("tandem worker can't start: {}", identity.error().detail);
    return kExitFailed;
  }
  WorkerApp app(settings, WorkerAppSetup{.guard = guard,
                                         .file = std::move(configuration.worker_file),
                                         .worker_token = identity->worker_token,
                                         .once = once});
  if (!stopper.attach(app)) app.stop();
  spdlog::info("tandem worker {} works for {}", kVersion, settings.config_url);
  const auto refusal = app.run();
  stopper.detach();
  if (refusal) return explain_refusal(*refusal, data_dir);
  spdlog::info("stopped");
  return 0;
}

}  // namespace

int work(const config::Flags& flags, bool once) {
  auto configuration = configure(flags, check_settings);
  if (!configuration) return refuse(configuration.error().sentences);
  const config::Settings& settings = configuration->settings;
  set_up_log(settings);
  auto guard = exec::Guard::start();
  if (!guard) {
    spdlog::error("tandem worker can't start: {}", guard.error().detail);
    return kExitFailed;
  }
  const exec::Capabilities& system = (*guard)->capabilities();
  const auto unmet = unmet_isolation(configuration->worker_file, system, settings.work_dir);
  if (!unmet.empty()) return refuse(unmet);
  for (const std::string& sentence : system.missing) spdlog::warn("{}", sentence);

  const StopSignals signals;
  Stopper stopper;
  std::atomic<bool> is_over = false;
  std::thread watcher([&] {
    while (signals.wait(), !is_over) {
      if (!stopper.stop()) spdlog::info("draining; a second signal stops at once");
      stopper.signalled();
    }
  });
  const int exit_code = run_worker(*configuration, **guard, stopper, once);
  is_over = true;
  StopSignals::raise();
  watcher.join();
  return exit_code;
}

int rotate_worker_token(const config::Flags& flags) {
  const auto configuration = configure(flags, check_rotation);
  if (!configuration) return refuse(configuration.error().sentences);
  const config::Settings& settings = configuration->settings;
  set_up_log(settings);
  const std::atomic<bool> never = false;
  const auto until = IdentitySource(settings, settings.data_dir, never).rotate();
  if (!until && is_refusal(until.error())) return explain_refusal(until.error(), settings.data_dir);
  if (!until) {
    spdlog::error("The token was not changed: {}", service::one_line(until.error().detail));
    return kExitFailed;
  }
  spdlog::info(
      "the worker has another token; one that runs has to be started again by {}, when "
      "the one before ends",
      to_rfc3339(*until));
  return 0;
}

}  // namespace tandem::app
