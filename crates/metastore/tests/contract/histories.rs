//! Histories of metrics: their order, their pages, and samples of them.

use everloop_metastore::{Metastore, Metric};

use super::{at, read, run_id, with_run, write};

fn point(timestamp: i64, step: i64) -> Metric {
    Metric {
        key: "m".to_owned(),
        value: (step * 1000 + timestamp) as f64,
        timestamp: at(timestamp),
        step,
    }
}

fn log(store: &Metastore, points: Vec<Metric>) {
    write(store, move |tx| tx.runs().log_metrics(&run_id(1), &points));
}

/// (step, timestamp) of the points that a sample shows.
fn sample(
    store: &Metastore,
    steps: std::ops::RangeInclusive<i64>,
    limit: usize,
) -> Vec<(i64, i64)> {
    let points = read(store, |tx| {
        tx.runs()
            .metric_sample(&run_id(1), "m", steps.clone(), limit)
    });
    points
        .iter()
        .map(|point| (point.step, point.timestamp.as_millis()))
        .collect()
}

pub(crate) fn pages_are_ordered_by_time_however_points_came(store: &Metastore) {
    with_run(store);
    // Batches that follow each other, one that lies before them, one that falls within itself, one point alone.
    let batches = [
        vec![(1, 1), (2, 2), (2, 3)],
        vec![(5, 4), (6, 5)],
        vec![(3, 9)],
        vec![(8, 7), (7, 8), (4, 2)],
        vec![(9, 9)],
        vec![(0, 10)],
    ];
    let mut expected: Vec<(i64, i64)> = Vec::new();
    for batch in batches {
        expected.extend(&batch);
        log(
            store,
            batch
                .iter()
                .map(|&(time, step)| point(time, step))
                .collect(),
        );
        expected.sort_unstable();
        for size in [1, 4, 100] {
            let mut found = Vec::new();
            loop {
                let page = read(store, |tx| {
                    tx.runs().metric_page(&run_id(1), "m", size, found.len())
                });
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            let found: Vec<_> = found
                .iter()
                .map(|point| (point.timestamp.as_millis(), point.step))
                .collect();
            assert_eq!(found, expected);
        }
    }
}

pub(crate) fn histories_are_read_on_from_where_they_were(store: &Metastore) {
    with_run(store);
    let not_a_number = Metric {
        value: f64::NAN,
        ..point(3, 3)
    };
    let in_order = vec![point(1, 1), point(2, 2), point(2, 3), not_a_number];
    let before_them = vec![point(9, 0)];
    for batch in [in_order, vec![point(3, 3), point(4, 4)], before_them] {
        log(store, batch);
        let shown = |points: &[Metric]| format!("{points:?}");
        let whole = read(store, |tx| tx.runs().metric_history(&run_id(1), "m"));
        for size in [1, 2, 100] {
            let mut found: Vec<Metric> = Vec::new();
            loop {
                let last = found.last().cloned();
                let next = read(store, |tx| {
                    tx.runs()
                        .metrics_after(&run_id(1), "m", last.as_ref(), size)
                });
                if next.is_empty() {
                    break;
                }
                found.extend(next);
            }
            assert_eq!(shown(&found), shown(&whole), "by {size}");
        }
    }
}

pub(crate) fn short_histories_are_sampled_by_row(store: &Metastore) {
    with_run(store);
    log(
        store,
        [1, 2, 3, 4, 100, 200, 300]
            .map(|step| point(0, step))
            .to_vec(),
    );
    let steps = |limit| -> Vec<i64> {
        let found = sample(store, i64::MIN..=i64::MAX, limit);
        found.iter().map(|(step, _)| *step).collect()
    };
    assert_eq!(steps(100), [1, 2, 3, 4, 100, 200, 300]);
    assert_eq!(steps(7), [1, 2, 3, 4, 100, 200, 300]);
    assert_eq!(steps(4), [1, 3, 100, 300]);
    assert_eq!(steps(2), [1, 300]);
    assert_eq!(steps(1), [1]);
    assert_eq!(
        sample(store, 2..=100, 10),
        [(2, 0), (3, 0), (4, 0), (100, 0)]
    );
    assert!(sample(store, 5..=99, 10).is_empty());
}

pub(crate) fn long_histories_are_sampled_by_step(store: &Metastore) {
    with_run(store);
    log(store, (0..=20_000).map(|step| point(step, step)).collect());
    let found = sample(store, i64::MIN..=i64::MAX, 5);
    assert_eq!(
        found,
        [0, 5000, 10_000, 15_000, 20_000].map(|step| (step, step))
    );
    let found = sample(store, 100..=15_100, 4);
    assert_eq!(found, [100, 5100, 10_100, 15_100].map(|step| (step, step)));
    assert_eq!(sample(store, i64::MIN..=i64::MAX, 1), [(0, 0)]);
    assert_eq!(sample(store, i64::MIN..=i64::MAX, 320).len(), 320);
}

pub(crate) fn long_histories_of_one_step_are_sampled_by_time(store: &Metastore) {
    with_run(store);
    log(store, (0..=20_000).map(|time| point(time, 7)).collect());
    let found = sample(store, i64::MIN..=i64::MAX, 3);
    assert_eq!(found, [(7, 0), (7, 10_000), (7, 20_000)]);
}
