#include "api/gate.h"

#include <algorithm>
#include <array>

#include "auth/secret.h"
#include "net/headers.h"
#include "net/response.h"

namespace tandem::api {
namespace {

constexpr std::array<std::string_view, 8> kSecretParameters = {
    "access_token",  "token", "bearer",        "jwt",
    "authorization", "auth",  "refresh_token", "client_secret"};
constexpr std::string_view kProtocolPrefix = "bearer.";

// The media type without its parameters, in lower case.
std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : char(c); });
  return type;
}

bool is_json(std::string_view type) {
  return type.empty() || type == "application/json" ||
         (type.starts_with("application/") && type.ends_with("+json"));
}

Result<std::string_view> bearer_of(std::string_view header) {
  const std::size_t space = header.find(' ');
  if (space == std::string_view::npos || !net::same_name(header.substr(0, space), "Bearer"))
    return fail(Errc::unauthenticated, "Use the header Authorization: Bearer <access token>");
  header.remove_prefix(space);
  while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
  return header;
}

// The token among the offered subprotocols, as a view into the header.
std::optional<std::string_view> token_among_protocols(std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view one = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (one.starts_with(kProtocolPrefix)) return one.substr(kProtocolPrefix.size());
  }
  return std::nullopt;
}

// A text that can't be a worker's token is refused before it is asked whether workers were read.
Result<void> authenticate_worker(ApiState& api, std::string_view token, Caller& caller) {
  if (!auth::is_well_formed(auth::SecretKind::worker, token)) return fail(Errc::token_invalid);
  if (!api.workers.is_loaded())
    return fail(Errc::store_unavailable, "The server has not read its workers yet");
  auto worker = api.workers.authenticate(token, api.services.clock.wall());
  if (!worker) return worker.error();
  caller.worker = std::move(*worker);
  return {};
}

std::string what_is_needed(Access access) {
  switch (access) {
    case Access::admin: return "This needs an access token with the scope admin";
    case Access::tasks: return "This needs an access token with the scope tasks";
    case Access::workers: return "This needs an access token with the scope workers";
    case Access::worker: return "This needs the token of a worker";
    case Access::open:
    case Access::any:
    case Access::worker_or_client: break;
  }
  return "This needs an access token";
}

}  // namespace

Result<void> check_query_secrets(const net::Query& query) {
  for (const auto& [name, value] : query.items())
    for (std::string_view secret : kSecretParameters)
      if (net::same_name(name, secret))
        return fail(Errc::token_in_url, "URLs end up in logs: send the token as a header");
  return {};
}

Result<std::string_view> presented_token(const net::RequestHead& head) {
  if (head.headers.count("Authorization") > 1)
    return fail(Errc::token_invalid, "There is more than one Authorization header");
  if (const std::string* header = head.headers.find("Authorization")) return bearer_of(*header);
  if (head.wants_websocket())
    for (const auto& [name, value] : head.headers.fields())
      if (net::same_name(name, "Sec-WebSocket-Protocol"))
        if (const auto token = token_among_protocols(value)) return *token;
  return fail(Errc::unauthenticated, "Use the header Authorization: Bearer <access token>");
}

Result<void> authenticate(ApiState& api, const net::RequestHead& head, Caller& caller) {
  const auto token = presented_token(head);
  if (!token) return token.error();
  if (token->starts_with(auth::prefix_of(auth::SecretKind::worker)))
    return authenticate_worker(api, *token, caller);
  auto claims = api.services.verifier.verify(*token);
  if (!claims) return claims.error();
  if (!api.clients.is_loaded())
    return fail(Errc::store_unavailable, "The server has not read its clients yet");
  if (!api.clients.contains(claims->client_id))
    return fail(Errc::token_revoked, "The token's client does not exist any more");
  caller.actor = {.client_id = claims->client_id,
                  .admin = claims->scopes.contains(auth::Scope::admin)};
  caller.claims = std::move(*claims);
  return {};
}

std::optional<Newcomer> newcomer_of(ApiState& api, const net::RequestHead& head) {
  const auto token = presented_token(head);
  if (!token) return std::nullopt;
  if (auth::is_well_formed(auth::SecretKind::worker, *token)) {
    auto sha256 = auth::sha256_hex(*token);
    if (api.workers.knows(sha256)) return std::nullopt;
    return Newcomer{.client = {}, .worker_token_sha256 = std::move(sha256)};
  }
  const auto claims = api.services.verifier.verify(*token);
  if (!claims || api.clients.contains(claims->client_id)) return std::nullopt;
  return Newcomer{.client = claims->client_id, .worker_token_sha256 = {}};
}

Result<void> authorize(const ApiState& api, const Route& route, const Caller& caller) {
  const bool is_for_workers =
      route.access == Access::worker || route.access == Access::worker_or_client;
  const bool may_enter =
      caller.worker != nullptr ? is_for_workers : is_allowed(route.access, caller.claims.scopes);
  if (!may_enter) return fail(Errc::forbidden, what_is_needed(route.access));
  const auto mode = api.services.settings.assignment_mode;
  if (!is_offered(route, mode))
    return fail(Errc::mode_disabled, mode == config::AssignmentMode::push
                                         ? "The server runs in push mode: nothing is polled"
                                     : route.kind == RouteKind::submit
                                         ? "The server runs in polling mode: hand in jobs through "
                                           "polling"
                                         : "The server runs in polling mode: nothing is pushed");
  return {};
}

Result<bool> check_body_type(const Route& route, const net::RequestHead& head) {
  if (route.body == BodyKind::none) return false;
  if (route.body == BodyKind::file) return true;
  const std::string_view encoding = head.headers.get("Content-Encoding");
  if (!encoding.empty() && !net::same_name(encoding, "identity"))
    return fail(Errc::unsupported_media_type, "Compressed bodies are not taken");
  const std::string type = media_type(head.headers.get("Content-Type"));
  if (is_json(type)) return false;
  if (route.body == BodyKind::form_or_json && type == "application/x-www-form-urlencoded")
    return false;
  if (route.body == BodyKind::submit && type == "multipart/form-data") return true;
  return fail(Errc::unsupported_media_type,
              route.body == BodyKind::submit ? "Use application/json or multipart/form-data"
              : route.body == BodyKind::form_or_json
                  ? "Use application/json or application/x-www-form-urlencoded"
                  : "Use application/json");
}

Result<void> check_origin(const ApiState& api, const net::RequestHead& head) {
  const std::string* origin = head.headers.find("Origin");
  if (origin == nullptr) return {};
  const config::Settings& settings = api.services.settings;
  const std::string own =
      (head.tls ? "https://" : "http://") + std::string(head.headers.get("Host"));
  if (net::same_name(*origin, own)) return {};
  if (!settings.public_url.empty() && net::same_name(*origin, settings.public_url)) return {};
  for (const std::string& allowed : settings.allowed_origins)
    if (net::same_name(*origin, allowed)) return {};
  return fail(Errc::origin_not_allowed, "Add the origin to TANDEM_ALLOWED_ORIGINS to allow it");
}

}  // namespace tandem::api
