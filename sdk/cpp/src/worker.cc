#include "tandem/worker.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <exception>
#include <future>
#include <optional>
#include <utility>

#include "base/random.h"
#include "failure.h"
#include "function_job.h"
#include "io/loop.h"
#include "net/http_client.h"
#include "wire/problem.h"
#include "worker/remote/remote_link.h"
#include "worker/worker.h"

namespace tandem::sdk {
namespace {

wire::WorkerMode mode_of(Mode mode) {
  if (mode == Mode::push) return wire::WorkerMode::push;
  return mode == Mode::polling ? wire::WorkerMode::polling : wire::WorkerMode::hybrid;
}

// Beside the configuration's address, as at every service of this protocol.
std::string registration_url(const std::string& config_url) {
  const std::size_t end = config_url.find_first_of("?#");
  const std::string path = config_url.substr(0, end);
  return path.substr(0, path.rfind('/')) + "/register";
}

std::string registered_token(const WorkerOptions& options, std::vector<std::string> job_types) {
  wire::Registration who;
  who.name = options.name;
  who.mode = mode_of(options.mode);
  who.slots = options.slots;
  who.labels.insert(options.labels.begin(), options.labels.end());
  who.job_types = std::move(job_types);
  net::Headers headers;
  headers.set("Authorization", "Bearer " + options.registration_token);
  headers.set("Content-Type", "application/json");
  net::HttpClient http;
  const auto answer = http.post(registration_url(options.config_url),
                                wire::encode_registration(who), std::move(headers));
  if (!answer) raise(answer.error());
  if (answer->status >= 300) raise(wire::decode_problem(answer->body, Errc::unauthenticated).error);
  const auto registered = wire::decode_registered(answer->body);
  if (!registered) raise(registered.error());
  return registered->worker_token;
}

}  // namespace

struct Worker::Impl {
  explicit Impl(WorkerOptions given) : options(std::move(given)) {}

  // What run() stands on.
  struct Running {
    Running(Impl& owner, std::string token)
        : impl(owner),
          pool("handlers", static_cast<std::size_t>(owner.options.slots)),
          link({.executor = loop.executor(),
                .clock = clock,
                .random = random,
                .ids = ids,
                .say = [](service::Severity, const std::string&) {},
                .on_refused = [this](const Error& error) { refused(error); }},
               {.config_url = owner.options.config_url,
                .token = std::move(token),
                .mode = mode_of(owner.options.mode)}),
          worker({.executor = loop.executor(),
                  .link = link,
                  .log = link,
                  .files = link.files(),
                  .offload = pool,
                  .clock = clock},
                 {.slots = owner.options.slots}) {
      for (auto& [job_type, handler] : impl.handlers)
        worker.handlers().add(job_type, function_of(handler, pool));
      for (auto& [job_type, handler] : impl.quick_handlers)
        worker.handlers().add(job_type, quick_function_of(handler));
    }

    void refused(const Error& error) {
      refusal = error;
      worker.hurry();
      begin_stop();
    }
    void begin_stop() {
      if (std::exchange(stopping, true)) return;
      io::asio::co_spawn(loop.executor(), wind_down(),
                         [this](std::exception_ptr) { stopped.set_value(); });
    }
    io::Awaitable<void> wind_down() {
      co_await worker.stop(impl.options.drain_ms);
      co_await link.finish();
    }

    Impl& impl;
    SystemClock clock;
    SystemRandom random;
    IdSource ids{clock, random};
    io::Loop loop{"worker"};
    io::OffloadPool pool;
    worker::remote::RemoteLink link;
    worker::Worker worker;
    std::optional<Error> refusal;
    bool stopping = false;
    std::promise<void> stopped;
  };

  std::vector<std::string> job_types() const {
    std::vector<std::string> names;
    for (const auto& [name, handler] : handlers) names.push_back(name);
    for (const auto& [name, handler] : quick_handlers) names.push_back(name);
    return names;
  }

  WorkerOptions options;
  std::map<std::string, Handler> handlers;
  std::map<std::string, QuickHandler> quick_handlers;
  std::mutex mutex;
  Running* running = nullptr;  // guarded by mutex, with the line below
  bool was_stopped = false;
};

Worker::Worker(WorkerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Worker::~Worker() = default;

void Worker::handle(std::string job_type, Handler handler) {
  impl_->handlers[std::move(job_type)] = std::move(handler);
}

void Worker::handle_quickly(std::string job_type, QuickHandler handler) {
  impl_->quick_handlers[std::move(job_type)] = std::move(handler);
}

void Worker::run() {
  std::signal(SIGPIPE, SIG_IGN);
  std::string token = impl_->options.worker_token;
  if (token.empty()) token = registered_token(impl_->options, impl_->job_types());
  Impl::Running running(*impl_, std::move(token));
  running.loop.post([&running] { running.worker.start(); });
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->running = &running;
    if (impl_->was_stopped) running.loop.post([&running] { running.begin_stop(); });
  }
  running.loop.start();
  running.stopped.get_future().wait();
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->running = nullptr;
  }
  running.pool.stop();
  running.loop.stop();
  if (running.refusal) raise(*running.refusal);
}

void Worker::stop() {
  const std::lock_guard lock(impl_->mutex);
  impl_->was_stopped = true;
  if (impl_->running == nullptr) return;
  impl_->running->loop.post([running = impl_->running] { running->begin_stop(); });
}

}  // namespace tandem::sdk
