-- The same tables as on SQLite.
-- Traces of MLflow: what a request went through, as spans, and what people and judges said of it.
create table traces (
  id text collate "C" primary key,
  experiment bigint not null references experiments (id),
  requested_at bigint not null,
  duration_ms bigint,
  state text collate "C" not null,
  client_request text collate "C", request_preview text collate "C", response_preview text collate "C",
  -- Whether its client has told all of it; until then what is known comes from its spans.
  is_final bigint not null default 0
);
create index traces_by_experiment on traces (experiment, requested_at desc, id);
create table trace_tags (
  trace text collate "C" not null references traces (id) on delete cascade,
  key text collate "C" not null, value text collate "C" not null,
  primary key (trace, key)
);
create table trace_metadata (
  trace text collate "C" not null references traces (id) on delete cascade,
  key text collate "C" not null, value text collate "C" not null,
  primary key (trace, key)
);
-- The content is JSON: attributes, events and links.
create table spans (
  trace text collate "C" not null references traces (id) on delete cascade,
  id text collate "C" not null, parent text collate "C", name text collate "C" not null, kind text collate "C", status text collate "C" not null,
  start_ns bigint not null, end_ns bigint, content text collate "C" not null,
  primary key (trace, id)
);
-- A client may say that a trace belongs to a run before the trace has come.
create table trace_runs (
  trace text collate "C" not null,
  run text collate "C" not null references runs (id) on delete cascade,
  primary key (trace, run)
);
create index trace_runs_by_run on trace_runs (run);
-- Prompts are versions of models: `name/version`, which may be deleted without their traces.
create table trace_prompts (
  trace text collate "C" not null references traces (id) on delete cascade,
  prompt text collate "C" not null,
  primary key (trace, prompt)
);
-- The value is JSON; beside it are the plain text and the number that searches compare. With a session it speaks of all traces of that.
create table assessments (
  id text collate "C" primary key,
  trace text collate "C" not null references traces (id) on delete cascade,
  kind text collate "C" not null, name text collate "C" not null,
  value text collate "C" not null, value_text text collate "C" not null, value_number double precision, error text collate "C",
  source_type text collate "C" not null, source_id text collate "C" not null,
  span text collate "C", rationale text collate "C", metadata text collate "C" not null default '{}', session text collate "C",
  overrides text collate "C", is_valid bigint not null default 1,
  created_at bigint not null, updated_at bigint not null
);
create index assessments_by_trace on assessments (trace, created_at);
create index assessments_by_session on assessments (session, kind, name) where session is not null;
