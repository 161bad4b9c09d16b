//! Signals.

use everloop_domain::{ModelName, VersionNumber};
use everloop_metastore::{Metastore, Signal};
use serde_json::json;

use super::{at, read, write};

fn model() -> ModelName {
    "bikes".parse().unwrap()
}

fn signal(name: &str, window_end: i64, value: f64) -> Signal {
    Signal {
        model: model(),
        version: VersionNumber(1),
        name: name.to_owned(),
        kind: "drift".to_owned(),
        window_start: at(window_end - 10),
        window_end: at(window_end),
        value: Some(value),
        threshold: Some(0.1),
        verdict: "ok".to_owned(),
        details: json!({"test": "ks"}),
    }
}

fn insert(store: &Metastore, signals: Vec<Signal>) {
    write(store, move |tx| tx.signals().insert(&signals));
}

pub(crate) fn a_signal_is_kept_once_per_window(store: &Metastore) {
    insert(store, vec![signal("drift:temp", 10, 0.5)]);
    let alarm = Signal {
        verdict: "alarm".to_owned(),
        ..signal("drift:temp", 10, 0.9)
    };
    insert(store, vec![alarm.clone(), signal("rmse", 20, f64::NAN)]);
    let found = read(store, |tx| tx.signals().list(&model(), 10));
    let unknown = Signal {
        value: None,
        ..signal("rmse", 20, 0.0)
    };
    assert_eq!(found, [unknown, alarm]);
    assert_eq!(read(store, |tx| tx.signals().list(&model(), 1)).len(), 1);
}

pub(crate) fn the_latest_of_each_name_is_found(store: &Metastore) {
    let other_version = Signal {
        version: VersionNumber(2),
        ..signal("rmse", 99, 9.0)
    };
    insert(
        store,
        vec![
            signal("rmse", 10, 1.0),
            signal("rmse", 20, 2.0),
            signal("drift:temp", 10, 3.0),
            other_version,
        ],
    );
    let found = read(store, |tx| tx.signals().latest(&model(), VersionNumber(1)));
    assert_eq!(
        found,
        [signal("drift:temp", 10, 3.0), signal("rmse", 20, 2.0)]
    );
}

pub(crate) fn signals_come_in_pages_that_cover_everything_once(store: &Metastore) {
    let of_version = |version, name, window_end| Signal {
        version: VersionNumber(version),
        ..signal(name, window_end, 1.0)
    };
    let expected = vec![
        of_version(1, "b", 20),
        of_version(2, "a", 10),
        of_version(1, "a", 10),
        of_version(1, "b", 10),
        of_version(1, "a", 0),
    ];
    insert(store, expected.iter().rev().cloned().collect());
    for limit in 1..=5 {
        let (mut found, mut place): (Vec<Signal>, _) = (Vec::new(), None);
        loop {
            let page = read(store, |tx| {
                tx.signals().after(&model(), place.as_ref(), limit)
            });
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit);
            place = Some(last.place());
            found.extend(page);
        }
        assert_eq!(found, expected, "{limit} a page");
    }
}
