-- Registered workers. Of their tokens the SHA-256 alone is kept; a revoked worker stays, so that
-- its tokens are told from unknown ones.
create table workers (
  worker_id blob primary key not null check (length(worker_id) = 16),
  name text not null,
  mode text not null check (mode = 'push' or mode = 'polling' or mode = 'hybrid'),
  labels blob,  -- packed, as are job_types and queues (task_codec.h)
  job_types blob not null,
  queues blob not null,
  slots integer not null check (slots between 1 and 1000),
  version text not null,
  host text not null,
  client_id blob not null check (length(client_id) = 16),
  token_sha256 text not null unique,
  previous_sha256 text,
  previous_until integer,
  created_at integer not null,
  draining integer not null check (draining in (0, 1)),
  revoked_at integer,
  revoke_reason text not null,
  check ((previous_sha256 is null) = (previous_until is null))
) strict, without rowid;
