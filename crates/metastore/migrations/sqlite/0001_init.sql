-- Tracking, as MLflow knows it.
create table experiments (
  id integer primary key,
  name text not null unique,
  artifact_location text not null,
  lifecycle text not null default 'active' check (lifecycle in ('active', 'deleted')),
  created_at integer not null,
  updated_at integer not null
) strict;
create table experiment_tags (
  experiment integer not null references experiments (id) on delete cascade,
  key text not null, value text not null,
  primary key (experiment, key)
) strict, without rowid;
insert into experiments (id, name, artifact_location, created_at, updated_at) values (0, 'Default', 'mlflow-artifacts:/0', 0, 0);

create table runs (
  id text primary key,
  experiment integer not null references experiments (id),
  name text not null,
  user text not null,
  status text not null,
  start_time integer not null,
  end_time integer,
  artifact_uri text not null,
  lifecycle text not null default 'active' check (lifecycle in ('active', 'deleted')),
  deleted_at integer
) strict;
create index runs_by_experiment on runs (experiment, start_time desc, id);
create table params (
  run text not null references runs (id) on delete cascade,
  key text not null, value text not null,
  primary key (run, key)
) strict, without rowid;
create table tags (
  run text not null references runs (id) on delete cascade,
  key text not null, value text not null,
  primary key (run, key)
) strict, without rowid;
-- SQLite has no NaN: it is stored as 0 with is_nan set. Infinities are stored as they are.
create table metrics (
  run text not null references runs (id) on delete cascade,
  key text not null, timestamp integer not null, step integer not null, value real not null, is_nan integer not null,
  primary key (run, key, timestamp, step, value, is_nan)
) strict, without rowid;
-- The position grows with each new metric: runs list metrics in the order in which they were first logged.
create table latest_metrics (
  position integer primary key,
  run text not null references runs (id) on delete cascade,
  key text not null, timestamp integer not null, step integer not null, value real not null, is_nan integer not null,
  unique (run, key)
) strict;
create table datasets (
  id integer primary key,
  experiment integer not null references experiments (id) on delete cascade,
  name text not null, digest text not null, source_type text not null, source text not null, schema text, profile text,
  unique (experiment, name, digest)
) strict;
create table inputs (
  run text not null references runs (id) on delete cascade,
  dataset integer not null references datasets (id) on delete cascade,
  context text not null,
  primary key (run, dataset, context)
) strict, without rowid;
create table outputs (
  run text not null references runs (id) on delete cascade,
  model text not null, step integer not null,
  primary key (run, model, step)
) strict, without rowid;

create table logged_models (
  id text primary key,
  experiment integer not null references experiments (id),
  name text not null, artifact_location text not null, status text not null, model_type text, source_run text,
  created_at integer not null, updated_at integer not null
) strict;
create index logged_models_by_run on logged_models (source_run, created_at);
create index logged_models_by_experiment on logged_models (experiment, created_at desc);
create table logged_model_tags (
  model text not null references logged_models (id) on delete cascade,
  key text not null, value text not null,
  primary key (model, key)
) strict, without rowid;
create table logged_model_params (
  model text not null references logged_models (id) on delete cascade,
  key text not null, value text not null,
  primary key (model, key)
) strict, without rowid;

-- The registry.
create table registered_models (
  name text primary key,
  description text not null default '',
  created_at integer not null, updated_at integer not null,
  next_version integer not null default 1
) strict;
create table registered_model_tags (
  model text not null references registered_models (name) on delete cascade on update cascade,
  key text not null, value text not null,
  primary key (model, key)
) strict, without rowid;
create table model_versions (
  model text not null references registered_models (name) on delete cascade on update cascade,
  version integer not null,
  source text not null, run text, logged_model text,
  description text not null default '',
  stage text not null default 'None',
  created_at integer not null, updated_at integer not null,
  primary key (model, version)
) strict, without rowid;
create table model_version_tags (
  model text not null, version integer not null, key text not null, value text not null,
  primary key (model, version, key),
  foreign key (model, version) references model_versions (model, version) on delete cascade on update cascade
) strict, without rowid;
create table aliases (
  model text not null, alias text not null, version integer not null,
  primary key (model, alias),
  foreign key (model, version) references model_versions (model, version) on delete cascade on update cascade
) strict, without rowid;

-- The loop.
create table cycles (
  number integer primary key,
  reason text not null, why text not null, outcome text,
  started_at integer not null, finished_at integer,
  run text, metrics text not null default '{}', champion_version integer
) strict;
-- One cycle at a time, whoever starts it.
create unique index one_unfinished_cycle on cycles ((1)) where outcome is null;
create table stages (
  cycle integer not null references cycles (number) on delete cascade,
  position integer not null,
  name text not null, state text not null, action text not null,
  cached integer not null default 0, started_at integer, duration_ms integer not null default 0, message text,
  primary key (cycle, name)
) strict, without rowid;
create table labels (
  cursor integer primary key,
  model text not null, id text not null, value text not null, received_at integer not null,
  unique (model, id)
) strict;
create table signals (
  id integer primary key,
  model text not null, version integer not null, name text not null, kind text not null,
  window_start integer not null, window_end integer not null,
  value real, threshold real, verdict text not null, details text not null,
  unique (model, version, name, window_end)
) strict;
create index signals_by_time on signals (model, window_end desc);
create table decisions (
  key text primary key,
  kind text not null, why text not null, decided_at integer not null,
  owner text, lease_until integer, outcome text, finished_at integer
) strict;
create table notes (key text primary key, value text not null) strict;

create table audit (
  id integer primary key,
  at integer not null, actor text not null, action text not null, subject text not null, why text not null,
  details text not null, hash text not null
) strict;
-- `insert or replace` deletes without asking the other triggers.
create trigger audit_only_grows before insert on audit when exists (select 1 from audit where id >= new.id)
begin select raise(abort, 'the audit log is append-only'); end;
create trigger audit_is_not_changed before update on audit begin select raise(abort, 'the audit log is append-only'); end;
create trigger audit_is_not_deleted before delete on audit begin select raise(abort, 'the audit log is append-only'); end;
