-- name: insert_worker
insert into tandem.workers (worker_id, name, mode, labels, job_types, queues, slots, version, host,
  client_id, token_sha256, previous_sha256, previous_until, created_at, draining, revoked_at,
  revoke_reason, last_seen_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
on conflict do nothing returning 1;

-- name: find_worker
select worker_id, name, mode, labels, job_types, queues, slots, version, host, client_id,
  token_sha256, previous_sha256, previous_until, created_at, draining, revoked_at, revoke_reason,
  last_seen_at
from tandem.workers where worker_id = $1;

-- name: find_worker_of
select worker_id, name, mode, labels, job_types, queues, slots, version, host, client_id,
  token_sha256, previous_sha256, previous_until, created_at, draining, revoked_at, revoke_reason,
  last_seen_at
from tandem.workers where token_sha256 = $1;

-- name: list_workers
select worker_id, name, mode, labels, job_types, queues, slots, version, host, client_id,
  token_sha256, previous_sha256, previous_until, created_at, draining, revoked_at, revoke_reason,
  last_seen_at
from tandem.workers where worker_id > $1 order by worker_id limit $2;

-- name: replace_worker_token
update tandem.workers set token_sha256 = $2, previous_sha256 = $3, previous_until = $4
where worker_id = $1 and revoked_at is null returning 1;

-- name: set_worker_draining
update tandem.workers set draining = $2 where worker_id = $1 and revoked_at is null returning 1;

-- name: revoke_worker
update tandem.workers set revoked_at = $2, revoke_reason = $3
where worker_id = $1 and revoked_at is null returning 1;

-- name: see_workers
-- Who is locked is left out: two servers that see the same workers must not wait for each other.
update tandem.workers as w set last_seen_at = there.seen_at
from (
  select found.worker_id, g.seen_at
  from unnest($1::uuid[], $2::bigint[]) as g (worker_id, seen_at)
  join tandem.workers as found on found.worker_id = g.worker_id
    and coalesce(found.last_seen_at, 0) < g.seen_at
  for update of found skip locked
) as there
where w.worker_id = there.worker_id
returning 1;
