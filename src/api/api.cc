#include "api/api.h"

#include <utility>

#include "api/answers.h"
#include "api/gate.h"
#include "base/limits.h"

namespace tandem::api {
namespace {

constexpr std::uint64_t kIgnoredBodyBytes = 64 * 1024;  // of routes that take none
constexpr std::uint64_t kTokenBodyBytes = 16 * 1024;
constexpr std::int64_t kWaitingTimeoutMs = 2 * limits::kMaxWaitMs;
constexpr std::int64_t kUploadTimeoutMs = 3600'000;
constexpr int kUnauthorized = 401;

std::uint64_t max_body_bytes(const config::Settings& settings, BodyKind kind, bool is_multipart) {
  if (is_multipart)
    return settings.max_body_bytes + limits::kMaxInputFiles * settings.max_input_file_bytes;
  if (kind == BodyKind::none) return kIgnoredBodyBytes;
  return kind == BodyKind::form_or_json ? kTokenBodyBytes : settings.max_body_bytes;
}

net::RouteDecision refusal(const net::RequestHead& head, const Error& error) {
  net::RouteDecision decision;
  decision.refuse = problem(error, head.request_id);
  return decision;
}

// Which route it is, and whether this caller may have it: address and method of open paths, the
// token, address and method of the others, the scope.
Result<std::shared_ptr<Caller>> admit(ApiState& api, const net::RequestHead& head,
                                      const RouteMatch& match) {
  if (auto clean = check_query_secrets(head.target.query); !clean) return clean.error();
  auto caller = std::make_shared<Caller>();
  if (!match.is_open_path) {
    if (auto known = authenticate(api, head, *caller); !known) return known.error();
  }
  if (match.allow.empty()) return fail(Errc::not_found, "There is nothing at this address");
  if (match.route == nullptr)
    return fail(Errc::method_not_allowed, "This address takes " + match.allow);
  if (match.route->access != Access::open)
    if (auto allowed = authorize(api, *match.route, *caller); !allowed) return allowed.error();
  caller->route = match.route;
  caller->id = match.id;
  caller->name = match.name;
  return caller;
}

}  // namespace

Api::Api(const Services& services)
    : services_(services), state_(std::make_unique<ApiState>(services_)) {}
Api::~Api() = default;

Result<void> Api::load() {
  if (auto loaded = state_->clients.load(services_.reader); !loaded) return loaded;
  return state_->workers.load(services_.reader);
}

void Api::follow_accounts() {
  state_->newcomers.expect();
  watch_accounts();
}

void Api::watch_accounts() {
  queue::WatchAccounts watch{.changed = [this] { accounts_changed(); }};
  services_.post({.outbox = &own_outbox_, .what = std::move(watch)});
}

// What can't be done now is done in another turn: it watches anew, and is told at once.
void Api::accounts_changed() {
  if (accounts_are_old_.exchange(true)) return;
  if (services_.reading.submit([this] { read_accounts_again(); })) return;
  accounts_are_old_ = false;
  watch_accounts();
}

// Where the store is away, reading waits for a while itself.
void Api::read_accounts_again() {
  accounts_are_old_ = false;
  if (!load()) return watch_accounts();
  services_.post({.outbox = &own_outbox_, .what = queue::ReviewWorkers()});
}

queue::WorkerStanding Api::standing_of(WorkerId id) const {
  const WorkerPtr worker = state_->workers.find(id);
  if (worker == nullptr) return queue::WorkerStanding::good;
  if (worker->revoked_at) return queue::WorkerStanding::revoked;
  return worker->draining ? queue::WorkerStanding::draining : queue::WorkerStanding::good;
}

net::RouteDecision Api::decide(const net::RequestHead& head) {
  auto decision = decide_now(head);
  const bool is_unknown = decision.refuse && decision.refuse->status == kUnauthorized;
  if (!is_unknown || !state_->newcomers.are_expected()) return decision;
  const auto newcomer = newcomer_of(*state_, head);
  if (!newcomer) return decide_now(head);  // the news may have come just now
  decision.later = [this, &head, newcomer] { return decide_later(head, *newcomer); };
  return decision;
}

io::Awaitable<net::RouteDecision> Api::decide_later(const net::RequestHead& head,
                                                    Newcomer newcomer) {
  auto look = state_->newcomers.look_for(std::move(newcomer));
  const auto looked = co_await std::move(look);
  co_return looked ? decide_now(head) : refusal(head, looked.error());
}

net::RouteDecision Api::decide_now(const net::RequestHead& head) {
  const RouteMatch match = match_route(head);
  auto caller = admit(*state_, head, match);
  if (!caller) {
    auto decision = refusal(head, caller.error());
    if (caller.error().code == Errc::method_not_allowed)
      decision.refuse->headers.set("Allow", match.allow);
    return decision;
  }
  const Route& route = *match.route;
  const auto is_multipart = check_body_type(route, head);
  if (!is_multipart) return refusal(head, is_multipart.error());
  if (route.kind == RouteKind::websocket) {
    if (auto origin = check_origin(*state_, head); !origin) return refusal(head, origin.error());
    if (!head.wants_websocket()) {
      auto decision = refusal(head, fail(Errc::upgrade_required, "Open it as a WebSocket"));
      decision.refuse->headers.set("Upgrade", "websocket");
      return decision;
    }
  }
  net::RouteDecision decision;
  decision.stream_body = *is_multipart;
  decision.max_body_bytes = max_body_bytes(services_.settings, route.body, *is_multipart);
  if (route.kind == RouteKind::waiting) decision.timeout_ms = kWaitingTimeoutMs;
  if (*is_multipart) decision.timeout_ms = kUploadTimeoutMs;
  decision.context = std::move(*caller);
  return decision;
}

io::Awaitable<net::Response> Api::handle(net::Request& request) {
  const auto* caller = static_cast<const Caller*>(request.context.get());
  Outbox& outbox = services_.doors.of(co_await io::asio::this_coro::executor);
  Call call{*state_, request, *caller, outbox};
  co_return co_await caller->route->function(call);
}

void Api::count_callback(std::string_view result) { state_->metrics.count_callback(result); }

void Api::served(const net::Served& served) { state_->metrics.count(served); }

void Api::failed(const std::string&, const std::string&) { state_->metrics.count_failure(); }

}  // namespace tandem::api
