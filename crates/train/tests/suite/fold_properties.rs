//! No row is scored by a model that saw it, its group, or its future, whatever the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use everloop_domain::search::{CrossValidation, FoldsBy};
use everloop_train::tuning::{Fold, folds};
use proptest::prelude::*;

/// Keys of rows, some of them missing, as text and as numbers, and as times without gaps.
fn table(keys: &[Option<u8>]) -> RecordBatch {
    let texts = keys.iter().map(|key| key.map(|key| format!("k{key}")));
    let numbers = keys.iter().map(|key| key.map(i64::from));
    let times = keys.iter().map(|key| time(*key));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("text", Arc::new(texts.collect::<StringArray>())),
        ("number", Arc::new(numbers.collect::<Int64Array>())),
        ("time", Arc::new(Float64Array::from_iter_values(times))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Below and above 0, so that an order by bits or by text would be another.
fn time(key: Option<u8>) -> f64 {
    f64::from(key.unwrap_or_default()) * 1.5 - 7.0
}

fn divided(keys: &[Option<u8>], by: FoldsBy, n_folds: usize, seed: u64) -> Option<Vec<Fold>> {
    let how = CrossValidation { folds: n_folds, by };
    folds(&table(keys), "text", &how, seed).ok()
}

fn keys() -> impl Strategy<Value = Vec<Option<u8>>> {
    prop::collection::vec(prop::option::weighted(0.9, 0_u8..12), 2..80)
}

/// Each row is scored once, and learnt from by all other folds; both parts are in the order of the table.
fn is_a_partition(folds: &[Fold], n_rows: usize) -> Result<(), TestCaseError> {
    let mut scored: Vec<u32> = Vec::new();
    for fold in folds {
        prop_assert!(!fold.scored.is_empty() && !fold.train.is_empty());
        prop_assert!(fold.scored.is_sorted() && fold.train.is_sorted());
        let all: BTreeSet<u32> = fold.train.iter().chain(&fold.scored).copied().collect();
        prop_assert_eq!(all.len(), n_rows);
        prop_assert_eq!(fold.train.len() + fold.scored.len(), n_rows);
        scored.extend(&fold.scored);
    }
    scored.sort_unstable();
    prop_assert!(scored.into_iter().eq(0..n_rows as u32));
    Ok(())
}

/// The greatest less the smallest count.
fn spread(counts: &[usize]) -> usize {
    counts.iter().max().unwrap_or(&0) - counts.iter().min().unwrap_or(&0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn random_and_stratified_folds_are_as_large_as_each_other(
        keys in keys(), n_folds in 2_usize..7, seed in any::<u64>(),
    ) {
        for by in [FoldsBy::Random, FoldsBy::Stratified] {
            let found = divided(&keys, by.clone(), n_folds, seed);
            prop_assert_eq!(found.is_some(), keys.len() >= n_folds);
            let Some(found) = found else { continue };
            is_a_partition(&found, keys.len())?;
            let sizes: Vec<usize> = found.iter().map(|fold| fold.scored.len()).collect();
            prop_assert!(found.len() == n_folds && spread(&sizes) <= 1, "{sizes:?}");
            let again = divided(&keys, by, n_folds, seed);
            prop_assert_eq!(again, Some(found));
        }
    }

    #[test]
    fn every_class_is_spread_over_all_folds(
        keys in keys(), n_folds in 2_usize..7, seed in any::<u64>(),
    ) {
        let found = divided(&keys, FoldsBy::Stratified, n_folds, seed).unwrap_or_default();
        for class in keys.iter().collect::<BTreeSet<_>>() {
            let count = |fold: &Fold| {
                let mut rows = fold.scored.clone();
                rows.retain(|row| keys[*row as usize] == *class);
                rows.len()
            };
            let counts: Vec<usize> = found.iter().map(count).collect();
            prop_assert!(spread(&counts) <= 1, "{class:?}: {counts:?}");
        }
    }

    #[test]
    fn groups_stay_together_and_fill_the_folds_evenly(
        keys in keys(), n_folds in 2_usize..7, seed in any::<u64>(),
    ) {
        let mut sizes: BTreeMap<Option<u8>, usize> = BTreeMap::new();
        for key in &keys {
            *sizes.entry(*key).or_default() += 1;
        }
        let largest = sizes.values().max().copied().unwrap_or_default();
        for name in ["text", "number"] {
            let found = divided(&keys, FoldsBy::Group(name.to_owned()), n_folds, seed);
            prop_assert_eq!(found.is_some(), sizes.len() >= n_folds, "{}", name);
            let Some(found) = found else { continue };
            is_a_partition(&found, keys.len())?;
            for fold in &found {
                let of = |rows: &[u32]| -> BTreeSet<Option<u8>> {
                    rows.iter().map(|row| keys[*row as usize]).collect()
                };
                prop_assert!(of(&fold.train).is_disjoint(&of(&fold.scored)));
            }
            let filled: Vec<usize> = found.iter().map(|fold| fold.scored.len()).collect();
            prop_assert!(spread(&filled) <= largest, "{filled:?}");
        }
    }

    #[test]
    fn time_never_runs_backwards(keys in keys(), n_folds in 2_usize..7, seed in any::<u64>()) {
        let Some(found) = divided(&keys, FoldsBy::Time("time".to_owned()), n_folds, seed) else {
            // Different times can always be divided, if there are more than folds.
            let times: BTreeSet<u8> = keys.iter().map(|key| key.unwrap_or_default()).collect();
            prop_assert!(times.len() < keys.len() || keys.len() <= n_folds);
            return Ok(());
        };
        prop_assert_eq!(found.len(), n_folds);
        let at = |row: &u32| time(keys[*row as usize]);
        let mut known = found[0].train.clone();
        for fold in &found {
            let latest = fold.train.iter().map(at).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(!fold.scored.is_empty() && fold.scored.iter().all(|row| at(row) > latest));
            // All that came before is learnt from, and nothing else.
            prop_assert_eq!(&fold.train, &known);
            known.extend(&fold.scored);
            known.sort_unstable();
        }
        prop_assert!(known.into_iter().eq(0..keys.len() as u32), "every row has its use");
    }
}

#[test]
fn a_row_without_a_time_is_refused() {
    let by = || FoldsBy::Time("number".to_owned());
    let mut keys: Vec<Option<u8>> = (0..10).map(Some).collect();
    assert!(divided(&keys, by(), 3, 0).is_some());
    keys[4] = None;
    assert!(divided(&keys, by(), 3, 0).is_none());
}

#[test]
fn other_seeds_make_other_folds_but_time_has_none() {
    let keys: Vec<Option<u8>> = (0..60).map(|row| Some(row % 12)).collect();
    let differ = |by: FoldsBy| divided(&keys, by.clone(), 4, 1) != divided(&keys, by, 4, 2);
    assert!(differ(FoldsBy::Random) && differ(FoldsBy::Stratified));
    assert!(differ(FoldsBy::Group("text".to_owned())));
    assert!(!differ(FoldsBy::Time("time".to_owned())));
}
