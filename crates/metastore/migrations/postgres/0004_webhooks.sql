-- Webhooks: who is told of what happens in the registry, and what is still to be told.
create table webhooks (
  id text collate "C" primary key,
  name text collate "C" not null, description text collate "C", url text collate "C" not null,
  status text collate "C" not null check (status in ('ACTIVE', 'DISABLED')),
  secret text collate "C",
  created_at bigint not null, updated_at bigint not null,
  -- The server that tells it now, and until when the others leave it alone.
  teller text collate "C", told_until bigint not null default 0
);
create table webhook_events (
  webhook text collate "C" not null references webhooks (id) on delete cascade,
  event text collate "C" not null, position bigint not null,
  primary key (webhook, event)
);
create index webhook_events_by_event on webhook_events (event);
-- Written with what it tells of; ids grow and are never given twice, so that a webhook hears things in their order.
create table deliveries (
  id bigint generated always as identity primary key,
  webhook text collate "C" not null references webhooks (id) on delete cascade,
  event text collate "C" not null, happening text collate "C" not null, happened_at bigint not null,
  n_failed bigint not null default 0, due_at bigint not null
);
create index deliveries_by_webhook on deliveries (webhook, id);
