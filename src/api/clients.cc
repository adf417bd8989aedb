#include <algorithm>

#include "api/answers.h"
#include "api/ask.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "auth/secret.h"
#include "base/limits.h"
#include "io/offload.h"
#include "wire/account_json.h"
#include "wire/list_json.h"

namespace tandem::api {
namespace {

constexpr std::string_view kClientsList = "clients";

wire::ClientView view_of(const store::Client& client, std::string secret = {}) {
  return {.client_id = client.client_id,
          .name = client.name,
          .scope = client.scope,
          .created_at = client.created_at,
          .client_secret = std::move(secret)};
}

net::Response client_answer(const store::Client& client, std::string secret, int status) {
  std::string body;
  wire::encode_client(view_of(client, std::move(secret)), body);
  return private_json(std::move(body), status);
}

io::Awaitable<Result<std::string>> hash_of(const Services& services, const std::string& secret) {
  auto work = [&services, &secret] { return auth::hash_client_secret(secret, services.random); };
  co_return co_await io::offload(services.hashing, work);
}

Error no_such_client() { return fail(Errc::not_found, "There is no such client"); }

}  // namespace

Answer list_clients(Call& call) {
  QueryParams params(call.request.target.query, {"limit", "cursor"});
  const int limit = static_cast<int>(
      params.integer("limit", limits::kDefaultPageItems, 1, limits::kMaxPageItems));
  std::optional<ClientId> after;
  if (const auto position = params.cursor(kClientsList)) {
    after = ClientId::parse(*position);
    if (!after) params.wrong("cursor", "is not one that this list gave");
  }
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  const Services& services = call.services();
  auto read = [&services, &after, limit] { return services.reader.list_clients(after, limit + 1); };
  const auto clients = co_await io::offload(services.reading, read);
  if (!clients) co_return refuse(call, clients.error());
  std::string body;
  wire::ListWriter list(body);
  const std::size_t count = std::min(clients->size(), static_cast<std::size_t>(limit));
  for (std::size_t i = 0; i < count; ++i) {
    std::string item;
    wire::encode_client(view_of((*clients)[i]), item);
    list.items().raw(item);
  }
  list.finish(clients->size() > count
                  ? wire::encode_cursor(kClientsList, to_string((*clients)[count - 1].client_id))
                  : std::string());
  co_return private_json(std::move(body));
}

Answer create_client(Call& call) {
  auto asked = wire::decode_new_client(call.request.body);
  if (!asked) co_return refuse(call, asked.error());
  const auto scopes = auth::ScopeSet::parse(asked->scope);
  if (!scopes || scopes->empty())
    co_return refuse(call,
                     fail(Errc::validation_failed,
                          "must be some of admin, tasks, workers, separated by a space", "scope"));
  const Services& services = call.services();
  const std::string secret = auth::make_secret(auth::SecretKind::client, services.random);
  const auto hash = co_await hash_of(services, secret);
  if (!hash) co_return refuse(call, hash.error());
  const WallTime now = services.clock.wall();
  const store::Client client{.client_id = services.ids.make<ClientId>(),
                             .name = std::move(asked->name),
                             .secret_hash = *hash,
                             .scope = scopes->text(),
                             .created_at = now,
                             .secret_changed_at = now};
  queue::Transact transact{
      .run = [&client](store::Store& store) { return store.accounts().insert_client(client); },
      .is_announced = true,
      .done = {}};
  const auto done = co_await ask(services, call.outbox, std::move(transact));
  if (!done) {
    const bool taken = done.error().code == Errc::conflict;
    co_return refuse(call,
                     taken ? fail(Errc::conflict, "Another client has this name") : done.error());
  }
  call.api.clients.add(client.client_id);
  auto response = client_answer(client, secret, 201);
  response.headers.add("Location", "/api/v1/clients/" + to_string(client.client_id));
  co_return response;
}

Answer delete_client(Call& call) {
  const ClientId id = call.client_id();
  if (id == call.caller.actor.client_id)
    co_return refuse(call, fail(Errc::conflict, "A client can't delete itself"));
  queue::Transact transact{.run = [id](store::Store& store) -> Result<void> {
                             auto removed = store.accounts().remove_client(id);
                             if (!removed) return removed.error();
                             if (!*removed) return no_such_client();
                             return {};
                           },
                           .is_announced = true,
                           .done = {}};
  const auto done = co_await ask(call.services(), call.outbox, std::move(transact));
  if (!done) co_return refuse(call, done.error());
  call.api.clients.remove(id);
  co_return net::Response::empty(204);
}

Answer rotate_secret(Call& call) {
  const Services& services = call.services();
  const ClientId id = call.client_id();
  const std::string secret = auth::make_secret(auth::SecretKind::client, services.random);
  const auto hash = co_await hash_of(services, secret);
  if (!hash) co_return refuse(call, hash.error());
  store::Client client;
  queue::Transact transact{
      .run = [&services, &client, &hash, id](store::Store& store) -> Result<void> {
        store::AccountStore& accounts = store.accounts();
        auto found = accounts.find_client(id);
        if (!found) return found.error();
        if (!*found) return no_such_client();
        client = std::move(**found);
        auto changed = accounts.update_client_secret(id, *hash, services.clock.wall());
        if (!changed) return changed.error();
        return accounts.revoke_client_tokens(id);
      },
      .done = {}};
  const auto done = co_await ask(services, call.outbox, std::move(transact));
  if (!done) co_return refuse(call, done.error());
  co_return client_answer(client, secret, 200);
}

}  // namespace tandem::api
