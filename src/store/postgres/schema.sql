-- What migrations need, before and after.

-- name: lock_schema
select pg_advisory_xact_lock(7310323742191);

-- name: has_schema
select exists (select from pg_namespace where nspname = 'tandem');

-- name: create_schema
create schema tandem;

-- name: create_schema_migrations
create table if not exists tandem.schema_migrations (
  number integer primary key,
  name text not null,
  applied_at timestamptz not null default now()
);

-- name: schema_version
select coalesce(max(number), 0)::bigint from tandem.schema_migrations;

-- name: record_migration
insert into tandem.schema_migrations (number, name) values ($1, $2);

-- What this server must be, and who answers: another process than the one that was connected to
-- when there is a pooler between.

-- name: describe_server
select current_setting('server_version_num')::bigint, current_setting('server_encoding'),
  pg_backend_pid()::bigint, current_setting('transaction_read_only') = 'on';

-- For a connection of one's own: plans are made once, for tables of any size, so they must be the
-- ones along the indexes.

-- name: settle_session
select set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
  set_config('enable_mergejoin', 'off', false), set_config('enable_bitmapscan', 'off', false),
  set_config('enable_sort', 'off', false), set_config('jit', 'off', false),
  set_config('plan_cache_mode', 'force_generic_plan', false),
  set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),
  set_config('idle_in_transaction_session_timeout', '10000', false);

-- name: is_read_only
select current_setting('transaction_read_only') = 'on';
