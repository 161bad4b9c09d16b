//! No text makes a key that leads out of the store.

#![cfg(test)]

use std::path::Component;

use everloop_artifacts::{StorageKey, Store};
use everloop_domain::{ExperimentId, RunId};
use proptest::prelude::*;

/// Texts made of the pieces that hostile paths are made of.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "..", ".", "/", "\\", "a", "C:", "%2e", "%2F", "\0", "\n", " ", "#1", "ä", "~", "file:",
        "//",
    ]);
    prop_oneof![
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
        any::<String>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_stays_below_its_root(text in hostile()) {
        let run = RunId::from_bytes([1; 16]);
        if let Ok(key) = StorageKey::run_artifact(ExperimentId(1), &run, &text) {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::local(dir.path()).unwrap();
            let path = store.local_path(&key).unwrap();
            let below = path.strip_prefix(dir.path().join("1").join(run.as_str()).join("artifacts")).unwrap();
            prop_assert!(below.components().count() > 0);
            prop_assert!(below.components().all(|part| matches!(part, Component::Normal(_))));
        }
    }

    #[test]
    fn a_key_is_its_own_key(text in hostile()) {
        if let Ok(key) = StorageKey::parse(&text) {
            prop_assert_eq!(StorageKey::parse(key.as_str()).unwrap(), key.clone());
            prop_assert_eq!(key.as_str(), text.trim_end_matches('/'));
        }
    }
}
