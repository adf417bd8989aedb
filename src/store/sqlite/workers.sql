-- name: insert_worker
insert into workers (worker_id, name, mode, labels, job_types, queues, slots, version, host,
  client_id, token_sha256, previous_sha256, previous_until, created_at, draining, revoked_at,
  revoke_reason, last_seen_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18);

-- name: find_worker
select worker_id, name, mode, labels, job_types, queues, slots, version, host, client_id,
  token_sha256, previous_sha256, previous_until, created_at, draining, revoked_at, revoke_reason,
  last_seen_at
from workers where worker_id = ?1;

-- name: find_worker_of
select worker_id, name, mode, labels, job_types, queues, slots, version, host, client_id,
  token_sha256, previous_sha256, previous_until, created_at, draining, revoked_at, revoke_reason,
  last_seen_at
from workers where token_sha256 = ?1;

-- name: list_workers
select worker_id, name, mode, labels, job_types, queues, slots, version, host, client_id,
  token_sha256, previous_sha256, previous_until, created_at, draining, revoked_at, revoke_reason,
  last_seen_at
from workers where worker_id > ?1 order by worker_id limit ?2;

-- name: replace_worker_token
update workers set token_sha256 = ?2, previous_sha256 = ?3, previous_until = ?4
where worker_id = ?1 and revoked_at is null;

-- name: set_worker_draining
update workers set draining = ?2 where worker_id = ?1 and revoked_at is null;

-- name: revoke_worker
update workers set revoked_at = ?2, revoke_reason = ?3 where worker_id = ?1 and revoked_at is null;

-- name: see_worker
update workers set last_seen_at = ?2 where worker_id = ?1 and coalesce(last_seen_at, 0) < ?2;
