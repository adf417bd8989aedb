#include "integration/test_server.h"

#include <unistd.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <future>
#include <stdexcept>

#include "api/api.h"
#include "auth/secret.h"
#include "base/limits.h"
#include "blobs/dir_blob_store.h"
#include "io/loop.h"
#include "logs/embedded/sqlite_log_store.h"
#include "net/server.h"
#include "queue/dispatcher_thread.h"
#include "store/sqlite/sqlite_reader.h"
#include "store/sqlite/sqlite_store.h"

namespace tandem::api {
namespace {

constexpr std::string_view kSecret = "tests-only-5bq3ZcVw0Yx8LrT1uN7mKd2eHs9GfJ4a";
constexpr std::chrono::seconds kPatience{60};

std::filesystem::path make_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "tandem-api-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  return name;
}

// The machine's clocks, with a wall clock that a test moves.
class ShiftedClock final : public Clock {
 public:
  WallTime wall() const override { return machine_.wall() + shift_ms_.load(); }
  MonoTime mono() const override { return machine_.mono(); }
  void shift(std::int64_t ms) { shift_ms_ += ms; }

 private:
  const SystemClock machine_;
  std::atomic<std::int64_t> shift_ms_{0};
};

config::Settings test_settings(const std::function<void(config::Settings&)>& change) {
  config::Settings settings;
  settings.max_body_bytes = 1024 * 1024;
  settings.max_input_file_bytes = 4 * 1024 * 1024;
  settings.access_token_ttl_ms = 900'000;
  settings.refresh_token_ttl_ms = 3600'000;
  if (change) change(settings);
  return settings;
}

}  // namespace

struct TestServer::Impl {
  explicit Impl(const std::function<void(config::Settings&)>& change)
      : settings(test_settings(change)) {
    doors.add(loop.executor(), outbox);
    api.load().value();
    loop.start();
    dispatcher_thread.start();
    server.start().value();
    url = server.url();
  }
  ~Impl() {
    server.stop(0);
    dispatcher_thread.stop();
    reading.stop();
    hashing.stop();
    loop.stop();
    std::filesystem::remove_all(directory);
  }

  // Gives a command and waits for what it answers.
  template <class What, class T>
  Result<T> ask(What what, T*) {
    std::promise<Result<T>> answered;
    what.done = [&answered](Result<T> value) { answered.set_value(std::move(value)); };
    dispatcher_thread.post({.outbox = &outbox, .what = std::move(what)});
    return answered.get_future().get();
  }

  const std::filesystem::path directory = make_directory();
  const config::Settings settings;
  ShiftedClock clock;
  SystemRandom random;
  IdSource ids{clock, random};
  std::unique_ptr<store::SqliteStore> store =
      store::SqliteStore::open((directory / "tandem.db").string()).value();
  std::unique_ptr<store::SqliteReader> reader =
      store::SqliteReader::open((directory / "tandem.db").string()).value();
  std::unique_ptr<logs::SqliteLogStore> log_store =
      logs::SqliteLogStore::open((directory / "logs.db").string()).value();
  std::unique_ptr<blobs::BlobStore> blobs = blobs::open_dir_blob_store(directory / "blobs").value();
  io::Loop loop{"test"};
  io::LoopOutbox outbox{loop.executor()};
  logs::LogHub hub{*log_store};
  queue::Dispatcher dispatcher{*store, clock, queue::DispatcherSettings()};
  queue::DispatcherThread dispatcher_thread{dispatcher, clock};
  auth::TokenVerifier verifier{std::string(kSecret), "", clock};
  auth::TokenIssuer issuer{std::string(kSecret), settings.access_token_ttl_ms, clock, ids};
  auth::LoginThrottle throttle{clock};
  auth::CallbackSigner callback_signer{std::string(kSecret), ""};
  LoopDoors doors;
  io::OffloadPool reading{"reading", 4};
  io::OffloadPool hashing{"hashing", 2};
  const Services services{.dispatcher = dispatcher_thread,
                          .reader = *reader,
                          .logs = hub,
                          .blobs = *blobs,
                          .verifier = verifier,
                          .issuer = issuer,
                          .throttle = throttle,
                          .callback_signer = callback_signer,
                          .settings = settings,
                          .ids = ids,
                          .clock = clock,
                          .random = random,
                          .doors = doors,
                          .reading = reading,
                          .hashing = hashing,
                          .version = "1.2.3"};
  Api api{services};
  net::Server server{{.loops = {&loop}, .handler = api, .clock = clock}, {}};
  std::string url;
  net::HttpClient http;

  const WorkerId worker = ids.make<WorkerId>();
  std::mutex orders_mutex;
  std::condition_variable ordered;
  std::deque<queue::WorkerOrder> orders;
};

boost::json::object Reply::json() const { return boost::json::parse(body).as_object(); }

