-- name: put_callback
insert or replace into callbacks (task_id, ended_at, url, tries, due_at)
values (?1, ?2, ?3, ?4, ?5);

-- name: put_off_callback
update callbacks set tries = tries + 1, due_at = ?3 where task_id = ?1 and ended_at = ?2;

-- name: settle_callback
delete from callbacks where task_id = ?1 and ended_at = ?2;

-- name: delete_callback
delete from callbacks where task_id = ?1;

-- name: list_callbacks
select task_id, ended_at, url, tries, due_at from callbacks
where substr(url, 1, length(?1)) = ?1
order by due_at, task_id limit ?2;
