#include "app/worker_app.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <filesystem>
#include <future>
#include <utility>

#include "app/long_running.h"
#include "base/random.h"
#include "exec/launcher.h"
#include "io/loop.h"
#include "worker/remote/remote_link.h"
#include "worker/worker.h"

namespace tandem::app {
namespace {

worker::remote::RemoteSettings link_settings(const config::Settings& settings, std::string token) {
  worker::remote::RemoteSettings how;
  how.config_url = settings.config_url;
  how.token = std::move(token);
  how.ca_file = settings.ca_file;
  how.mode = wire::worker_mode_from(settings.worker_mode).value_or(wire::WorkerMode::hybrid);
  how.poll_interval_ms = settings.poll_interval_ms;
  return how;
}

worker::WorkerSettings worker_settings(const config::Settings& settings, WorkerAppSetup& setup) {
  namespace fs = std::filesystem;
  worker::WorkerSettings how{.slots = setup.once ? 1 : settings.slots, .once = setup.once};
  how.process.work_dir = settings.work_dir.empty()
                             ? (fs::absolute(settings.data_dir) / "worker-jobs").string()
                             : settings.work_dir;
  how.process.env_allow = settings.env_allow;
  how.process.grace_ms = settings.grace_ms;
  how.process.keep_work_dirs = settings.keep_work_dirs;
  how.handlers = {.directory = settings.handlers_dir,
                  .allow_commands = settings.allow_exec == config::AllowExec::yes,
                  .file = std::move(setup.file)};
  if (setup.guard.capabilities().process_limit)
    how.handlers.max_processes = limits::kMaxJobProcesses;
  return how;
}

}  // namespace

struct WorkerApp::Parts {
  Parts(const config::Settings& settings, WorkerAppSetup setup)
      : drain_ms(settings.drain_timeout_ms),
        launcher(loop.executor(), setup.guard),
        link(worker::remote::RemoteParts{.executor = loop.executor(),
                                         .clock = clock,
                                         .random = random,
                                         .ids = ids,
                                         .say = say,
                                         .on_refused =
                                             [this](const Error& error) { refused(error); }},
             link_settings(settings, std::move(setup.worker_token))),
        worker(worker::WorkerParts{.executor = loop.executor(),
                                   .link = link,
                                   .log = link,
                                   .files = link.files(),
                                   .launcher = &launcher,
                                   .offload = offload,
                                   .clock = clock},
               worker_settings(settings, setup)) {
    worker.set_on_done([this] { begin_stop(); });
  }

  void refused(const Error& error) {
    refusal = error;
    worker.hurry();
    begin_stop();
  }

  // On the loop.
  void begin_stop() {
    if (std::exchange(stopping, true)) return;
    io::asio::co_spawn(loop.executor(), wind_down(),
                       [this](std::exception_ptr) { stopped.set_value(); });
  }
  io::Awaitable<void> wind_down() {
    co_await worker.stop(drain_ms);
    co_await link.finish();
  }

  const std::int64_t drain_ms;
  SystemClock clock;
  SystemRandom random;
  IdSource ids{clock, random};
  io::Loop loop{"worker"};
  io::OffloadPool offload{"files", 4};
  exec::Launcher launcher;
  worker::remote::RemoteLink link;
  worker::Worker worker;
  std::optional<Error> refusal;
  bool stopping = false;
  std::promise<void> stopped;
};

WorkerApp::WorkerApp(const config::Settings& settings, WorkerAppSetup setup)
    : parts_(std::make_unique<Parts>(settings, std::move(setup))) {}

WorkerApp::~WorkerApp() = default;

std::optional<Error> WorkerApp::run() {
  Parts& parts = *parts_;
  parts.loop.post([&parts] { parts.worker.start(); });
  parts.loop.start();
  parts.stopped.get_future().wait();
  parts.offload.stop();
  parts.loop.stop();
  return parts.refusal;
}

void WorkerApp::stop() {
  parts_->loop.post([parts = parts_.get()] { parts->begin_stop(); });
}

void WorkerApp::hurry() {
  parts_->loop.post([parts = parts_.get()] {
    parts->worker.hurry();
    parts->link.hurry();
  });
}

}  // namespace tandem::app
