-- Traces of MLflow: what a request went through, as spans, and what people and judges said of it.
create table traces (
  id text primary key,
  experiment integer not null references experiments (id),
  requested_at integer not null,
  duration_ms integer,
  state text not null,
  client_request text, request_preview text, response_preview text,
  -- Whether its client has told all of it; until then what is known comes from its spans.
  is_final integer not null default 0
) strict;
create index traces_by_experiment on traces (experiment, requested_at desc, id);
create table trace_tags (
  trace text not null references traces (id) on delete cascade,
  key text not null, value text not null,
  primary key (trace, key)
) strict, without rowid;
create table trace_metadata (
  trace text not null references traces (id) on delete cascade,
  key text not null, value text not null,
  primary key (trace, key)
) strict, without rowid;
-- The content is JSON: attributes, events and links.
create table spans (
  trace text not null references traces (id) on delete cascade,
  id text not null, parent text, name text not null, kind text, status text not null,
  start_ns integer not null, end_ns integer, content text not null,
  primary key (trace, id)
) strict;
-- A client may say that a trace belongs to a run before the trace has come.
create table trace_runs (
  trace text not null,
  run text not null references runs (id) on delete cascade,
  primary key (trace, run)
) strict, without rowid;
create index trace_runs_by_run on trace_runs (run);
-- Prompts are versions of models: `name/version`, which may be deleted without their traces.
create table trace_prompts (
  trace text not null references traces (id) on delete cascade,
  prompt text not null,
  primary key (trace, prompt)
) strict, without rowid;
-- The value is JSON; beside it are the plain text and the number that searches compare. With a session it speaks of all traces of that.
create table assessments (
  id text primary key,
  trace text not null references traces (id) on delete cascade,
  kind text not null, name text not null,
  value text not null, value_text text not null, value_number real, error text,
  source_type text not null, source_id text not null,
  span text, rationale text, metadata text not null default '{}', session text,
  overrides text, is_valid integer not null default 1,
  created_at integer not null, updated_at integer not null
) strict;
create index assessments_by_trace on assessments (trace, created_at);
create index assessments_by_session on assessments (session, kind, name) where session is not null;
