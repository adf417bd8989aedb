-- name: create_schema_migrations
create table if not exists schema_migrations (
  number integer primary key,
  name text not null,
  applied_at text not null default current_timestamp
) strict;

-- name: schema_version
select coalesce(max(number), 0) from schema_migrations;

-- name: record_migration
insert into schema_migrations (number, name) values (?1, ?2);
