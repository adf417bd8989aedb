-- Servers that share the database. Their silence is measured by the database's clock alone.

-- name: register_server
insert into tandem.servers (server_id, name, started_at, seen_at)
values ($1, $2, $3, (extract(epoch from clock_timestamp()) * 1000)::bigint)
on conflict (server_id) do update
set name = excluded.name, started_at = excluded.started_at, seen_at = excluded.seen_at;

-- How long it was silent, and its draws; no row: another process goes by this id.

-- name: beat
update tandem.servers s
set seen_at = (extract(epoch from clock_timestamp()) * 1000)::bigint
from (select seen_at as before from tandem.servers where server_id = $1 for update) b
where s.server_id = $1 and s.started_at = $2
returning s.seen_at - b.before, s.draws;

-- name: list_peers
select server_id, name, (extract(epoch from clock_timestamp()) * 1000)::bigint - seen_at
from tandem.servers where server_id <> $1
order by server_id;

-- name: send_letters
insert into tandem.letters (to_server, from_server, text)
select g.to_server, $3, g.text
from unnest($1::uuid[], $2::text[]) with ordinality as g (to_server, text, ord)
order by g.ord;

-- name: ring_bells
select pg_notify('tandem_' || replace(to_server::text, '-', ''), '')
from unnest($1::uuid[]) as g (to_server);

-- name: read_letters
select letter_id, from_server, text from tandem.letters
where to_server = $1 order by letter_id limit $2;

-- name: drop_letters
delete from tandem.letters where to_server = $2 and letter_id = any ($1::bigint[]);

-- Takeover, in one transaction: nobody else does it meanwhile, and the dead server's own
-- transaction is over.

-- name: lock_silent_server
select 1 from tandem.servers
where server_id = $1 and (extract(epoch from clock_timestamp()) * 1000)::bigint - seen_at > $2
for update skip locked;

-- name: adopt_pending
update tandem.tasks set owner = $2 where task_id in (
  select task_id from tandem.tasks where status = 'pending' and owner = $1 limit $3)
returning 1;

-- name: adopt_scheduled
update tandem.tasks set owner = $2 where task_id in (
  select task_id from tandem.tasks where status = 'scheduled' and owner = $1 limit $3)
returning 1;

-- name: adopt_leased
update tandem.tasks set owner = $2 where task_id in (
  select task_id from tandem.tasks
  where status in ('assigned', 'running', 'waiting_for_input') and owner = $1 limit $3)
returning 1;

-- name: adopt_callbacks
update tandem.callbacks set owner = $2 where owner = $1;

-- name: drop_letters_to
delete from tandem.letters where to_server = $1;

-- name: lock_key
select pg_advisory_xact_lock(hashtextextended($1::uuid::text || '/' || $2, 7310323742192));

-- A worker that came from a server which does not answer, and which may be slow and no more: its
-- next change of such a task does not hold, and what it is changing now is left to it. One
-- statement: there is no moment in which this server could stand still and hold its locks.

-- name: draw_leased
with silent as (
  update tandem.servers set draws = draws + 1 where server_id in (
    select server_id from tandem.servers
    where server_id = $1 and (extract(epoch from clock_timestamp()) * 1000)::bigint - seen_at > $2
    for update skip locked)
  returning 1
)
update tandem.tasks set owner = $3 where exists (select from silent) and task_id in (
  select task_id from tandem.tasks
  where status in ('assigned', 'running', 'waiting_for_input') and owner = $1
    and worker_id = any ($4::uuid[])
  for update skip locked)
returning task_id;
