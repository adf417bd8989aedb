#include "app/server_app.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "api/api.h"
#include "api/spec_check.h"
#include "app/blob_storage.h"
#include "app/installation.h"
#include "app/log_storage.h"
#include "app/secret_fingerprint.h"
#include "app/storage.h"
#include "app/upstream_loop.h"
#include "app/version.h"
#include "auth/jwt_secret.h"
#include "callbacks/callback_sender.h"
#include "exec/launcher.h"
#include "net/server.h"
#include "queue/maintenance/idempotency_expiry.h"
#include "queue/maintenance/log_archiving.h"
#include "queue/maintenance/maintenance.h"
#include "queue/maintenance/orphans.h"
#include "queue/maintenance/refresh_expiry.h"
#include "queue/maintenance/retention.h"
#include "queue/maintenance/unsent_log_sending.h"
#include "worker/embedded_worker.h"

namespace tandem::app {
namespace {

constexpr std::int64_t kDrainConnectionsMs = 3000;

std::size_t loop_count(const config::Settings& settings) {
  if (settings.loops > 0) return static_cast<std::size_t>(settings.loops);
  return std::max(1u, std::thread::hardware_concurrency());
}

Result<std::string> jwt_secret(const config::Settings& settings, const Installation& place,
                               Random& random) {
  if (!settings.jwt_secret.empty()) return settings.jwt_secret;
  return auth::load_or_make_jwt_secret(place.directory(), random);
}

// The machine's clock and chance, and the ids made of them.
struct World {
  SystemClock clock;
  SystemRandom random;
  IdSource ids{clock, random};
};

// What is opened before any thread runs.
struct Opened {
  Installation place;
  Storage tasks;
  std::unique_ptr<blobs::BlobStore> blobs;
  LogStorage logs;
  std::string secret;
  std::string installation;
  WorkerId embedded_worker;
  std::optional<ClientId> upstream_client;  // none: no service is polled
};

Result<Opened> open_all(const config::Settings& settings, World& world) {
  auto place = Installation::open(settings.data_dir);
  if (!place) return place.error();
  auto secret = jwt_secret(settings, *place, world.random);
  if (!secret) return secret.error();
  auto tasks = open_storage(settings, *place);
  if (!tasks) return tasks.error();
  store::Store& store = *tasks->store;
  auto unfit = keep_secret_fingerprint(settings, *place, *secret, store);
  if (!unfit) return unfit.error();
  if (!unfit->empty()) spdlog::warn("{}", *unfit);
  auto embedded = Installation::embedded_worker(store, world.ids, tasks->server_id);
  if (!embedded) return embedded.error();
  if (auto made = place->make_first_clients(store, world.clock, world.ids, world.random); !made)
    return made.error();
  auto installation = Installation::installation_id(store, world.ids);
  if (!installation) return installation.error();
  auto upstream_client = upstream_client_of(settings, store, world.ids);
  if (!upstream_client) return upstream_client.error();
  auto blob_store = open_blob_storage(settings, *place);
  if (!blob_store) return blob_store.error();
  auto logs = open_log_storage(settings, *place, **blob_store);
  if (!logs) return logs.error();
  return Opened{std::move(*place), std::move(*tasks),  std::move(*blob_store),
                std::move(*logs),  std::move(*secret), std::move(*installation),
                *embedded,         *upstream_client};
}

}  // namespace

struct ServerApp::Parts {
  Parts(const config::Settings& given, std::unique_ptr<World> the_world, Opened opened,
        WorkerSetup setup);

  const config::Settings settings;
  std::unique_ptr<World> world;
  SystemClock* clock = &world->clock;
  Opened data;

