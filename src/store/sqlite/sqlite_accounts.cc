#include "store/sqlite/sqlite_accounts.h"

#include "sqlite_queries.h"
#include "store/sqlite/task_rows.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::sqlite;

}  // namespace

Result<void> SqliteAccounts::write(Query& query) {
  if (!connection_.in_transaction())
    return fail(Errc::store_unavailable, "The transaction has ended");
  return query.run();
}

Result<void> SqliteAccounts::insert_client(const Client& client) {
  Query query(connection_, sql::insert_client);
  query.id(client.client_id).text(client.name).text(client.secret_hash).text(client.scope);
  return write(query.time(client.created_at).time(client.secret_changed_at));
}

Result<std::optional<Client>> SqliteAccounts::find_client(ClientId id) {
  return find_client_row(connection_, id);
}

Result<std::vector<Client>> SqliteAccounts::list_clients(std::optional<ClientId> after, int limit) {
  return list_client_rows(connection_, after, limit);
}

Result<bool> SqliteAccounts::update_client_secret(ClientId id, const std::string& hash,
                                                  WallTime now) {
  Query query(connection_, sql::update_client_secret);
  if (auto updated = write(query.id(id).text(hash).time(now)); !updated) return updated.error();
  return connection_.changes() > 0;
}

Result<bool> SqliteAccounts::remove_client(ClientId id) {
  Query tokens(connection_, sql::delete_client_tokens);
  if (auto deleted = write(tokens.id(id)); !deleted) return deleted.error();
  Query query(connection_, sql::delete_client);
  if (auto deleted = write(query.id(id)); !deleted) return deleted.error();
  return connection_.changes() > 0;
}

Result<void> SqliteAccounts::insert_refresh(const RefreshToken& token) {
  Query query(connection_, sql::insert_refresh);
  query.text(token.token_sha256).id(token.family).id(token.client_id).text(token.scope);
  query.time(token.expires_at).time(token.used_at).text(token.successor);
  return write(query.integer(token.revoked ? 1 : 0));
}

Result<std::optional<RefreshToken>> SqliteAccounts::find_refresh(const std::string& sha256) {
  Query query(connection_, sql::find_refresh);
  auto row = query.text(sha256).step();
  if (!row) return row.error();
  if (!*row) return std::optional<RefreshToken>{};
  return std::optional(RefreshToken{.token_sha256 = sha256,
                                    .family = query.id_at(0),
                                    .client_id = ClientId(query.id_at(1)),
                                    .scope = std::string(query.text_at(2)),
                                    .expires_at = query.time_at(3),
                                    .used_at = query.optional_time_at(4),
                                    .successor = std::string(query.text_at(5)),
                                    .revoked = query.integer_at(6) != 0});
}

Result<void> SqliteAccounts::mark_refresh_used(const std::string& sha256, WallTime now,
                                               const std::string& successor) {
  Query query(connection_, sql::mark_refresh_used);
  return write(query.text(sha256).time(now).text(successor));
}

Result<void> SqliteAccounts::revoke_family(const Uuid& family) {
  Query query(connection_, sql::revoke_family);
  return write(query.id(family));
}

Result<void> SqliteAccounts::revoke_client_tokens(ClientId id) {
  Query query(connection_, sql::revoke_client_tokens);
  return write(query.id(id));
}

Result<std::int64_t> SqliteAccounts::expire_refresh(WallTime before, int limit) {
  Query query(connection_, sql::expire_refresh);
  if (auto dropped = write(query.time(before).integer(limit)); !dropped) return dropped.error();
  return connection_.changes();
}

Result<std::optional<std::string>> SqliteAccounts::get_meta(const std::string& key) {
  Query query(connection_, sql::get_meta);
  auto row = query.text(key).step();
  if (!row) return row.error();
  if (!*row) return std::optional<std::string>{};
  return std::optional(std::string(query.text_at(0)));
}

Result<void> SqliteAccounts::set_meta(const std::string& key, const std::string& value) {
  Query query(connection_, sql::set_meta);
  return write(query.text(key).text(value));
}

}  // namespace tandem::store
