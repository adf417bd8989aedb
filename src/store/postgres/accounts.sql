-- A conflict is no error of the database's: that would end the whole transaction.

-- name: insert_client
insert into tandem.clients (client_id, name, secret_hash, scope, created_at, secret_changed_at)
values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning 1;

-- name: find_client
select client_id, name, secret_hash, scope, created_at, secret_changed_at
from tandem.clients where client_id = $1;

-- name: list_clients
select client_id, name, secret_hash, scope, created_at, secret_changed_at
from tandem.clients where client_id > $1 order by client_id limit $2;

-- name: update_client_secret
update tandem.clients set secret_hash = $2, secret_changed_at = $3 where client_id = $1
returning 1;

-- name: delete_client
delete from tandem.clients where client_id = $1 returning 1;

-- name: delete_client_tokens
delete from tandem.refresh_tokens where client_id = $1;

-- name: insert_refresh
insert into tandem.refresh_tokens (token_sha256, family, client_id, scope, expires_at, used_at,
  successor, revoked)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing returning 1;

-- name: find_refresh
select family, client_id, scope, expires_at, used_at, successor, revoked
from tandem.refresh_tokens where token_sha256 = $1;

-- name: mark_refresh_used
update tandem.refresh_tokens set used_at = $2, successor = $3 where token_sha256 = $1;

-- name: revoke_family
update tandem.refresh_tokens set revoked = true where family = $1;

-- name: revoke_client_tokens
update tandem.refresh_tokens set revoked = true where client_id = $1;

-- name: expire_refresh
delete from tandem.refresh_tokens where token_sha256 = any (array(
  select token_sha256 from tandem.refresh_tokens where expires_at < $1
  order by expires_at limit $2))
returning 1;

-- name: get_meta
select value from tandem.meta where key = $1;

-- name: set_meta
insert into tandem.meta (key, value) values ($1, $2) on conflict (key) do update set value = $2;
