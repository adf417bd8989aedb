-- Batches: one statement for each kind of change, rows as arrays, a column each, in the order of
-- batch_columns.cc. Ids are compared with `any (array[…])`, which no order of an index serves:
-- where the statistics saw no task, the planner would otherwise read all of them outside, and the
-- batch inside.

-- name: insert_tasks
insert into tandem.tasks (
  owner, task_id, client_id, lane_id, created_at, max_attempts, priority, unique_key, labels,
  spec, payload, status, attempt, first_attempt, worker_losses, cancel_requested, run_at,
  updated_at, queued_at, queue_expires_at, assigned_at, started_at, worker_id, worker_name, state,
  result)
select
  g.owner, g.task_id, g.client_id, g.lane_id, g.created_at, g.max_attempts, g.priority,
  g.unique_key, string_to_array(g.labels, E'\x1f'), g.spec, g.payload, g.status, g.attempt,
  g.first_attempt, g.worker_losses, g.cancel_requested, g.run_at, g.updated_at, g.queued_at,
  g.queue_expires_at, g.assigned_at, g.started_at, g.worker_id, g.worker_name, g.state, g.result
from unnest(
  $1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::integer[], $6::smallint[], $7::text[],
  $8::text[], $9::bytea[], $10::text[], $11::text[], $12::integer[], $13::integer[],
  $14::integer[], $15::boolean[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
  $20::bigint[], $21::bigint[], $22::bigint[], $23::uuid[], $24::text[], $25::bytea[], $26::text[],
  $27::uuid[])
  as g (
  task_id, client_id, lane_id, created_at, max_attempts, priority, unique_key, labels, spec,
  payload, status, attempt, first_attempt, worker_losses, cancel_requested, run_at, updated_at,
  queued_at, queue_expires_at, assigned_at, started_at, finished_at, worker_id, worker_name,
  state, result, owner);

-- name: insert_finished
insert into tandem.finished_tasks (
  owner, task_id, client_id, lane_id, created_at, max_attempts, priority, unique_key, labels,
  spec, payload, status, attempt, first_attempt, worker_losses, cancel_requested, run_at,
  updated_at, queued_at, assigned_at, started_at, finished_at, worker_id, worker_name, state,
  result, ended_from)
select
  g.owner, g.task_id, g.client_id, g.lane_id, g.created_at, g.max_attempts, g.priority,
  g.unique_key, string_to_array(g.labels, E'\x1f'), g.spec, g.payload, g.status, g.attempt,
  g.first_attempt, g.worker_losses, g.cancel_requested, g.run_at, g.updated_at, g.queued_at,
  g.assigned_at, g.started_at, g.finished_at, g.worker_id, g.worker_name, g.state, g.result,
  'running'
from unnest(
  $1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::integer[], $6::smallint[], $7::text[],
  $8::text[], $9::bytea[], $10::text[], $11::text[], $12::integer[], $13::integer[],
  $14::integer[], $15::boolean[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
  $20::bigint[], $21::bigint[], $22::bigint[], $23::uuid[], $24::text[], $25::bytea[], $26::text[],
  $27::uuid[])
  as g (
  task_id, client_id, lane_id, created_at, max_attempts, priority, unique_key, labels, spec,
  payload, status, attempt, first_attempt, worker_losses, cancel_requested, run_at, updated_at,
  queued_at, queue_expires_at, assigned_at, started_at, finished_at, worker_id, worker_name,
  state, result, owner);

-- A change that stays in its table.

-- name: update_tasks
update tandem.tasks t set
  status = g.status, attempt = g.attempt, first_attempt = g.first_attempt,
  worker_losses = g.worker_losses, cancel_requested = g.cancel_requested, run_at = g.run_at,
  updated_at = g.updated_at, queued_at = g.queued_at, queue_expires_at = g.queue_expires_at,
  assigned_at = g.assigned_at, started_at = g.started_at, worker_id = g.worker_id,
  worker_name = g.worker_name, state = g.state, result = g.result,
  owner = g.owner
from unnest(
  $1::uuid[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::integer[],
  $7::integer[], $8::boolean[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
  $13::bigint[], $14::bigint[], $15::bigint[], $16::uuid[], $17::text[], $18::bytea[],
  $19::text[], $20::uuid[])
  with ordinality as g (
  task_id, guard_attempt, guard_status, status, attempt, first_attempt, worker_losses,
  cancel_requested, run_at, updated_at, queued_at, queue_expires_at, assigned_at, started_at,
  finished_at, worker_id, worker_name, state, result, owner, ord)
where t.task_id = any (array[g.task_id]) and t.attempt = g.guard_attempt
  and t.status = g.guard_status and t.owner = $21
returning g.ord, t.lane_id;

-- name: update_finished
update tandem.finished_tasks t set
  status = g.status, attempt = g.attempt, first_attempt = g.first_attempt,
  worker_losses = g.worker_losses, cancel_requested = g.cancel_requested, run_at = g.run_at,
  updated_at = g.updated_at, queued_at = g.queued_at, assigned_at = g.assigned_at,
  started_at = g.started_at, finished_at = g.finished_at, worker_id = g.worker_id,
  worker_name = g.worker_name, state = g.state, result = g.result
from unnest(
  $1::uuid[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::integer[],
  $7::integer[], $8::boolean[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
  $13::bigint[], $14::bigint[], $15::bigint[], $16::uuid[], $17::text[], $18::bytea[],
  $19::text[], $20::uuid[])
  with ordinality as g (
  task_id, guard_attempt, guard_status, status, attempt, first_attempt, worker_losses,
  cancel_requested, run_at, updated_at, queued_at, queue_expires_at, assigned_at, started_at,
  finished_at, worker_id, worker_name, state, result, owner, ord)
where t.task_id = any (array[g.task_id]) and t.attempt = g.guard_attempt
  and t.status = g.guard_status
returning g.ord, t.lane_id;

-- An end: the row moves.

-- name: end_tasks
with ended as (
  delete from tandem.tasks t
  using unnest(
    $1::uuid[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::integer[],
    $7::integer[], $8::boolean[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
    $13::bigint[], $14::bigint[], $15::bigint[], $16::uuid[], $17::text[], $18::bytea[],
    $19::text[], $20::uuid[])
    with ordinality as g (
    task_id, guard_attempt, guard_status, status, attempt, first_attempt, worker_losses,
    cancel_requested, run_at, updated_at, queued_at, queue_expires_at, assigned_at, started_at,
    finished_at, worker_id, worker_name, state, result, owner, ord)
  where t.task_id = any (array[g.task_id]) and t.attempt = g.guard_attempt
    and t.status = g.guard_status and t.owner = $21
  returning
    g.ord, g.guard_status, t.task_id, g.owner, t.client_id, t.lane_id, t.created_at,
    t.max_attempts, t.priority, t.unique_key, t.labels, t.spec, t.payload, g.status, g.attempt,
    g.first_attempt, g.worker_losses, g.cancel_requested, g.run_at, g.updated_at, g.queued_at,
    g.assigned_at, g.started_at, g.finished_at, g.worker_id, g.worker_name, g.state, g.result
), moved as (
  insert into tandem.finished_tasks (
    ended_from, task_id, owner, client_id, lane_id, created_at, max_attempts, priority,
    unique_key, labels, spec, payload, status, attempt, first_attempt, worker_losses,
    cancel_requested, run_at, updated_at, queued_at, assigned_at, started_at, finished_at,
    worker_id, worker_name, state, result)
  select
    guard_status, task_id, owner, client_id, lane_id, created_at, max_attempts, priority,
    unique_key, labels, spec, payload, status, attempt, first_attempt, worker_losses,
    cancel_requested, run_at, updated_at, queued_at, assigned_at, started_at, finished_at,
    worker_id, worker_name, state, result
  from ended
)
select ord, lane_id from ended;

-- A retry: the row comes back, to the server that was asked.

-- name: retry_tasks
with begun as (
  delete from tandem.finished_tasks t
  using unnest(
    $1::uuid[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::integer[],
    $7::integer[], $8::boolean[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
    $13::bigint[], $14::bigint[], $15::bigint[], $16::uuid[], $17::text[], $18::bytea[],
    $19::text[], $20::uuid[])
    with ordinality as g (
    task_id, guard_attempt, guard_status, status, attempt, first_attempt, worker_losses,
    cancel_requested, run_at, updated_at, queued_at, queue_expires_at, assigned_at, started_at,
    finished_at, worker_id, worker_name, state, result, owner, ord)
  where t.task_id = any (array[g.task_id]) and t.attempt = g.guard_attempt
    and t.status = g.guard_status
  returning
    g.ord, g.owner, t.task_id, t.client_id, t.lane_id, t.created_at, t.max_attempts, t.priority,
    t.unique_key, t.labels, t.spec, t.payload, g.status, g.attempt, g.first_attempt,
    g.worker_losses, g.cancel_requested, g.run_at, g.updated_at, g.queued_at, g.queue_expires_at,
    g.assigned_at, g.started_at, g.worker_id, g.worker_name, g.state, g.result
), moved as (
  insert into tandem.tasks (
    owner, task_id, client_id, lane_id, created_at, max_attempts, priority, unique_key, labels,
    spec, payload, status, attempt, first_attempt, worker_losses, cancel_requested, run_at,
    updated_at, queued_at, queue_expires_at, assigned_at, started_at, worker_id, worker_name,
    state, result)
  select
    owner, task_id, client_id, lane_id, created_at, max_attempts, priority, unique_key,
    labels, spec, payload, status, attempt, first_attempt, worker_losses, cancel_requested,
    run_at, updated_at, queued_at, queue_expires_at, assigned_at, started_at, worker_id,
    worker_name, state, result
  from begun
)
select ord, lane_id from begun;

-- Is one of these about to do what core's table does not allow?

-- name: find_illegal
select 1
from unnest($1::uuid[], $2::integer[], $3::text[]) as g (task_id, guard_attempt, guard_status)
where exists (select from tandem.tasks t
    where t.task_id = any (array[g.task_id]) and t.attempt = g.guard_attempt
      and t.status = g.guard_status)
  or exists (select from tandem.finished_tasks t
    where t.task_id = any (array[g.task_id]) and t.attempt = g.guard_attempt
      and t.status = g.guard_status)
limit 1;

-- name: delete_tasks
delete from tandem.tasks where task_id = any ($1::uuid[]) and owner = $2
returning lane_id, status, task_id;

-- name: delete_finished
delete from tandem.finished_tasks where task_id = any ($1::uuid[])
returning lane_id, status, task_id;

-- name: delete_inputs
delete from tandem.task_inputs where task_id = any ($1::uuid[]);

-- name: insert_lanes
insert into tandem.lanes (client_id, queue, job_type, assignment, requires)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[])
on conflict do nothing;

-- name: find_lanes
select g.ord, l.lane_id
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[])
  with ordinality as g (client_id, queue, job_type, assignment, requires, ord)
join tandem.lanes l on l.client_id = g.client_id and l.queue = g.queue
  and l.job_type = g.job_type and l.assignment = g.assignment
  and sha256(l.requires) = sha256(g.requires);

-- name: add_counts
insert into tandem.task_counts as c (owner, lane_id, status, tasks)
select $1, g.lane_id, g.status, g.tasks
from unnest($2::bigint[], $3::text[], $4::bigint[]) as g (lane_id, status, tasks)
on conflict (owner, lane_id, status) do update set tasks = c.tasks + excluded.tasks;

-- name: put_idempotency
insert into tandem.idempotency (client_id, key, body_sha256, tasks, created_at)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bigint[])
on conflict (client_id, key) do update set body_sha256 = excluded.body_sha256,
  tasks = excluded.tasks, created_at = excluded.created_at;

-- name: insert_inputs
insert into tandem.task_inputs (task_id, attempt, seq, eof, data)
select * from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::boolean[], $5::bytea[]);

-- A transaction of a server waits for the end of an older one of the same server, whose connection
-- was lost: it might still commit.

-- name: lock_server
select pg_advisory_xact_lock($1);

-- name: load_tasks
select r.*
from unnest($1::uuid[]) with ordinality as g (task_id, ord)
cross join lateral (
  select * from tandem.task_rows t where t.task_id = g.task_id
  union all
  select * from tandem.finished_rows t where t.task_id = g.task_id) r
order by g.ord;

-- From here on: of what this server holds.

-- name: load_leased
select * from tandem.task_rows
where owner = $1 and status in ('assigned', 'running', 'waiting_for_input')
order by task_id;

-- One look into the index for each lane.

-- name: pending_lanes
with recursive heads as (
  (select t.lane_id from tandem.tasks t
    where t.status = 'pending' and t.owner = $1 order by t.lane_id limit 1)
  union all
  select n.lane_id from heads h cross join lateral (
    select t.lane_id from tandem.tasks t
    where t.status = 'pending' and t.owner = $1 and t.lane_id > h.lane_id
    order by t.lane_id limit 1) n
)
select l.client_id, l.queue, l.job_type, l.assignment, l.requires
from heads h join tandem.lanes l on l.lane_id = h.lane_id;

-- name: load_pending
select * from tandem.task_rows
where status = 'pending' and owner = $1 and lane_id = $2
  and ((-priority), task_id) > ($3::smallint, $4::uuid)
order by (-priority), task_id limit $5;

-- name: load_due
select * from tandem.task_rows where status = 'scheduled' and owner = $1 and run_at <= $2
order by run_at, task_id limit $3;

-- name: next_due
select run_at from tandem.tasks where status = 'scheduled' and owner = $1
order by run_at limit 1;

-- name: load_queue_expired
select * from tandem.task_rows
where queue_expires_at is not null and owner = $1 and queue_expires_at <= $2
order by queue_expires_at, task_id limit $3;

-- name: next_queue_expiry
select queue_expires_at from tandem.tasks where queue_expires_at is not null and owner = $1
order by queue_expires_at limit 1;

-- Of all servers again.

-- name: find_idempotency
select body_sha256, tasks, created_at from tandem.idempotency where client_id = $1 and key = $2;

-- name: expire_idempotency
delete from tandem.idempotency where (client_id, key) in (
  select client_id, key from tandem.idempotency where created_at < $1
  order by created_at limit $2)
returning 1;

-- name: find_unique
select task_id from tandem.tasks where client_id = $1 and unique_key = $2
order by task_id limit 1;

-- name: load_inputs
select seq, eof, data from tandem.task_inputs
where task_id = $1 and attempt = $2 and seq > $3 order by seq;

-- name: load_finished_before
select task_id from tandem.finished_tasks where finished_at < $1
order by finished_at, task_id limit $2 for update skip locked;
