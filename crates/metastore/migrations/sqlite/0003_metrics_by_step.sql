-- Points of metrics by step, so that a chart of a long history is sampled by looking up its steps. Whether timestamps never
-- fall as steps grow is kept with the latest point: then the order by step is the order by time, and histories need no sorting.
create table points (
  run text not null references runs (id) on delete cascade,
  key text not null, timestamp integer not null, step integer not null, value real not null, is_nan integer not null,
  primary key (run, key, step, timestamp, value, is_nan)
) strict, without rowid;
insert into points (run, key, timestamp, step, value, is_nan) select run, key, timestamp, step, value, is_nan from metrics;
drop table metrics;
alter table points rename to metrics;
alter table latest_metrics add column in_order integer not null default 0;
