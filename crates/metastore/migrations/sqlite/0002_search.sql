-- Searches by metric, and what MLflow keeps of logged models and inputs beside their names.
create index latest_metrics_by_value on latest_metrics (key, is_nan, value);
create index runs_by_start on runs (start_time desc, id);
create index versions_by_run on model_versions (run);

-- All tags of an input as JSON pairs; the context among them is a column of its own.
alter table inputs add column tags text not null default '[]';
create table model_inputs (
  run text not null references runs (id) on delete cascade,
  model text not null,
  primary key (run, model)
) strict, without rowid;

alter table logged_models add column status_message text;
alter table logged_models add column deleted_at integer;
-- Points of metrics that were logged of a model; NaN as in `metrics`.
create table model_metrics (
  model text not null references logged_models (id) on delete cascade,
  key text not null, timestamp integer not null, step integer not null, value real not null, is_nan integer not null,
  run text not null, dataset_name text not null default '', dataset_digest text not null default '',
  primary key (model, key, timestamp, step, run, dataset_name, dataset_digest, value, is_nan)
) strict, without rowid;
create index model_metrics_by_run on model_metrics (run);
