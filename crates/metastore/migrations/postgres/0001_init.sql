-- The same tables as on SQLite. Texts are compared byte by byte, as SQLite compares them.

-- Tracking, as MLflow knows it.
create table experiments (
  id bigint primary key,
  name text collate "C" not null unique,
  artifact_location text collate "C" not null,
  lifecycle text collate "C" not null default 'active' check (lifecycle in ('active', 'deleted')),
  created_at bigint not null,
  updated_at bigint not null
);
create table experiment_tags (
  experiment bigint not null references experiments (id) on delete cascade,
  key text collate "C" not null, value text collate "C" not null,
  primary key (experiment, key)
);
insert into experiments (id, name, artifact_location, created_at, updated_at) values (0, 'Default', 'mlflow-artifacts:/0', 0, 0);

create table runs (
  id text collate "C" primary key,
  experiment bigint not null references experiments (id),
  name text collate "C" not null,
  "user" text collate "C" not null,
  status text collate "C" not null,
  start_time bigint not null,
  end_time bigint,
  artifact_uri text collate "C" not null,
  lifecycle text collate "C" not null default 'active' check (lifecycle in ('active', 'deleted')),
  deleted_at bigint
);
create index runs_by_experiment on runs (experiment, start_time desc, id);
create table params (
  run text collate "C" not null references runs (id) on delete cascade,
  key text collate "C" not null, value text collate "C" not null,
  primary key (run, key)
);
create table tags (
  run text collate "C" not null references runs (id) on delete cascade,
  key text collate "C" not null, value text collate "C" not null,
  primary key (run, key)
);
-- As on SQLite, which has no NaN: it is stored as 0 with is_nan set. Infinities are stored as they are.
create table metrics (
  run text collate "C" not null references runs (id) on delete cascade,
  key text collate "C" not null, timestamp bigint not null, step bigint not null, value double precision not null, is_nan bigint not null,
  primary key (run, key, timestamp, step, value, is_nan)
);
-- The position grows with each new metric: runs list metrics in the order in which they were first logged.
create table latest_metrics (
  position bigint generated always as identity primary key,
  run text collate "C" not null references runs (id) on delete cascade,
  key text collate "C" not null, timestamp bigint not null, step bigint not null, value double precision not null, is_nan bigint not null,
  unique (run, key)
);
create table datasets (
  id bigint generated always as identity primary key,
  experiment bigint not null references experiments (id) on delete cascade,
  name text collate "C" not null, digest text collate "C" not null, source_type text collate "C" not null, source text collate "C" not null, schema text collate "C", profile text collate "C",
  unique (experiment, name, digest)
);
create table inputs (
  run text collate "C" not null references runs (id) on delete cascade,
  dataset bigint not null references datasets (id) on delete cascade,
  context text collate "C" not null,
  primary key (run, dataset, context)
);
create table outputs (
  run text collate "C" not null references runs (id) on delete cascade,
  model text collate "C" not null, step bigint not null,
  primary key (run, model, step)
);

create table logged_models (
  id text collate "C" primary key,
  experiment bigint not null references experiments (id),
  name text collate "C" not null, artifact_location text collate "C" not null, status text collate "C" not null, model_type text collate "C", source_run text collate "C",
  created_at bigint not null, updated_at bigint not null
);
create index logged_models_by_run on logged_models (source_run, created_at);
create index logged_models_by_experiment on logged_models (experiment, created_at desc);
create table logged_model_tags (
  model text collate "C" not null references logged_models (id) on delete cascade,
  key text collate "C" not null, value text collate "C" not null,
  primary key (model, key)
);
create table logged_model_params (
  model text collate "C" not null references logged_models (id) on delete cascade,
  key text collate "C" not null, value text collate "C" not null,
  primary key (model, key)
);

-- The registry.
create table registered_models (
  name text collate "C" primary key,
  description text collate "C" not null default '',
  created_at bigint not null, updated_at bigint not null,
  next_version bigint not null default 1
);
create table registered_model_tags (
  model text collate "C" not null references registered_models (name) on delete cascade on update cascade,
  key text collate "C" not null, value text collate "C" not null,
  primary key (model, key)
);
create table model_versions (
  model text collate "C" not null references registered_models (name) on delete cascade on update cascade,
  version bigint not null,
  source text collate "C" not null, run text collate "C", logged_model text collate "C",
  description text collate "C" not null default '',
  stage text collate "C" not null default 'None',
  created_at bigint not null, updated_at bigint not null,
  primary key (model, version)
);
create table model_version_tags (
  model text collate "C" not null, version bigint not null, key text collate "C" not null, value text collate "C" not null,
  primary key (model, version, key),
  foreign key (model, version) references model_versions (model, version) on delete cascade on update cascade
);
create table aliases (
  model text collate "C" not null, alias text collate "C" not null, version bigint not null,
  primary key (model, alias),
  foreign key (model, version) references model_versions (model, version) on delete cascade on update cascade
);

-- The loop.
create table cycles (
  number bigint primary key,
  reason text collate "C" not null, why text collate "C" not null, outcome text collate "C",
  started_at bigint not null, finished_at bigint,
  run text collate "C", metrics text collate "C" not null default '{}', champion_version bigint
);
-- One cycle at a time, whoever starts it.
create unique index one_unfinished_cycle on cycles ((1)) where outcome is null;
create table stages (
  cycle bigint not null references cycles (number) on delete cascade,
  position bigint not null,
  name text collate "C" not null, state text collate "C" not null, action text collate "C" not null,
  cached bigint not null default 0, started_at bigint, duration_ms bigint not null default 0, message text collate "C",
  primary key (cycle, name)
);
create table labels (
  cursor bigint primary key,
  model text collate "C" not null, id text collate "C" not null, value text collate "C" not null, received_at bigint not null,
  unique (model, id)
);
create table signals (
  id bigint generated always as identity primary key,
  model text collate "C" not null, version bigint not null, name text collate "C" not null, kind text collate "C" not null,
  window_start bigint not null, window_end bigint not null,
  value double precision, threshold double precision, verdict text collate "C" not null, details text collate "C" not null,
  unique (model, version, name, window_end)
);
create index signals_by_time on signals (model, window_end desc);
create table decisions (
  key text collate "C" primary key,
  kind text collate "C" not null, why text collate "C" not null, decided_at bigint not null,
  owner text collate "C", lease_until bigint, outcome text collate "C", finished_at bigint
);
create table notes (key text collate "C" primary key, value text collate "C" not null);

create table audit (
  id bigint primary key,
  at bigint not null, actor text collate "C" not null, action text collate "C" not null, subject text collate "C" not null, why text collate "C" not null,
  details text collate "C" not null, hash text collate "C" not null
);
create function refuse_to_change_audit() returns trigger language plpgsql as
$$ begin raise exception 'the audit log is append-only'; end $$;
create trigger audit_is_not_changed before update or delete on audit for each row execute function refuse_to_change_audit();
create trigger audit_is_not_emptied before truncate on audit for each statement execute function refuse_to_change_audit();
