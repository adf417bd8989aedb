-- Ids are the 16 bytes of a UUID, times are milliseconds since 1970 in UTC.
-- No `in (…)` of more than two values stands in a rule, an index or a trigger: for each, SQLite
-- makes a temporary table whenever a statement writes, which doubles the cost of a row.

-- What decides who may take a task; tasks name it by a small number.
create table lanes (
  lane_id integer primary key,
  client_id blob not null check (length(client_id) = 16),
  queue text not null,
  job_type text not null,
  assignment text not null check (assignment in ('any', 'push', 'polling')),
  requires blob not null,  -- packed list (task_codec.h)
  unique (client_id, queue, job_type, assignment, requires)
) strict;

create table tasks (
  id integer primary key,
  task_id blob not null unique check (length(task_id) = 16),
  client_id blob not null check (length(client_id) = 16),
  lane_id integer not null,
  status text not null check (status = 'pending' or status = 'running' or status = 'completed'
    or status = 'assigned' or status = 'scheduled' or status = 'waiting_for_input'
    or status = 'failed' or status = 'cancelled'),
  attempt integer not null check (attempt >= 0),
  first_attempt integer not null check (first_attempt >= 1),
  worker_losses integer not null check (worker_losses >= 0),
  max_attempts integer not null check (max_attempts between 1 and 1000),
  priority integer not null check (priority between -100 and 100),
  cancel_requested integer not null check (cancel_requested in (0, 1)),
  run_at integer,
  created_at integer not null,
  updated_at integer not null,
  queued_at integer,
  queue_expires_at integer,  -- only while pending, and only with a queue_timeout
  assigned_at integer,
  started_at integer,
  finished_at integer,
  worker_id blob,
  worker_name text not null,
  unique_key text,
  labels blob,  -- packed, as are spec and state (task_codec.h)
  spec blob not null,
  state blob,
  result text,
  payload text not null,
  check (status <> 'scheduled' or run_at is not null),
  check (status <> 'pending' or queued_at is not null),
  check (queue_expires_at is null or status = 'pending'),
  check (not (status = 'assigned' or status = 'running' or status = 'waiting_for_input')
    or (worker_id is not null and attempt >= 1)),
  check ((status = 'completed' or status = 'failed' or status = 'cancelled')
    = (finished_at is not null))
) strict;

create index tasks_by_client on tasks (client_id, task_id);
create index tasks_pending on tasks (lane_id, priority desc, task_id) where status = 'pending';
create index tasks_scheduled on tasks (run_at, task_id) where status = 'scheduled';
create index tasks_queue_expiry on tasks (queue_expires_at, task_id)
  where queue_expires_at is not null;
create index tasks_leased on tasks (task_id)
  where status = 'assigned' or status = 'running' or status = 'waiting_for_input';
create index tasks_finished on tasks (finished_at, task_id) where finished_at is not null;
create index tasks_unique on tasks (client_id, unique_key, task_id)
  where unique_key is not null and finished_at is null;

create trigger tasks_transition before update of status on tasks
when old.status <> new.status and instr(case old.status
  when 'scheduled' then ',pending,failed,cancelled,'
  when 'pending' then ',assigned,running,failed,cancelled,'
  when 'assigned' then ',pending,scheduled,running,completed,failed,cancelled,'
  when 'running' then ',waiting_for_input,completed,failed,cancelled,pending,scheduled,'
  when 'waiting_for_input' then ',running,completed,failed,cancelled,pending,scheduled,'
  else ',pending,' end, ',' || new.status || ',') = 0
begin
  select raise(abort, 'illegal transition');
end;

-- A task with its lane, as task_rows.cc reads it.
create view task_rows as
select t.task_id, t.client_id, t.lane_id, t.status, t.attempt, t.first_attempt, t.worker_losses,
  t.max_attempts, t.priority, t.cancel_requested, t.run_at, t.created_at, t.updated_at,
  t.queued_at, t.queue_expires_at, t.assigned_at, t.started_at, t.finished_at, t.worker_id,
  t.worker_name, t.unique_key, t.labels, t.spec, t.state, t.result, t.payload,
  l.queue, l.job_type, l.assignment, l.requires
from tasks t cross join lanes l on l.lane_id = t.lane_id;

-- Kept by the writer with every change, so that statistics read no tasks.
create table task_counts (
  lane_id integer not null,
  status text not null,
  tasks integer not null check (tasks >= 0),
  primary key (lane_id, status)
) strict, without rowid;

create table task_inputs (
  task_id blob not null,
  attempt integer not null,
  seq integer not null,
  eof integer not null check (eof in (0, 1)),
  data blob not null,
  primary key (task_id, attempt, seq)
) strict, without rowid;

create table idempotency (
  client_id blob not null,
  key text not null,
  body_sha256 text not null,
  tasks blob not null,  -- ids, one behind the other
  created_at integer not null,
  primary key (client_id, key)
) strict, without rowid;
create index idempotency_by_age on idempotency (created_at);

create table clients (
  client_id blob primary key not null check (length(client_id) = 16),
  name text not null unique,
  secret_hash text not null,
  scope text not null,
  created_at integer not null,
  secret_changed_at integer not null
) strict, without rowid;

create table refresh_tokens (
  token_sha256 text primary key not null,
  family blob not null,
  client_id blob not null,
  scope text not null,
  expires_at integer not null,
  used_at integer,
  successor text not null,
  revoked integer not null check (revoked in (0, 1))
) strict, without rowid;
create index refresh_tokens_by_family on refresh_tokens (family);
create index refresh_tokens_by_client on refresh_tokens (client_id);
create index refresh_tokens_by_expiry on refresh_tokens (expires_at);

create table meta (
  key text primary key not null,
  value text not null
) strict, without rowid;
