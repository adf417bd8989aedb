-- The same list three times, each along the index that fits what is asked for. Newest first;
-- $2 … $9 are null where they are not asked for; $2 is like ',pending,running,', $7 is in lower
-- case; $11 and $12 say whether tasks that are not finished, and those that are, can be on it.

-- name: list_all
select * from (
  (select * from tandem.task_rows
  where $11::boolean and task_id < $1
    and ($2::text is null or position(',' || status || ',' in $2) > 0)
    and ($3::text is null or job_type = $3)
    and ($4::text is null or queue = $4)
    and ($5::uuid is null or worker_id = $5)
    and ($6::text is null or labels @> string_to_array($6, E'\x1f'))
    and ($7::text is null or position($7 in lower(payload collate "C")) > 0
      or position($7 in lower(job_type)) > 0 or position($7 in task_id::text) > 0)
    and ($8::bigint is null or created_at > $8)
    and ($9::bigint is null or created_at < $9)
  order by task_id desc limit $10)
  union all
  (select * from tandem.finished_rows
  where $12::boolean and task_id < $1
    and ($2::text is null or position(',' || status || ',' in $2) > 0)
    and ($3::text is null or job_type = $3)
    and ($4::text is null or queue = $4)
    and ($5::uuid is null or worker_id = $5)
    and ($6::text is null or labels @> string_to_array($6, E'\x1f'))
    and ($7::text is null or position($7 in lower(payload collate "C")) > 0
      or position($7 in lower(job_type)) > 0 or position($7 in task_id::text) > 0)
    and ($8::bigint is null or created_at > $8)
    and ($9::bigint is null or created_at < $9)
  order by task_id desc limit $10)
) t
order by task_id desc limit $10;

-- name: list_of_client
select * from (
  (select * from tandem.task_rows
  where $11::boolean and task_id < $1
    and ($2::text is null or position(',' || status || ',' in $2) > 0)
    and ($3::text is null or job_type = $3)
    and ($4::text is null or queue = $4)
    and ($5::uuid is null or worker_id = $5)
    and ($6::text is null or labels @> string_to_array($6, E'\x1f'))
    and ($7::text is null or position($7 in lower(payload collate "C")) > 0
      or position($7 in lower(job_type)) > 0 or position($7 in task_id::text) > 0)
    and ($8::bigint is null or created_at > $8)
    and ($9::bigint is null or created_at < $9)
    and client_id = $13
  order by task_id desc limit $10)
  union all
  (select * from tandem.finished_rows
  where $12::boolean and task_id < $1
    and ($2::text is null or position(',' || status || ',' in $2) > 0)
    and ($3::text is null or job_type = $3)
    and ($4::text is null or queue = $4)
    and ($5::uuid is null or worker_id = $5)
    and ($6::text is null or labels @> string_to_array($6, E'\x1f'))
    and ($7::text is null or position($7 in lower(payload collate "C")) > 0
      or position($7 in lower(job_type)) > 0 or position($7 in task_id::text) > 0)
    and ($8::bigint is null or created_at > $8)
    and ($9::bigint is null or created_at < $9)
    and client_id = $13
  order by task_id desc limit $10)
) t
order by task_id desc limit $10;

-- name: list_leased
select * from tandem.task_rows
where status in ('assigned', 'running', 'waiting_for_input')
  and task_id < $1
  and ($2::text is null or position(',' || status || ',' in $2) > 0)
  and ($3::text is null or job_type = $3)
  and ($4::text is null or queue = $4)
  and ($5::uuid is null or worker_id = $5)
  and ($6::text is null or labels @> string_to_array($6, E'\x1f'))
  and ($7::text is null or position($7 in lower(payload collate "C")) > 0
    or position($7 in lower(job_type)) > 0 or position($7 in task_id::text) > 0)
  and ($8::bigint is null or created_at > $8)
  and ($9::bigint is null or created_at < $9)
  and ($11::uuid is null or client_id = $11)
order by task_id desc limit $10;

-- name: find_task
select * from tandem.task_rows where task_id = $1
union all
select * from tandem.finished_rows where task_id = $1;

-- One view of the database for all statistics.

-- name: begin_read
begin isolation level repeatable read read only;

-- name: end_read
commit;

-- name: stats_counts
select l.queue, c.status, sum(c.tasks)::bigint
from tandem.task_counts c join tandem.lanes l on l.lane_id = c.lane_id
where $1::uuid is null or l.client_id = $1
group by l.queue, c.status having sum(c.tasks) > 0;

-- The first of each priority of each lane: one look into the index for each.

-- name: stats_oldest_pending
with recursive heads as (
  (select t.owner, t.lane_id, t.priority, t.task_id, t.created_at from tandem.tasks t
    where t.status = 'pending' order by t.owner, t.lane_id, (-t.priority), t.task_id limit 1)
  union all
  select n.* from heads h cross join lateral (
    select t.owner, t.lane_id, t.priority, t.task_id, t.created_at from tandem.tasks t
    where t.status = 'pending'
      and (t.owner, t.lane_id, (-t.priority)) > (h.owner, h.lane_id, (-h.priority))
    order by t.owner, t.lane_id, (-t.priority), t.task_id limit 1) n
)
select h.created_at from heads h join tandem.lanes l on l.lane_id = h.lane_id
where $1::uuid is null or l.client_id = $1
order by h.task_id limit 1;

-- name: stats_created
select (select count(*) from tandem.tasks where task_id >= $1)
  + (select count(*) from tandem.finished_tasks where task_id >= $1);

-- Rows are compared, so that no index but the client's can serve.

-- name: stats_created_of_client
select (select count(*) from tandem.tasks
    where client_id = $2 and (client_id, task_id) >= ($2, $1))
  + (select count(*) from tandem.finished_tasks
    where client_id = $2 and (client_id, task_id) >= ($2, $1));

-- name: stats_finished
select count(*) from tandem.finished_tasks
where finished_at > $1 and ($2::uuid is null or client_id = $2);