  std::vector<std::unique_ptr<io::Loop>> loops;
  std::vector<std::unique_ptr<io::LoopOutbox>> outboxes;
  std::unique_ptr<io::Loop> worker_loop;
  std::unique_ptr<io::LoopOutbox> worker_outbox;  // as the others: the log hub answers to the last
  api::LoopDoors doors;
  io::OffloadPool reading{"reading", 4};
  io::OffloadPool hashing{"hashing", 2, 64};
  logs::LogHub log_hub{*data.logs.store, data.logs.reader()};
  // Maintenance's while that runs, then the worker's.
  logs::UnsentLogs unsent_logs{data.place.file("unsent-logs.db")};
  queue::DirectOutbox callback_outbox;
  net::OutgoingGuard outgoing{settings.callback_allow_hosts};
  queue::Dispatcher dispatcher;
  queue::DispatcherThread dispatcher_thread{dispatcher, *clock};
  auth::TokenVerifier verifier;
  auth::TokenIssuer issuer;
  auth::LoginThrottle throttle{*clock};
  auth::CallbackSigner callback_signer{data.secret, settings.jwt_secret_previous};
  std::unique_ptr<exec::Launcher> launcher;
  std::unique_ptr<worker::EmbeddedWorker> worker;
  queue::DispatcherDoor maintenance_door{dispatcher_thread};
  std::unique_ptr<queue::Maintenance> maintenance;
  std::unique_ptr<callbacks::CallbackSender> callback_sender;
  std::unique_ptr<UpstreamLoop> upstream;  // null: no service is polled
  std::unique_ptr<api::Api> api;
  std::unique_ptr<store::PeerBell> bell;  // null: there can be no other servers
  std::unique_ptr<net::Server> server;
  std::string url;
  bool worker_runs = false, stopped = false;

