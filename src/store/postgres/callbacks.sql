-- name: put_callbacks
insert into tandem.callbacks (task_id, ended_at, url, tries, due_at, owner)
select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::integer[], $5::bigint[], $6::uuid[])
on conflict (task_id) do update set ended_at = excluded.ended_at, url = excluded.url,
  tries = excluded.tries, due_at = excluded.due_at, owner = excluded.owner;

-- name: put_off_callbacks
update tandem.callbacks c set tries = c.tries + 1, due_at = g.due_at
from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as g (task_id, ended_at, due_at)
where c.task_id = any (array[g.task_id]) and c.ended_at = g.ended_at;

-- name: settle_callbacks
delete from tandem.callbacks c
using unnest($1::uuid[], $2::bigint[]) as g (task_id, ended_at)
where c.task_id = any (array[g.task_id]) and c.ended_at = g.ended_at;

-- name: delete_callbacks
delete from tandem.callbacks where task_id = any ($1::uuid[]);

-- name: list_callbacks
select task_id, ended_at, url, tries, due_at from tandem.callbacks
where starts_with(url, $1::text) and (owner is null or owner = coalesce($3::uuid, owner))
order by due_at, task_id limit $2;
