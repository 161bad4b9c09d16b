//! Metrics: which point is the latest, and what comes back.

use everloop_metastore::{Metastore, Metric};

use super::{at, read, run_id, with_run, write};

fn point(key: &str, value: f64, timestamp: i64, step: i64) -> Metric {
    Metric {
        key: key.to_owned(),
        value,
        timestamp: at(timestamp),
        step,
    }
}

/// Logs points as (value, timestamp, step), each in a transaction of its own, and gives the latest.
fn latest(store: &Metastore, points: &[(f64, i64, i64)]) -> Metric {
    for &(value, timestamp, step) in points {
        write(store, move |tx| {
            tx.runs()
                .log_metrics(&run_id(1), &[point("m", value, timestamp, step)])
        });
    }
    read(store, |tx| tx.runs().latest_metrics(&run_id(1))).remove(0)
}

pub(crate) fn the_latest_is_the_greatest_by_step_then_time_then_value(store: &Metastore) {
    with_run(store);
    let found = latest(
        store,
        &[(1.0, 1000, 0), (2.0, 999, 5), (3.0, 2000, 1), (9.0, 999, 5)],
    );
    assert_eq!(found, point("m", 9.0, 999, 5));
    assert_eq!(latest(store, &[(-4.0, 1000, 5)]).value, -4.0);
    assert_eq!(latest(store, &[(100.0, 1, -7)]).value, -4.0);
}

pub(crate) fn a_number_is_later_than_nan(store: &Metastore) {
    with_run(store);
    assert!(latest(store, &[(f64::NAN, 5, 1)]).value.is_nan());
    assert_eq!(
        latest(store, &[(f64::NEG_INFINITY, 5, 1)]).value,
        f64::NEG_INFINITY
    );
    assert_eq!(latest(store, &[(f64::NAN, 5, 1)]).value, f64::NEG_INFINITY);
    assert!(latest(store, &[(f64::NAN, 5, 2)]).value.is_nan());
}

pub(crate) fn infinities_and_extremes_come_back(store: &Metastore) {
    with_run(store);
    let values = [
        f64::NEG_INFINITY,
        f64::MIN,
        5e-324,
        0.1,
        f64::MAX,
        f64::INFINITY,
    ];
    for (step, value) in values.into_iter().enumerate() {
        latest(store, &[(value, i64::MAX, step as i64)]);
    }
    latest(store, &[(f64::NAN, i64::MIN, i64::MAX)]);
    let history = read(store, |tx| tx.runs().metric_history(&run_id(1), "m"));
    assert!(history[0].value.is_nan());
    assert_eq!(
        (history[0].timestamp, history[0].step),
        (at(i64::MIN), i64::MAX)
    );
    let found: Vec<_> = history[1..].iter().map(|point| point.value).collect();
    assert_eq!(found, values);
}

pub(crate) fn identical_points_are_kept_once(store: &Metastore) {
    with_run(store);
    latest(
        store,
        &[
            (1.0, 1, 1),
            (1.0, 1, 1),
            (f64::NAN, 1, 1),
            (f64::NAN, 1, 1),
            (0.0, 1, 1),
        ],
    );
    let history = read(store, |tx| tx.runs().metric_history(&run_id(1), "m"));
    assert_eq!(history.len(), 3);
}

pub(crate) fn metrics_keep_the_order_of_their_first_points(store: &Metastore) {
    let id = with_run(store);
    write(store, |tx| {
        let points = [
            point("z", 1.0, 1, 0),
            point("a", 1.0, 1, 0),
            point("z", 2.0, 2, 1),
        ];
        tx.runs().log_metrics(&run_id(1), &points)
    });
    let run = read(store, |tx| tx.runs().get(&id));
    let found: Vec<_> = run
        .metrics
        .iter()
        .map(|metric| (metric.key.as_str(), metric.value))
        .collect();
    assert_eq!(found, [("z", 2.0), ("a", 1.0)]);
}

pub(crate) fn history_is_ordered_by_time_then_step_then_value(store: &Metastore) {
    with_run(store);
    latest(store, &[(3.0, 2, 0), (2.0, 1, 5), (1.0, 1, 5), (9.0, 1, 4)]);
    let history = read(store, |tx| tx.runs().metric_history(&run_id(1), "m"));
    let found: Vec<_> = history.iter().map(|point| point.value).collect();
    assert_eq!(found, [9.0, 1.0, 2.0, 3.0]);
    assert!(read(store, |tx| tx.runs().metric_history(&run_id(9), "m")).is_empty());
}
