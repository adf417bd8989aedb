-- name: begin_write
begin immediate;

-- name: commit_write
commit;

-- name: insert_lane
insert into lanes (client_id, queue, job_type, assignment, requires) values (?1, ?2, ?3, ?4, ?5);

-- name: find_lane
select lane_id from lanes
where client_id = ?1 and queue = ?2 and job_type = ?3 and assignment = ?4 and requires = ?5;

-- name: insert_task
insert into tasks (task_id, client_id, lane_id, max_attempts, priority, created_at, unique_key,
  labels, spec, payload, status, attempt, first_attempt, worker_losses, cancel_requested, run_at,
  updated_at, queued_at, queue_expires_at, assigned_at, started_at, finished_at, worker_id,
  worker_name, state, result)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
  ?21, ?22, ?23, ?24, ?25, ?26);

-- name: find_state
select id, attempt, status, lane_id from tasks where task_id = ?1;

-- name: update_task
update tasks set status = ?1, attempt = ?2, first_attempt = ?3, worker_losses = ?4,
  cancel_requested = ?5, run_at = ?6, updated_at = ?7, queued_at = ?8, queue_expires_at = ?9,
  assigned_at = ?10, started_at = ?11, finished_at = ?12, worker_id = ?13, worker_name = ?14,
  state = ?15, result = ?16
where id = ?17;

-- name: delete_task
delete from tasks where id = ?1;

-- name: delete_inputs
delete from task_inputs where task_id = ?1;

-- name: add_count
insert into task_counts (lane_id, status, tasks) values (?1, ?2, ?3)
on conflict (lane_id, status) do update set tasks = tasks + ?4;

-- name: put_idempotency
insert or replace into idempotency (client_id, key, body_sha256, tasks, created_at)
values (?1, ?2, ?3, ?4, ?5);

-- name: insert_input
insert into task_inputs (task_id, attempt, seq, eof, data) values (?1, ?2, ?3, ?4, ?5);

-- name: find_task
select * from task_rows where task_id = ?1;

-- name: load_leased
select * from task_rows
where (status = 'assigned' or status = 'running' or status = 'waiting_for_input')
order by task_id;

-- name: pending_lanes
select l.client_id, l.queue, l.job_type, l.assignment, l.requires, l.lane_id
from task_counts c cross join lanes l on l.lane_id = c.lane_id
where c.status = 'pending' and c.tasks > 0;

-- name: load_pending
select * from task_rows where status = 'pending' and lane_id = ?1
order by priority desc, task_id limit ?2;

-- Two steps, each one range of the index: the rest of the priority, then the lower ones.

-- name: load_pending_same_priority
select * from task_rows where status = 'pending' and lane_id = ?1 and priority = ?2
  and task_id > ?3
order by task_id limit ?4;

-- name: load_pending_lower_priority
select * from task_rows where status = 'pending' and lane_id = ?1 and priority < ?2
order by priority desc, task_id limit ?3;

-- name: load_due
select * from task_rows where status = 'scheduled' and run_at <= ?1
order by run_at, task_id limit ?2;

-- name: next_due
select run_at from tasks where status = 'scheduled' order by run_at limit 1;

-- name: load_queue_expired
select * from task_rows where queue_expires_at is not null and queue_expires_at <= ?1
order by queue_expires_at, task_id limit ?2;

-- name: next_queue_expiry
select queue_expires_at from tasks where queue_expires_at is not null
order by queue_expires_at limit 1;

-- name: find_idempotency
select body_sha256, tasks, created_at from idempotency where client_id = ?1 and key = ?2;

-- name: expire_idempotency
delete from idempotency where (client_id, key) in (
  select client_id, key from idempotency where created_at < ?1 order by created_at limit ?2);

-- name: find_unique
select task_id from tasks
where client_id = ?1 and unique_key = ?2 and unique_key is not null and finished_at is null
order by task_id limit 1;

-- name: load_inputs
select seq, eof, data from task_inputs where task_id = ?1 and attempt = ?2 and seq > ?3
order by seq;

-- name: load_finished_before
select task_id from tasks where finished_at is not null and finished_at < ?1
order by finished_at, task_id limit ?2;
