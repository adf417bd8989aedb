#include "api/tokens.h"

#include "api/answers.h"
#include "api/ask.h"
#include "api/gate.h"
#include "api/resources.h"
#include "auth/secret.h"
#include "base/encoding.h"
#include "io/offload.h"
#include "net/headers.h"

namespace tandem::api {
namespace {

// One answer for every way in which the credentials can be wrong.
Error wrong_credentials() {
  return fail(Errc::invalid_client, "The client is not known or the secret is wrong");
}

// The client, where the secret is its own; takes as long where there is no such client. Blocks.
Result<store::Client> check_login(const Services& services, ClientId id,
                                  const std::string& secret) {
  auto client = services.reader.find_client(id);
  if (!client) return client.error();
  if (!*client) {
    auth::verify_against_nothing(secret);
    return wrong_credentials();
  }
  if (!auth::verify_client_secret(secret, (*client)->secret_hash)) return wrong_credentials();
  return std::move(**client);
}

Result<auth::ScopeSet> granted_scopes(const store::Client& client, const std::string& asked) {
  const auto own = auth::ScopeSet::parse(client.scope).value_or(auth::ScopeSet());
  if (asked.empty()) return own;
  const auto wanted = auth::ScopeSet::parse(asked);
  if (!wanted || !own.contains_all(*wanted))
    return fail(Errc::invalid_scope, "The client may have: " + own.text());
  return *wanted;
}

net::Response too_early(const Call& call, int wait_s) {
  auto response = oauth_problem(fail(Errc::too_many_requests, "Too many failed logins; wait " +
                                                                  std::to_string(wait_s) + " s"),
                                call.request.request_id);
  response.headers.set("Retry-After", std::to_string(wait_s));
  return response;
}

Result<void> check_form(const wire::TokenRequest& asked) {
  if (asked.grant_type.empty())
    return fail(Errc::validation_failed, "grant_type is missing", "grant_type");
  if (asked.grant_type != "client_credentials")
    return fail(Errc::unsupported_grant_type, "Only client_credentials is supported");
  if (asked.client_id.empty())
    return fail(Errc::validation_failed, "client_id is missing", "client_id");
  if (asked.client_secret.empty())
    return fail(Errc::validation_failed, "client_secret is missing", "client_secret");
  return {};
}

// Checks the credentials, with the throttle around it.
io::Awaitable<Result<store::Client>> log_in(Call& call, const wire::TokenRequest& asked) {
  const Services& services = call.services();
  const std::string& address = call.request.remote_address;
  const auto id = ClientId::parse(asked.client_id);
  Result<store::Client> client = wrong_credentials();
  if (id && auth::is_well_formed(auth::SecretKind::client, asked.client_secret)) {
    auto check = [&services, &id, &asked] {
      return check_login(services, *id, asked.client_secret);
    };
    client = co_await io::offload(services.hashing, check);
  }
  if (client)
    services.throttle.succeeded(asked.client_id, address);
  else if (client.error().code == Errc::invalid_client)
    services.throttle.failed(asked.client_id, address);
  call.api.metrics.count_login(client.has_value());
  co_return client;
}

// Keeps the refresh token, unless the client was deleted or its secret changed meanwhile.
io::Awaitable<Result<std::monostate>> keep_refresh(Call& call, const store::Client& client,
                                                   const store::RefreshToken& row) {
  queue::Transact transact{.run = [&client, &row](store::Store& store) -> Result<void> {
                             store::AccountStore& accounts = store.accounts();
                             auto now_there = accounts.find_client(client.client_id);
                             if (!now_there) return now_there.error();
                             if (!*now_there || (*now_there)->secret_hash != client.secret_hash)
                               return wrong_credentials();
                             return accounts.insert_refresh(row);
                           },
                           .done = {}};
  co_return co_await ask(call.services(), call.outbox, std::move(transact));
}

}  // namespace

std::optional<ClientSecret> basic_credentials(const net::Headers& headers) {
  const std::string* header = headers.find("Authorization");
  if (header == nullptr || header->size() < 6 || !net::same_name(header->substr(0, 6), "Basic "))
    return std::nullopt;
  const auto text = from_base64(std::string_view(*header).substr(6));
  if (!text) return std::nullopt;
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return ClientSecret{text->substr(0, colon), text->substr(colon + 1)};
}

bool is_form(const net::RequestHead& head) {
  const std::string_view type = head.headers.get("Content-Type");
  return net::same_name(type.substr(0, type.find(';')), "application/x-www-form-urlencoded");
}

store::RefreshToken refresh_row(const Services& services, const std::string& token,
                                const Uuid& family, ClientId client, const std::string& scope) {
  return {.token_sha256 = auth::sha256_hex(token),
          .family = family,
          .client_id = client,
          .scope = scope,
          .expires_at = services.clock.wall() + services.settings.refresh_token_ttl_ms,
          .used_at = {},
          .successor = {},
          .revoked = false};
}

net::Response token_answer(Call& call, ClientId client, auth::ScopeSet scopes,
                           const std::string& refresh_token, WallTime refresh_expires_at) {
  const Services& services = call.services();
  const auto issued = services.issuer.issue(client, scopes);
  const std::int64_t left_ms = refresh_expires_at - services.clock.wall();
  const wire::TokenAnswer answer{.access_token = issued.token,
                                 .expires_in_s = issued.expires_in_s,
                                 .refresh_token = refresh_token,
                                 .refresh_expires_in_s = left_ms > 0 ? left_ms / 1000 : 0,
                                 .scope = scopes.text()};
  auto response = private_json(wire::encode_token_answer(answer));
  response.headers.add("Pragma", "no-cache");
  return response;
}

Answer post_token(Call& call) {
  const std::string& request_id = call.request.request_id;
  auto asked = is_form(call.request) ? wire::decode_token_form(call.request.body)
                                     : wire::decode_token_request(call.request.body);
  if (!asked) co_return oauth_problem(asked.error(), request_id);
  if (auto basic = basic_credentials(call.request.headers)) {
    asked->client_id = std::move(basic->client_id);
    asked->client_secret = std::move(basic->client_secret);
  }
  if (auto fine = check_form(*asked); !fine) co_return oauth_problem(fine.error(), request_id);
  const Services& services = call.services();
  const std::string& address = call.request.remote_address;
  if (const auto wait_s = services.throttle.blocked_for_s(asked->client_id, address))
    co_return too_early(call, *wait_s);
  const auto client = co_await log_in(call, *asked);
  if (!client) co_return oauth_problem(client.error(), request_id);
  const auto scopes = granted_scopes(*client, asked->scope);
  if (!scopes) co_return oauth_problem(scopes.error(), request_id);
  const std::string refresh = auth::make_secret(auth::SecretKind::refresh, services.random);
  const store::RefreshToken row =
      refresh_row(services, refresh, services.ids.next(), client->client_id, scopes->text());
  const auto kept = co_await keep_refresh(call, *client, row);
  if (!kept) co_return oauth_problem(kept.error(), request_id);
  co_return token_answer(call, client->client_id, *scopes, refresh, row.expires_at);
}

}  // namespace tandem::api