std::string Reply::text(std::string_view member) const {
  const boost::json::object object = json();
  const boost::json::value* value = object.if_contains(member);
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

TestServer::TestServer(std::function<void(config::Settings&)> change)
    : impl_(std::make_unique<Impl>(change)) {}
TestServer::~TestServer() = default;

const std::string& TestServer::url() const { return impl_->url; }

Reply TestServer::perform(net::HttpCall call) {
  call.url = impl_->url + call.url;
  return Reply{impl_->http.perform(call).value()};
}

Reply TestServer::request(std::string method, std::string_view path, std::string_view token,
                          std::string body, net::Headers headers) {
  net::HttpCall call{.method = std::move(method), .url = std::string(path)};
  call.headers = std::move(headers);
  if (!token.empty()) call.headers.set("Authorization", "Bearer " + std::string(token));
  if (!body.empty() && call.headers.find("Content-Type") == nullptr)
    call.headers.set("Content-Type", "application/json");
  call.body = std::move(body);
  return perform(std::move(call));
}

void TestServer::shift_wall_clock(std::int64_t ms) { impl_->clock.shift(ms); }

TestClient TestServer::make_client(const std::string& name, const std::string& scope) {
  TestClient made{.id = impl_->ids.make<ClientId>(),
                  .secret = auth::make_secret(auth::SecretKind::client, impl_->random),
                  .token = {}};
  const WallTime now = impl_->clock.wall();
  const store::Client row{
      .client_id = made.id,
      .name = name,
      .secret_hash = auth::hash_client_secret(made.secret, impl_->random).value(),
      .scope = scope,
      .created_at = now,
      .secret_changed_at = now};
  queue::Transact transact{
      .run = [&row](store::Store& store) { return store.accounts().insert_client(row); },
      .done = {}};
  impl_->ask(std::move(transact), static_cast<std::monostate*>(nullptr)).value();
  impl_->api.load().value();
  made.token = token_for(made.id, scope, 900);
  return made;
}

std::string TestServer::token_for(ClientId client, std::string_view scope, std::int64_t ttl_s) {
  const std::int64_t now_s = impl_->clock.wall().ms / 1000;
  const auth::Claims claims{.client_id = client,
                            .scopes = auth::ScopeSet::parse(scope).value(),
                            .issued_at_s = std::min(now_s, now_s + ttl_s - 1),
                            .expires_at_s = now_s + ttl_s,
                            .token_id = impl_->ids.next()};
  return auth::sign_access_token(claims, kSecret);
}

std::string TestServer::submit(std::string_view token, std::string_view more) {
  const Reply reply = post("/api/v1/tasks", token,
                           "{\"payload\":{\"job_type\":\"echo\"}" + std::string(more) + "}");
  if (reply.status != 201) throw std::runtime_error("not submitted: " + reply.body);
  return reply.text("task_id");
}

void TestServer::open_worker(int slots) {
  Impl& impl = *impl_;
  queue::OpenWorker open{.profile = {.worker_id = impl.worker, .name = "tester"},
                         .order =
                             [&impl](queue::WorkerOrder order) {
                               const std::lock_guard lock(impl.orders_mutex);
                               impl.orders.push_back(std::move(order));
                               impl.ordered.notify_all();
                             },
                         .done = {}};
  impl.ask(std::move(open), static_cast<std::monostate*>(nullptr)).value();
  impl.dispatcher_thread.post(
      {.outbox = &impl.outbox, .what = queue::Ready{.worker_id = impl.worker, .slots = slots}});
}

queue::WorkerOrder TestServer::await_order() {
  std::unique_lock lock(impl_->orders_mutex);
  if (!impl_->ordered.wait_for(lock, kPatience, [this] { return !impl_->orders.empty(); }))
    throw std::runtime_error("the worker was told nothing");
  queue::WorkerOrder order = std::move(impl_->orders.front());
  impl_->orders.pop_front();
  return order;
}

Task TestServer::await_assignment() {
  const Task task = *std::get<queue::AssignOrder>(await_order()).task;
  update(task, queue::UpdateKind::running).value();
  return task;
}

Result<queue::UpdateAnswer> TestServer::update(const Task& task, queue::UpdateKind kind,
                                               std::function<void(queue::Update&)> change) {
  queue::Update what{
      .worker_id = impl_->worker, .task_id = task.task_id, .attempt = task.attempt, .kind = kind};
  if (change) change(what);
  return impl_->ask(std::move(what), static_cast<queue::UpdateAnswer*>(nullptr));
}

void TestServer::log(const Task& task, std::uint64_t first_seq,
                     const std::vector<std::string>& lines) {
  logs::LogAppend append{.task_id = task.task_id, .attempt = task.attempt, .records = {}};
  for (const std::string& line : lines)
    append.records.push_back({.attempt = task.attempt,
                              .seq = first_seq++,
                              .ts = impl_->clock.wall(),
                              .stream = logs::LogStream::stdout_,
                              .data = line});
  std::promise<Result<logs::LogTail>> answered;
  impl_->hub.append(std::move(append), impl_->outbox, [&answered](Result<logs::LogTail> tail) {
    answered.set_value(std::move(tail));
  });
  answered.get_future().get().value();
}

void TestServer::add_output(const Task& task, std::string_view name, std::string_view content,
                            std::vector<FileInfo>& outputs) {
  auto writer =
      impl_->blobs->create(task.task_id, blobs::BlobFolder::out(task.attempt), name).value();
  writer->write(content).value();
  outputs.push_back(writer->finish(std::nullopt).value());
}

bool TestServer::has_input_file(TaskId task, std::string_view name, std::string* content) {
  const auto file = impl_->blobs->open(task, blobs::BlobFolder::in(), name);
  if (!file) return false;
  if (content != nullptr) *content = read_whole(**file).value();
  return true;
}

std::size_t TestServer::log_records(TaskId task) {
  return impl_->log_store->read(task, {}, 10'000, 1u << 30).value().size();
}

}  // namespace tandem::api
