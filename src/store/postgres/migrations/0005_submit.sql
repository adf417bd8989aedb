-- Submissions in SQL (docs/using/sql.md). A submission waits here for a server to make a task of
-- it; one that no task can be made of stays, with the reason.
create table tandem.submissions (
  task_id uuid primary key,
  client_id uuid not null,
  body text not null,  -- as POST /api/v1/tasks takes it
  submitted_at bigint not null,
  refused text
) with (
  autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_cost_delay = 0
);
create index submissions_waiting on tandem.submissions (task_id) where refused is null;

-- The version of what is for users: it grows when a call that was good is so no more.
create function tandem.sql_version() returns integer language sql immutable as 'select 1';

-- A UUIDv7 of now: 48 bits of milliseconds, then what is random.
create function tandem.new_task_id() returns uuid language sql volatile as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
    substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
    from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

create function tandem.refuse_submission(why text) returns void language plpgsql as $$
begin
  raise exception 'tandem.submit: %', why using errcode = 'invalid_parameter_value';
end
$$;

create function tandem.check_payload(payload jsonb) returns void language plpgsql as $$
begin
  if payload is null or jsonb_typeof(payload) <> 'object' then
    perform tandem.refuse_submission('payload must be an object');
  elsif jsonb_typeof(payload -> 'job_type') is distinct from 'string'
      or payload ->> 'job_type' !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' then
    perform tandem.refuse_submission('payload.job_type must be a string of 1 to 128 letters,'
      ' digits, ".", "_" and "-" that begins with a letter or digit');
  elsif octet_length(payload::text) > 1048576 then
    perform tandem.refuse_submission('payload must have at most 1048576 bytes');
  end if;
end
$$;

-- Their names and types; what values may be is checked by the server that takes the submission.
create function tandem.check_options(options jsonb) returns void language plpgsql as $$
declare
  known constant jsonb := '{"queue": "string", "priority": "number", "assignment": "string",
    "requires": "array", "run_at": "string", "delay_s": "number", "timeout_s": "number",
    "queue_timeout_s": "number", "input_timeout_s": "number", "max_attempts": "number",
    "retry_delay_s": "number", "interactive": "boolean", "unique_key": "string",
    "callback_url": "string", "env": "object", "labels": "object"}';
  name text;
  value jsonb;
begin
  if options is null or jsonb_typeof(options) <> 'object' then
    perform tandem.refuse_submission('options must be an object');
  end if;
  for name, value in select * from jsonb_each(options) loop
    if not known ? name then
      perform tandem.refuse_submission(format('there is no option %I', name));
    elsif jsonb_typeof(value) <> known ->> name then
      perform tandem.refuse_submission(format('the option %I must be of type %s', name,
        known ->> name));
    end if;
  end loop;
end
$$;

create function tandem.client_named(name text) returns uuid language plpgsql stable as $$
declare
  client record;
begin
  select c.client_id, c.scope into client from tandem.clients c where c.name = client_named.name;
  if client is null then
    perform tandem.refuse_submission(format('there is no client %L', name));
  elsif not 'tasks' = any (string_to_array(client.scope, ' ')) then
    perform tandem.refuse_submission(format('the client %L has not the scope "tasks"', name));
  end if;
  return client.client_id;
end
$$;

-- With the rights of the tables' owner, so that who may call it needs no other.
create function tandem.submit(payload jsonb, client text default 'tasks',
  options jsonb default '{}') returns uuid language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  id constant uuid := tandem.new_task_id();
begin
  perform tandem.check_payload(payload);
  perform tandem.check_options(options);
  insert into tandem.submissions (task_id, client_id, body, submitted_at)
  values (id, tandem.client_named(client),
    (options || jsonb_build_object('payload', payload))::text,
    (extract(epoch from clock_timestamp()) * 1000)::bigint);
  perform pg_notify('tandem_submissions', '');
  return id;
end
$$;

revoke execute on function tandem.submit(jsonb, text, jsonb) from public;
