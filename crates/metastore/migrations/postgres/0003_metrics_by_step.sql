-- Points of metrics by step, so that a chart of a long history is sampled by looking up its steps. Whether timestamps never
-- fall as steps grow is kept with the latest point: then the order by step is the order by time, and histories need no sorting.
alter table metrics drop constraint metrics_pkey;
alter table metrics add primary key (run, key, step, timestamp, value, is_nan);
alter table latest_metrics add column in_order bigint not null default 0;
