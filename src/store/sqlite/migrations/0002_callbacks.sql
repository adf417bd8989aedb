-- Whom to tell that a task has ended: written by the commit that ends it, gone when it was told.
create table callbacks (
  task_id blob primary key not null check (length(task_id) = 16),
  ended_at integer not null,
  url text not null,
  tries integer not null check (tries >= 0),
  due_at integer not null
) strict, without rowid;
create index callbacks_by_due on callbacks (due_at, task_id);
