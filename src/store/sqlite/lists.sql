-- The same list three times, each along the index that fits what is asked for. Newest first;
-- ?2 … ?9 are null where they are not asked for; ?2 is like ',pending,running,'.

-- name: list_all
select * from task_rows
where task_id < ?1
  and (?2 is null or instr(?2, ',' || status || ',') > 0)
  and (?3 is null or job_type = ?3)
  and (?4 is null or queue = ?4)
  and (?5 is null or worker_id = ?5)
  and (?6 is null or has_labels(labels, ?6))
  and (?7 is null or search_hits(?7, job_type, task_id, payload))
  and (?8 is null or created_at > ?8)
  and (?9 is null or created_at < ?9)
order by task_id desc limit ?10;

-- name: list_of_client
select * from task_rows
where task_id < ?1
  and (?2 is null or instr(?2, ',' || status || ',') > 0)
  and (?3 is null or job_type = ?3)
  and (?4 is null or queue = ?4)
  and (?5 is null or worker_id = ?5)
  and (?6 is null or has_labels(labels, ?6))
  and (?7 is null or search_hits(?7, job_type, task_id, payload))
  and (?8 is null or created_at > ?8)
  and (?9 is null or created_at < ?9)
  and client_id = ?11
order by task_id desc limit ?10;

-- name: list_leased
select * from task_rows
where (status = 'assigned' or status = 'running' or status = 'waiting_for_input')
  and task_id < ?1
  and (?2 is null or instr(?2, ',' || status || ',') > 0)
  and (?3 is null or job_type = ?3)
  and (?4 is null or queue = ?4)
  and (?5 is null or worker_id = ?5)
  and (?6 is null or has_labels(labels, ?6))
  and (?7 is null or search_hits(?7, job_type, task_id, payload))
  and (?8 is null or created_at > ?8)
  and (?9 is null or created_at < ?9)
  and (?11 is null or client_id = ?11)
order by task_id desc limit ?10;

-- name: stats_counts
select l.queue, c.status, sum(c.tasks)
from task_counts c cross join lanes l on l.lane_id = c.lane_id
where c.tasks > 0 and (?1 is null or l.client_id = ?1)
group by l.queue, c.status;

-- name: stats_pending_lanes
select c.lane_id
from task_counts c cross join lanes l on l.lane_id = c.lane_id
where c.status = 'pending' and c.tasks > 0 and (?1 is null or l.client_id = ?1);

-- name: stats_lane_head
select priority, task_id, created_at from tasks
where status = 'pending' and lane_id = ?1 and priority < ?2
order by priority desc, task_id limit 1;

-- name: stats_created
select count(*) from tasks where task_id >= ?1;

-- name: stats_created_of_client
select count(*) from tasks where client_id = ?2 and task_id >= ?1;

-- name: stats_finished
select count(*) from tasks where finished_at is not null and finished_at > ?1;

-- The plus keeps it from the index of all tasks of a client.

-- name: stats_finished_of_client
select count(*) from tasks
where finished_at is not null and finished_at > ?1 and +client_id = ?2;
