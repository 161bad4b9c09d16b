//! The latest metric against a naive model: all points in a list, the greatest of them searched.

use std::cell::Cell;
use std::cmp::Ordering;

use everloop_domain::ExperimentId;
use everloop_metastore::{Metastore, Metric};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{at, new_run, read, run_id, write};

/// Few values, so that steps and times are often equal.
fn points() -> impl Strategy<Value = Vec<Metric>> {
    let value = prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        (-3_i32..4).prop_map(f64::from),
    ];
    let point =
        ("[ab]", value, -2_i64..3, -2_i64..3).prop_map(|(key, value, timestamp, step)| Metric {
            key,
            value,
            timestamp: at(timestamp),
            step,
        });
    prop::collection::vec(point, 0..25)
}

fn compare(left: &Metric, right: &Metric) -> Ordering {
    let place = |metric: &Metric| (metric.step, metric.timestamp, !metric.value.is_nan());
    place(left).cmp(&place(right)).then(
        left.value
            .partial_cmp(&right.value)
            .unwrap_or(Ordering::Equal),
    )
}

/// A form in which NaN equals NaN.
fn shown(metrics: &[Metric]) -> Vec<String> {
    metrics.iter().map(|metric| format!("{metric:?}")).collect()
}

/// Latest points in the order of their keys' first points.
fn model(points: &[Metric]) -> Vec<Metric> {
    let mut latest: Vec<Metric> = Vec::new();
    for point in points {
        match latest.iter_mut().find(|known| known.key == point.key) {
            Some(known) if compare(point, known) == Ordering::Greater => *known = point.clone(),
            Some(_) => {}
            None => latest.push(point.clone()),
        }
    }
    latest
}

pub(crate) fn agrees_with_a_naive_model(store: &Metastore) {
    let next = Cell::new(1_u8);
    let config = ProptestConfig {
        cases: 100,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&(points(), 1_usize..6), |(points, size)| {
            let id = run_id(next.replace(next.get().wrapping_add(1).max(1)));
            let number = id.as_str()[..2].to_owned();
            let number = u8::from_str_radix(&number, 16).unwrap();
            let batches: Vec<Vec<Metric>> = points.chunks(size).map(<[Metric]>::to_vec).collect();
            write(store, move |tx| {
                tx.runs().create(&new_run(number, ExperimentId(0)))?;
                for batch in &batches {
                    tx.runs().log_metrics(&run_id(number), batch)?;
                }
                Ok(())
            });
            let latest = read(store, |tx| tx.runs().latest_metrics(&id));
            prop_assert_eq!(shown(&latest), shown(&model(&points)));
            let mut distinct = shown(&points);
            distinct.sort();
            distinct.dedup();
            let n_kept =
                ["a", "b"].map(|key| read(store, |tx| tx.runs().metric_history(&id, key)).len());
            prop_assert_eq!(n_kept.iter().sum::<usize>(), distinct.len());
            Ok(())
        })
        .unwrap();
}
