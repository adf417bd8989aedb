-- Ids are UUIDv7, so that they grow with time; times are milliseconds since 1970 in UTC. Texts that
-- must come back byte for byte are text or bytea, never jsonb.
-- Names sort by their bytes, as everywhere in the program.

-- Who works on this database. A task belongs to one of them.
create table tandem.servers (
  server_id uuid primary key,
  name text not null,
  started_at bigint not null,
  seen_at bigint not null
);

-- What decides who may take a task; tasks name it by a small number.
create table tandem.lanes (
  lane_id bigint generated always as identity primary key,
  client_id uuid not null,
  queue text collate "C" not null,
  job_type text collate "C" not null,
  assignment text collate "C" not null check (assignment in ('any', 'push', 'polling')),
  requires bytea not null  -- packed list (store/task_codec.h)
);
-- Of what may be long, a digest: an entry of an index has a bound.
create unique index lanes_by_key
  on tandem.lanes (client_id, queue, job_type, assignment, sha256(requires));

-- Tasks that are not finished: small, and changed all the time. Room on each page and frequent
-- vacuuming keep it small also where millions pass through it.
create table tandem.tasks (
  task_id uuid not null,
  owner uuid not null,  -- the server that holds it
  client_id uuid not null,
  lane_id bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  run_at bigint,
  queued_at bigint,
  queue_expires_at bigint,  -- only while pending, and only with a queue_timeout
  assigned_at bigint,
  started_at bigint,
  attempt integer not null,
  first_attempt integer not null,
  worker_losses integer not null,
  max_attempts integer not null,
  priority smallint not null,
  cancel_requested boolean not null,
  worker_id uuid,
  status text collate "C" not null,
  worker_name text collate "C" not null,
  unique_key text collate "C",
  labels text[] collate "C",  -- key=value; no key has a "="
  spec bytea not null,        -- packed, as is state (store/task_codec.h)
  state bytea,
  result text,
  payload text not null,
  constraint tasks_status check (status in
    ('scheduled', 'pending', 'assigned', 'running', 'waiting_for_input')),
  constraint tasks_numbers check (attempt >= 0 and first_attempt >= 1 and worker_losses >= 0
    and max_attempts between 1 and 1000 and priority between -100 and 100),
  constraint tasks_times check (case status
    when 'scheduled' then run_at is not null
    when 'pending' then queued_at is not null
    else worker_id is not null and attempt >= 1 end),
  constraint tasks_queue_expiry check (queue_expires_at is null or status = 'pending')
) with (
  fillfactor = 70,
  autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.2,
  autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.1,
  autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_cost_delay = 0,
  toast.autovacuum_vacuum_threshold = 2000, toast.autovacuum_vacuum_scale_factor = 0.02
);

create unique index tasks_by_id on tandem.tasks (task_id);
create index tasks_by_client on tandem.tasks (client_id, task_id);
-- The minus: so that one comparison of rows finds what stands behind a place.
create index tasks_pending on tandem.tasks (owner, lane_id, (-priority), task_id)
  where status = 'pending';
create index tasks_scheduled on tandem.tasks (owner, run_at, task_id) where status = 'scheduled';
create index tasks_queue_expiry on tandem.tasks (owner, queue_expires_at, task_id)
  where queue_expires_at is not null;
create index tasks_leased on tandem.tasks (task_id)
  where status in ('assigned', 'running', 'waiting_for_input');
create index tasks_unique on tandem.tasks (client_id, unique_key, task_id)
  where unique_key is not null;

-- Finished ones: moved here by the statement that ends them, and back by a retry. An id is in one
-- of the two tables.
create table tandem.finished_tasks (
  task_id uuid not null,
  owner uuid not null,
  client_id uuid not null,
  lane_id bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  run_at bigint,
  queued_at bigint,
  assigned_at bigint,
  started_at bigint,
  finished_at bigint not null,
  attempt integer not null,
  first_attempt integer not null,
  worker_losses integer not null,
  max_attempts integer not null,
  priority smallint not null,
  cancel_requested boolean not null,
  worker_id uuid,
  status text collate "C" not null,
  ended_from text collate "C" not null,  -- the status before
  worker_name text collate "C" not null,
  unique_key text collate "C",
  labels text[] collate "C",
  spec bytea not null,
  state bytea,
  result text,
  payload text not null,
  constraint finished_status check (case status
    when 'completed' then ended_from in ('assigned', 'running', 'waiting_for_input')
    when 'failed' then true
    when 'cancelled' then true
    else false end),
  constraint finished_numbers check (attempt >= 0 and first_attempt >= 1 and worker_losses >= 0
    and max_attempts between 1 and 1000 and priority between -100 and 100)
) with (
  autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.05
);

