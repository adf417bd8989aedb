-- Whom to tell that a task has ended: written by the commit that ends it, gone when it was told.
create table tandem.callbacks (
  task_id uuid primary key,
  ended_at bigint not null,
  url text not null,
  tries integer not null check (tries >= 0),
  due_at bigint not null
);
create index callbacks_by_due on tandem.callbacks (due_at);
