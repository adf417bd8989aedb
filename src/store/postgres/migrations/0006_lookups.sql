-- Where the statistics saw no row, every index that contains an id costs the same: only the one
-- that begins with it may serve a query that names no client.
drop index tandem.tasks_by_client;
create index tasks_by_client on tandem.tasks (client_id, task_id) where client_id is not null;
drop index tandem.finished_by_client;
create index finished_by_client on tandem.finished_tasks (client_id, task_id)
  where client_id is not null;
-- Of two that cost the same the younger one is taken.
drop index tandem.tasks_unique;
create index tasks_unique on tandem.tasks (client_id, unique_key, task_id)
  where unique_key is not null;