  void make_loops();
  void make_worker(WorkerSetup setup);
  void make_api();
  void make_maintenance();
  void make_upstream();
  void follow_peers();
  Result<void> start();
  void start_worker();
  void stop_worker();
};

ServerApp::Parts::Parts(const config::Settings& given, std::unique_ptr<World> the_world,
                        Opened opened, WorkerSetup setup)
    : settings(given),
      world(std::move(the_world)),
      data(std::move(opened)),
      dispatcher(*data.tasks.store, *clock,
                 queue::DispatcherSettings{
                     .lease_ms = settings.lease_ms,
                     .accept_timeout_ms = settings.accept_timeout_ms,
                     .reconnect_ms = settings.reconnect_ms,
                     .embedded_worker = data.embedded_worker,
                     .check_spec =
                         [this](const TaskSpec& spec) {
                           return api::check_spec(settings, outgoing, spec);
                         },
                     .standing_of = [this](WorkerId id) { return api->standing_of(id); }}),
      verifier(data.secret, settings.jwt_secret_previous, *clock),
      issuer(data.secret, settings.access_token_ttl_ms, *clock, world->ids) {
  make_loops();
  if (setup.guard != nullptr && settings.embedded_slots > 0) make_worker(std::move(setup));
  make_api();
}

void ServerApp::Parts::make_loops() {
  for (std::size_t i = 0; i < loop_count(settings); ++i) {
    loops.push_back(std::make_unique<io::Loop>("loop-" + std::to_string(i)));
    outboxes.push_back(std::make_unique<io::LoopOutbox>(loops.back()->executor()));
    doors.add(loops.back()->executor(), *outboxes.back());
  }
}

void ServerApp::Parts::make_worker(WorkerSetup setup) {
  const exec::Capabilities& system = setup.guard->capabilities();
  for (const std::string& sentence : system.missing) spdlog::warn("{}", sentence);
  worker_loop = std::make_unique<io::Loop>("worker");
  worker_outbox = std::make_unique<io::LoopOutbox>(worker_loop->executor());
  launcher = std::make_unique<exec::Launcher>(worker_loop->executor(), *setup.guard);
  worker::EmbeddedWorkerParts parts{.executor = worker_loop->executor(),
                                    .outbox = *worker_outbox,
                                    .dispatcher = dispatcher_thread,
                                    .logs = log_hub,
                                    .unsent_logs = unsent_logs,
                                    .blobs = *data.blobs,
                                    .launcher = *launcher,
                                    .offload = reading,
                                    .clock = *clock};
  const bool commands = settings.allow_exec == config::AllowExec::yes ||
                        (settings.allow_exec == config::AllowExec::auto_ && settings.is_loopback());
  worker::EmbeddedWorkerSettings how;
  how.worker_id = data.embedded_worker;
  how.slots = settings.embedded_slots;
  how.process.work_dir = settings.work_dir.empty() ? data.place.file("work") : settings.work_dir;
  how.process.env_allow = settings.env_allow;
  how.process.grace_ms = settings.grace_ms;
  how.process.keep_work_dirs = settings.keep_work_dirs;
  how.handlers = {.directory = settings.handlers_dir,
                  .allow_commands = commands,
                  .file = std::move(setup.file)};
  if (system.process_limit) how.handlers.max_processes = worker::kMaxJobProcesses;
  worker = std::make_unique<worker::EmbeddedWorker>(parts, std::move(how));
  if (setup.add_handlers) setup.add_handlers(worker->handlers());
}

void ServerApp::Parts::make_api() {
  const api::Services services{.dispatcher = dispatcher_thread,
                               .reader = *data.tasks.reader,
                               .logs = log_hub,
                               .blobs = *data.blobs,
                               .verifier = verifier,
                               .issuer = issuer,
                               .throttle = throttle,
                               .callback_signer = callback_signer,
                               .settings = settings,
                               .ids = world->ids,
                               .clock = *clock,
                               .random = world->random,
                               .doors = doors,
                               .reading = reading,
                               .hashing = hashing,
                               .version = kVersion};
  api = std::make_unique<api::Api>(services);
  net::ServerParts parts{.loops = {}, .handler = *api, .clock = *clock, .files = &reading};
  for (const auto& loop : loops) parts.loops.push_back(loop.get());
  net::ServerOptions options;
  options.address = settings.listen_host;
  options.port = settings.listen_port;
  options.tls_cert_file = settings.tls_cert;
  options.tls_key_file = settings.tls_key;
  options.max_connections = static_cast<std::size_t>(settings.max_connections);
  server = std::make_unique<net::Server>(std::move(parts), options);
}

Result<void> ServerApp::Parts::start() {
  // Before anything runs that changes a task: a server that can't listen leaves all as it is.
  if (auto listening = server->listen(); !listening) return listening;
  if (auto loaded = api->load(); !loaded) return loaded;
  dispatcher_thread.start();
  follow_peers();
  for (const auto& loop : loops) loop->start();
  start_worker();
  make_maintenance();  // before anything comes in: what is there without a task is an orphan
  if (auto started = server->start(); !started) return started;
  callback_sender = std::make_unique<callbacks::CallbackSender>(callbacks::SenderParts{
      dispatcher_thread, callback_outbox, *data.tasks.reader, callback_signer, outgoing, *clock,
      [this](callbacks::TryResult result) { api->count_callback(to_string(result)); }});
  if (data.upstream_client) make_upstream();
  url = settings.public_url.empty() ? server->url() : settings.public_url;
  return data.place.write_server_file(url, kVersion);
}

void ServerApp::Parts::follow_peers() {
  if (!data.tasks.make_bell) return;
  api->follow_accounts();
  bell = data.tasks.make_bell(
      [this] { dispatcher_thread.post({.outbox = nullptr, .what = queue::Knock()}); });
}

void ServerApp::Parts::make_maintenance() {
  const auto say = [](const std::string& sentence) { spdlog::warn("{}", sentence); };
  maintenance = std::make_unique<queue::Maintenance>(*clock, say);
  queue::DispatcherDoor& door = maintenance_door;
  using enum queue::OrphanFinder::Servers;
  const queue::OrphanFinder finder(*data.tasks.reader, *clock,
                                   is_in_directory(settings) ? one : several);
  if (settings.retention_ms > 0)
    maintenance->add(std::make_unique<queue::Retention>(
        queue::Retention::Parts{door, log_hub, *data.blobs, *clock}, settings.retention_ms));
  maintenance->add(std::make_unique<queue::IdempotencyExpiry>(door, *clock));
  maintenance->add(std::make_unique<queue::RefreshExpiry>(door, *clock));
  maintenance->add(std::make_unique<queue::OrphanedFiles>(*data.blobs, finder, data.installation));
  maintenance->add(std::make_unique<queue::OrphanedLogs>(log_hub, door, finder, data.installation));
  maintenance->add(std::make_unique<queue::UnsentLogSending>(unsent_logs, log_hub, door));
  if (data.logs.archive)
    maintenance->add(std::make_unique<queue::LogArchiving>(queue::LogArchiving::Parts{
        *data.logs.store, *data.logs.archive, *data.blobs, *data.tasks.reader, *clock}));
  maintenance->start();
}

void ServerApp::Parts::make_upstream() {
  const upstream::SiteParts site{.dispatcher = dispatcher_thread,
                                 .reader = *data.tasks.reader,
                                 .reading = reading,
                                 .clock = *clock,
                                 .embedded_worker = data.embedded_worker,
                                 .embedded_slots = worker ? settings.embedded_slots : 0,
                                 .away_ms = settings.lease_ms};
  const UpstreamWorld surroundings{site, world->random, world->ids};
  upstream = std::make_unique<UpstreamLoop>(surroundings, settings, *data.upstream_client);
}

void ServerApp::Parts::start_worker() {
  if (!worker) return;
  worker_runs = true;
  worker_loop->start();
  worker_loop->post([this] { worker->start(); });
}

void ServerApp::Parts::stop_worker() {
  if (!worker_runs) return;
  auto stopped_worker = std::make_shared<std::promise<void>>();
  worker_loop->post([this, stopped_worker] {
    io::asio::co_spawn(worker_loop->executor(), worker->stop(settings.drain_timeout_ms),
                       [stopped_worker](std::exception_ptr) { stopped_worker->set_value(); });
  });
  stopped_worker->get_future().wait();
  worker_loop->stop();
}

ServerApp::ServerApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ServerApp::~ServerApp() { stop(); }

Result<std::unique_ptr<ServerApp>> ServerApp::start(const config::Settings& settings,
                                                    WorkerSetup setup) {
  auto world = std::make_unique<World>();
  auto opened = open_all(settings, *world);
  if (!opened) return opened.error();
  auto parts =
      std::make_unique<Parts>(settings, std::move(world), std::move(*opened), std::move(setup));
  std::unique_ptr<ServerApp> app(new ServerApp(std::move(parts)));
  if (auto started = app->parts_->start(); !started) return started.error();
  return app;
}

const std::string& ServerApp::url() const { return parts_->url; }

// From the outside in: first nothing new comes, then what runs ends, then what it ended with is
// written.
void ServerApp::stop() {
  Parts& parts = *parts_;
  if (std::exchange(parts.stopped, true)) return;
  parts.data.place.remove_server_file();
  parts.maintenance.reset();
  if (parts.upstream) parts.upstream->drain();
  parts.stop_worker();
  if (parts.upstream) parts.upstream->finish();
  parts.server->stop(kDrainConnectionsMs);
  parts.callback_sender.reset();
  parts.bell.reset();
  parts.dispatcher_thread.stop();
  parts.upstream.reset();  // whose loop the dispatcher answered to
  parts.reading.stop();
  parts.hashing.stop();
  for (const auto& loop : parts.loops) loop->stop();
}

void ServerApp::hurry() {
  worker::EmbeddedWorker* worker = parts_->worker.get();
  if (worker != nullptr) parts_->worker_loop->post([worker] { worker->hurry(); });
}

}  // namespace tandem::app
