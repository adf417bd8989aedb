-- Registered workers. Of their tokens the SHA-256 alone is kept; a revoked worker stays, so that
-- its tokens are told from unknown ones.
create table tandem.workers (
  worker_id uuid primary key,
  name text not null,
  mode text not null check (mode in ('push', 'polling', 'hybrid')),
  labels bytea,  -- packed, as are job_types and queues (store/task_codec.h)
  job_types bytea not null,
  queues bytea not null,
  slots integer not null check (slots between 1 and 1000),
  version text not null,
  host text not null,
  client_id uuid not null,
  token_sha256 text collate "C" not null unique,
  previous_sha256 text,
  previous_until bigint,
  created_at bigint not null,
  draining boolean not null,
  revoked_at bigint,
  revoke_reason text not null,
  check ((previous_sha256 is null) = (previous_until is null))
);
