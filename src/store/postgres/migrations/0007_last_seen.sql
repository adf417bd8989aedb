-- When a server has last heard of a worker, as far as it has been written down.
alter table tandem.workers add column last_seen_at bigint;
