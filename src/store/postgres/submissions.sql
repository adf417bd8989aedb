-- What was submitted in SQL and waits for a server.

-- name: has_submissions
select exists (select 1 from tandem.submissions where refused is null);

-- Each is one server's: what another has in hand is skipped.

-- name: take_submissions
delete from tandem.submissions s
where s.task_id in (
  select task_id from tandem.submissions where refused is null
  order by task_id limit $1 for update skip locked)
returning s.task_id, s.client_id, s.body, s.submitted_at,
  exists (select 1 from tandem.clients c where c.client_id = s.client_id),
  exists (select 1 from tandem.tasks t where t.task_id = s.task_id)
    or exists (select 1 from tandem.finished_tasks f where f.task_id = s.task_id);

-- name: refuse_submission
insert into tandem.submissions (task_id, client_id, body, submitted_at, refused)
values ($1, $2, $3, $4, $5);
