-- Webhooks: who is told of what happens in the registry, and what is still to be told.
create table webhooks (
  id text primary key,
  name text not null, description text, url text not null,
  status text not null check (status in ('ACTIVE', 'DISABLED')),
  secret text,
  created_at integer not null, updated_at integer not null,
  -- The server that tells it now, and until when the others leave it alone.
  teller text, told_until integer not null default 0
) strict;
create table webhook_events (
  webhook text not null references webhooks (id) on delete cascade,
  event text not null, position integer not null,
  primary key (webhook, event)
) strict, without rowid;
create index webhook_events_by_event on webhook_events (event);
-- Written with what it tells of; ids grow and are never given twice, so that a webhook hears things in their order.
create table deliveries (
  id integer primary key autoincrement,
  webhook text not null references webhooks (id) on delete cascade,
  event text not null, happening text not null, happened_at integer not null,
  n_failed integer not null default 0, due_at integer not null
) strict;
create index deliveries_by_webhook on deliveries (webhook, id);
