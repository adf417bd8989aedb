#include <algorithm>

#include "api/answers.h"
#include "api/ask.h"
#include "api/resources.h"
#include "api/tokens.h"
#include "auth/refresh.h"
#include "auth/secret.h"

namespace tandem::api {
namespace {

// What a rotation has come to, found and written in one transaction.
struct Rotation {
  std::optional<Error> refused;
  ClientId client;
  auth::ScopeSet scopes;
  std::string refresh_token;
  WallTime expires_at;
};

std::optional<auth::RefreshState> state_of(const std::optional<store::RefreshToken>& row) {
  if (!row) return std::nullopt;
  return auth::RefreshState{.expires_at = row->expires_at,
                            .used_at = row->used_at,
                            .successor = row->successor,
                            .revoked = row->revoked};
}

// What the token may have now: the client may have lost scopes, or be gone.
Result<void> find_scopes(store::AccountStore& accounts, const store::RefreshToken& row,
                         Rotation& rotation) {
  auto client = accounts.find_client(row.client_id);
  if (!client) return client.error();
  if (!*client) {
    rotation.refused = fail(Errc::token_revoked, "The token's client does not exist any more");
    return {};
  }
  const auto own = auth::ScopeSet::parse((*client)->scope).value_or(auth::ScopeSet());
  const auto had = auth::ScopeSet::parse(row.scope).value_or(auth::ScopeSet());
  for (const auth::Scope scope : {auth::Scope::admin, auth::Scope::tasks, auth::Scope::workers})
    if (own.contains(scope) && had.contains(scope)) rotation.scopes.insert(scope);
  rotation.client = row.client_id;
  return {};
}

Result<void> make_successor(store::AccountStore& accounts, const Services& services,
                            const store::RefreshToken& row, const std::string& presented,
                            Rotation& rotation) {
  rotation.refresh_token = auth::make_secret(auth::SecretKind::refresh, services.random);
  const store::RefreshToken next =
      refresh_row(services, rotation.refresh_token, row.family, row.client_id, row.scope);
  rotation.expires_at = next.expires_at;
  if (auto kept = accounts.insert_refresh(next); !kept) return kept;
  return accounts.mark_refresh_used(
      row.token_sha256, services.clock.wall(),
      auth::seal_successor(rotation.refresh_token, presented, services.random));
}

Result<void> repeat_successor(store::AccountStore& accounts, std::string successor,
                              Rotation& rotation) {
  auto row = accounts.find_refresh(auth::sha256_hex(successor));
  if (!row) return row.error();
  if (!*row || (*row)->revoked) {
    rotation.refused = fail(Errc::token_revoked, "The login of this token was revoked");
    return {};
  }
  rotation.expires_at = (*row)->expires_at;
  rotation.refresh_token = std::move(successor);
  return {};
}

// Runs on the dispatcher's thread. A refusal is a value, so that a revocation is kept.
Result<void> rotate(store::AccountStore& accounts, const Services& services,
                    const std::string& presented, Rotation& rotation) {
  auto row = accounts.find_refresh(auth::sha256_hex(presented));
  if (!row) return row.error();
  auto decision = auth::decide_refresh(state_of(*row), presented, services.clock.wall());
  switch (decision.action) {
    case auth::RefreshAction::refuse: rotation.refused = std::move(decision.error); return {};
    case auth::RefreshAction::revoke_family:
      rotation.refused = std::move(decision.error);
      return accounts.revoke_family((*row)->family);
    case auth::RefreshAction::rotate:
    case auth::RefreshAction::repeat: break;
  }
  auto found = find_scopes(accounts, **row, rotation);
  if (!found || rotation.refused) return found;
  if (decision.action == auth::RefreshAction::rotate)
    return make_successor(accounts, services, **row, presented, rotation);
  return repeat_successor(accounts, std::move(decision.successor), rotation);
}

wire::Decoded<std::string> presented_refresh(const Call& call) {
  return is_form(call.request) ? wire::decode_refresh_form(call.request.body)
                               : wire::decode_refresh_request(call.request.body);
}

}  // namespace

Answer post_refresh(Call& call) {
  const std::string& request_id = call.request.request_id;
  const auto presented = presented_refresh(call);
  if (!presented) co_return oauth_problem(presented.error(), request_id);
  if (!auth::is_well_formed(auth::SecretKind::refresh, *presented))
    co_return oauth_problem(fail(Errc::invalid_grant, "This is not a refresh token"), request_id);
  const Services& services = call.services();
  Rotation rotation;
  queue::Transact transact{.run =
                               [&services, &presented, &rotation](store::Store& store) {
                                 rotation = Rotation();
                                 return rotate(store.accounts(), services, *presented, rotation);
                               },
                           .done = {}};
  const auto done = co_await ask(services, call.outbox, std::move(transact));
  if (!done) co_return oauth_problem(done.error(), request_id);
  if (rotation.refused) co_return oauth_problem(*rotation.refused, request_id);
  co_return token_answer(call, rotation.client, rotation.scopes, rotation.refresh_token,
                         rotation.expires_at);
}

Answer post_revoke(Call& call) {
  const std::string& request_id = call.request.request_id;
  const auto presented = presented_refresh(call);
  if (!presented) co_return oauth_problem(presented.error(), request_id);
  const bool is_access_token = std::count(presented->begin(), presented->end(), '.') == 2;
  if (is_access_token)
    co_return oauth_problem(
        fail(Errc::validation_failed, "Access tokens can't be revoked: they run out", "token"),
        request_id);
  if (auth::is_well_formed(auth::SecretKind::refresh, *presented)) {
    const ClientId client = call.caller.actor.client_id;
    queue::Transact transact{.run = [&presented, client](store::Store& store) -> Result<void> {
                               store::AccountStore& accounts = store.accounts();
                               auto row = accounts.find_refresh(auth::sha256_hex(*presented));
                               if (!row) return row.error();
                               if (!*row || (*row)->client_id != client) return {};
                               return accounts.revoke_family((*row)->family);
                             },
                             .done = {}};
    const auto done = co_await ask(call.services(), call.outbox, std::move(transact));
    if (!done) co_return oauth_problem(done.error(), request_id);
  }
  co_return private_json("{}");
}

}  // namespace tandem::api
