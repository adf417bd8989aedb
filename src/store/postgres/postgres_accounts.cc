#include "store/postgres/postgres_accounts.h"

#include "postgres_queries.h"
#include "store/postgres/failure.h"
#include "store/postgres/task_rows.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

}  // namespace

Result<void> PostgresAccounts::write(Statement statement) {
  auto written = session_.write(std::move(statement));
  return written ? Result<void>() : written.error();
}

Result<void> PostgresAccounts::insert(Statement statement) {
  auto inserted = session_.write(std::move(statement));
  if (!inserted) return inserted.error();
  return inserted->size() > 0 ? Result<void>() : error_of(kTakenState);
}

Result<void> PostgresAccounts::insert_client(const Client& client) {
  Statement one{sql::insert_client};
  one.params.id(client.client_id).text(client.name).text(client.secret_hash).text(client.scope);
  one.params.time(client.created_at).time(client.secret_changed_at);
  return insert(std::move(one));
}

Result<std::optional<Client>> PostgresAccounts::find_client(ClientId id) {
  return find_client_row(session_, id);
}

Result<std::vector<Client>> PostgresAccounts::list_clients(std::optional<ClientId> after,
                                                           int limit) {
  return list_client_rows(session_, after, limit);
}

Result<bool> PostgresAccounts::update_client_secret(ClientId id, const std::string& hash,
                                                    WallTime now) {
  Statement update{sql::update_client_secret};
  update.params.id(id).text(hash).time(now);
  auto updated = session_.write(std::move(update));
  if (!updated) return updated.error();
  return updated->size() > 0;
}

Result<bool> PostgresAccounts::remove_client(ClientId id) {
  Statement tokens{sql::delete_client_tokens}, client{sql::delete_client};
  tokens.params.id(id);
  client.params.id(id);
  if (auto deleted = write(std::move(tokens)); !deleted) return deleted.error();
  auto deleted = session_.write(std::move(client));
  if (!deleted) return deleted.error();
  return deleted->size() > 0;
}

Result<void> PostgresAccounts::insert_refresh(const RefreshToken& token) {
  Statement one{sql::insert_refresh};
  one.params.text(token.token_sha256).id(token.family).id(token.client_id).text(token.scope);
  one.params.time(token.expires_at).time(token.used_at).text(token.successor);
  one.params.boolean(token.revoked);
  return insert(std::move(one));
}

Result<std::optional<RefreshToken>> PostgresAccounts::find_refresh(const std::string& sha256) {
  Statement find{sql::find_refresh};
  find.params.text(sha256);
  auto rows = session_.run(std::move(find));
  if (!rows) return rows.error();
  if (rows->size() == 0) return std::optional<RefreshToken>{};
  const Row row(*rows, 0);
  return std::optional(RefreshToken{.token_sha256 = sha256,
                                    .family = row.id(0),
                                    .client_id = ClientId(row.id(1)),
                                    .scope = std::string(row.bytes(2)),
                                    .expires_at = row.time(3),
                                    .used_at = row.optional_time(4),
                                    .successor = std::string(row.bytes(5)),
                                    .revoked = row.number(6) != 0});
}

Result<void> PostgresAccounts::mark_refresh_used(const std::string& sha256, WallTime now,
                                                 const std::string& successor) {
  Statement mark{sql::mark_refresh_used};
  mark.params.text(sha256).time(now).text(successor);
  return write(std::move(mark));
}

Result<void> PostgresAccounts::revoke_family(const Uuid& family) {
  Statement revoke{sql::revoke_family};
  revoke.params.id(family);
  return write(std::move(revoke));
}

Result<void> PostgresAccounts::revoke_client_tokens(ClientId id) {
  Statement revoke{sql::revoke_client_tokens};
  revoke.params.id(id);
  return write(std::move(revoke));
}

Result<std::int64_t> PostgresAccounts::expire_refresh(WallTime before, int limit) {
  Statement expire{sql::expire_refresh};
  expire.params.time(before).bigint(limit);
  auto dropped = session_.write(std::move(expire));
  if (!dropped) return dropped.error();
  return dropped->size();
}

Result<std::optional<std::string>> PostgresAccounts::get_meta(const std::string& key) {
  Statement get{sql::get_meta};
  get.params.text(key);
  auto rows = session_.run(std::move(get));
  if (!rows) return rows.error();
  if (rows->size() == 0) return std::optional<std::string>{};
  return std::optional(std::string(rows->bytes(0, 0)));
}

Result<void> PostgresAccounts::set_meta(const std::string& key, const std::string& value) {
  Statement set{sql::set_meta};
  set.params.text(key).text(value);
  return write(std::move(set));
}

}  // namespace tandem::store::postgres
