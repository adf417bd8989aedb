-- How often other servers have drawn tasks from a server that was silent: its memory is as old.
alter table tandem.servers add column draws bigint not null default 0;
