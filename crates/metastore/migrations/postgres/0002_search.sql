-- Searches by metric, and what MLflow keeps of logged models and inputs beside their names.
create index latest_metrics_by_value on latest_metrics (key, is_nan, value);
create index runs_by_start on runs (start_time desc, id);
create index versions_by_run on model_versions (run);

-- All tags of an input as JSON pairs; the context among them is a column of its own.
alter table inputs add column tags text collate "C" not null default '[]';
create table model_inputs (
  run text collate "C" not null references runs (id) on delete cascade,
  model text collate "C" not null,
  primary key (run, model)
);

alter table logged_models add column status_message text collate "C";
alter table logged_models add column deleted_at bigint;
-- Points of metrics that were logged of a model; NaN as in `metrics`.
create table model_metrics (
  model text collate "C" not null references logged_models (id) on delete cascade,
  key text collate "C" not null, timestamp bigint not null, step bigint not null, value double precision not null, is_nan bigint not null,
  run text collate "C" not null, dataset_name text collate "C" not null default '', dataset_digest text collate "C" not null default '',
  primary key (model, key, timestamp, step, run, dataset_name, dataset_digest, value, is_nan)
);
create index model_metrics_by_run on model_metrics (run);