create unique index finished_by_id on tandem.finished_tasks (task_id);
create index finished_by_client on tandem.finished_tasks (client_id, task_id);
create index finished_by_time on tandem.finished_tasks (finished_at, task_id);

create function tandem.refuse_transition() returns trigger language plpgsql as $$
begin
  raise exception 'illegal transition' using errcode = 'TD001';
end
$$;

create trigger tasks_transition after update of status on tandem.tasks for each row
when (old.status <> new.status and position(',' || new.status || ',' in case old.status
  when 'scheduled' then ',pending,'
  when 'pending' then ',assigned,running,'
  when 'assigned' then ',pending,scheduled,running,'
  when 'running' then ',waiting_for_input,pending,scheduled,'
  else ',running,pending,scheduled,' end) = 0)
execute function tandem.refuse_transition();

create trigger finished_transition after update of status on tandem.finished_tasks for each row
when (old.status <> new.status)
execute function tandem.refuse_transition();

-- Tasks with their lanes, as task_rows.cc reads them: the same columns from both.
create view tandem.task_rows as
select t.task_id, t.client_id, t.status, t.attempt, t.first_attempt, t.worker_losses,
  t.max_attempts, t.priority, t.cancel_requested, t.run_at, t.created_at, t.updated_at,
  t.queued_at, t.assigned_at, t.started_at, null::bigint as finished_at, t.worker_id,
  t.worker_name, t.unique_key, array_to_string(t.labels, E'\x1f') as label_text, t.spec,
  t.state, t.result, t.payload,
  l.queue, l.job_type, l.assignment, l.requires, t.labels, t.owner, t.lane_id, t.queue_expires_at
from tandem.tasks t join tandem.lanes l on l.lane_id = t.lane_id;

create view tandem.finished_rows as
select t.task_id, t.client_id, t.status, t.attempt, t.first_attempt, t.worker_losses,
  t.max_attempts, t.priority, t.cancel_requested, t.run_at, t.created_at, t.updated_at,
  t.queued_at, t.assigned_at, t.started_at, t.finished_at, t.worker_id,
  t.worker_name, t.unique_key, array_to_string(t.labels, E'\x1f') as label_text, t.spec,
  t.state, t.result, t.payload,
  l.queue, l.job_type, l.assignment, l.requires, t.labels, t.owner, t.lane_id,
  null::bigint as queue_expires_at
from tandem.finished_tasks t join tandem.lanes l on l.lane_id = t.lane_id;

-- Kept by the writers with every change, so that statistics read no tasks. Each server counts what
-- it has changed itself, so that none waits for another: a sum is right, a row may be negative.
create table tandem.task_counts (
  owner uuid not null,
  lane_id bigint not null,
  status text collate "C" not null,
  tasks bigint not null,
  primary key (owner, lane_id, status)
) with (fillfactor = 20);

create table tandem.task_inputs (
  task_id uuid not null,
  attempt integer not null,
  seq bigint not null,
  eof boolean not null,
  data bytea not null,
  primary key (task_id, attempt, seq)
);

create table tandem.idempotency (
  client_id uuid not null,
  key text collate "C" not null,
  body_sha256 text not null,
  tasks bytea not null,  -- ids, one behind the other
  created_at bigint not null,
  primary key (client_id, key)
);
create index idempotency_by_age on tandem.idempotency (created_at);

create table tandem.clients (
  client_id uuid primary key,
  name text not null unique,
  secret_hash text not null,
  scope text not null,
  created_at bigint not null,
  secret_changed_at bigint not null
);

create table tandem.refresh_tokens (
  token_sha256 text collate "C" primary key,
  family uuid not null,
  client_id uuid not null,
  scope text not null,
  expires_at bigint not null,
  used_at bigint,
  successor text not null,
  revoked boolean not null
);
create index refresh_tokens_by_family on tandem.refresh_tokens (family);
create index refresh_tokens_by_client on tandem.refresh_tokens (client_id);
create index refresh_tokens_by_expiry on tandem.refresh_tokens (expires_at);

create table tandem.meta (
  key text primary key,
  value text not null
);
