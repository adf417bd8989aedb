-- Several servers on one database. What one has to tell another waits here until it was read.
create table tandem.letters (
  letter_id bigint generated always as identity primary key,
  to_server uuid not null,
  from_server uuid not null,
  text text not null
) with (
  autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 0
);
create index letters_by_receiver on tandem.letters (to_server, letter_id);

-- Who delivers it: the server that wrote it down; none: any.
alter table tandem.callbacks add column owner uuid;
