//! Parts of the train rows for cross-validation. No row is scored by a model that saw it, its group, or its future.

use std::collections::BTreeMap;

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::compute::{SortOptions, sort_to_indices};
use arrow::row::{RowConverter, SortField};
use everloop_domain::search::{CrossValidation, FoldsBy};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::Error;

/// The rows that a model learns from and those that it is scored on, in the order of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// What is learnt from.
    pub train: Vec<u32>,
    /// What is scored.
    pub scored: Vec<u32>,
}

/// Divides rows. By time there are `folds` folds of which each learns from all rows before those that it scores; otherwise
/// each row is scored once.
///
/// # Errors
///
/// Fails if a column is absent, or a fold would be empty.
pub fn folds(
    rows: &RecordBatch,
    target: &str,
    how: &CrossValidation,
    seed: u64,
) -> Result<Vec<Fold>, Error> {
    let n_rows = rows.num_rows();
    let n_folds = how.folds;
    if n_folds < 2 || n_rows < n_folds {
        return Err(Error::Search(format!(
            "{n_rows} train rows cannot be divided into {n_folds} folds"
        )));
    }
    let order = shuffled(n_rows, seed);
    let parts = match &how.by {
        FoldsBy::Random => dealt(&order, n_rows, n_folds),
        FoldsBy::Stratified => {
            let classes = keys(column(rows, target)?)?;
            // Row after row of a class goes to the next fold, and the next class goes on where the last one ended.
            let mut by_class = order;
            by_class.sort_by_key(|row| classes[*row]);
            dealt(&by_class, n_rows, n_folds)
        }
        FoldsBy::Group(name) => by_group(&keys(column(rows, name)?)?, &order, n_folds, name)?,
        FoldsBy::Time(name) => return by_time(column(rows, name)?, n_folds, name),
    };
    let fold = |fold: usize| {
        let (scored, train) = (0..n_rows).partition::<Vec<usize>, _>(|row| parts[*row] == fold);
        Fold {
            train: train.into_iter().map(|row| row as u32).collect(),
            scored: scored.into_iter().map(|row| row as u32).collect(),
        }
    };
    Ok((0..n_folds).map(fold).collect())
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, Error> {
    rows.column_by_name(name).ok_or_else(|| {
        Error::Search(format!(
            "the train rows have no column `{name}` to make folds by"
        ))
    })
}

fn shuffled(n_rows: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..n_rows).collect();
    for place in (1..n_rows).rev() {
        order.swap(place, rng.random_range(0..=place));
    }
    order
}

/// The fold of each row, dealt in an order.
fn dealt(order: &[usize], n_rows: usize, n_folds: usize) -> Vec<usize> {
    let mut parts = vec![0; n_rows];
    for (place, row) in order.iter().enumerate() {
        parts[*row] = place % n_folds;
    }
    parts
}

/// Numbers that are equal where values are; a missing value is a value.
fn keys(column: &ArrayRef) -> Result<Vec<usize>, Error> {
    let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())])?;
    let values = converter.convert_columns(std::slice::from_ref(column))?;
    let mut known: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let keys = values.iter().map(|value| {
        let next = known.len();
        *known.entry(value.as_ref().to_vec()).or_insert(next)
    });
    Ok(keys.collect())
}

/// The largest groups first, each to the smallest fold.
fn by_group(
    keys: &[usize],
    order: &[usize],
    n_folds: usize,
    name: &str,
) -> Result<Vec<usize>, Error> {
    let n_groups = keys.iter().max().map_or(0, |last| last + 1);
    if n_groups < n_folds {
        return Err(Error::Search(format!(
            "`{name}` has {n_groups} values, too few for {n_folds} folds"
        )));
    }
    let mut sizes = vec![0_usize; n_groups];
    for key in keys {
        sizes[*key] += 1;
    }
    let mut groups: Vec<usize> = Vec::with_capacity(n_groups);
    let mut is_seen = vec![false; n_groups];
    for row in order {
        if !std::mem::replace(&mut is_seen[keys[*row]], true) {
            groups.push(keys[*row]);
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(sizes[*group]));
    let mut filled = vec![0_usize; n_folds];
    let mut fold_of = vec![0; n_groups];
    for group in groups {
        let smallest = (0..n_folds)
            .min_by_key(|fold| filled[*fold])
            .unwrap_or_default();
        filled[smallest] += sizes[group];
        fold_of[group] = smallest;
    }
    Ok(keys.iter().map(|key| fold_of[*key]).collect())
}

/// Blocks in the order of time; the first is only learnt from. Blocks end where the time changes.
fn by_time(column: &ArrayRef, n_folds: usize, name: &str) -> Result<Vec<Fold>, Error> {
    if column.null_count() > 0 {
        return Err(Error::Search(format!(
            "`{name}` orders the rows in time, but {} of them have none",
            column.null_count()
        )));
    }
    let options = SortOptions {
        descending: false,
        nulls_first: true,
    };
    let order = sort_to_indices(column, Some(options), None)?;
    let order: Vec<u32> = order.values().to_vec();
    let keys = keys(column)?;
    let n_blocks = n_folds + 1;
    let mut ends: Vec<usize> = (1..=n_blocks)
        .map(|block| {
            let mut end = order.len() * block / n_blocks;
            while end > 0
                && end < order.len()
                && keys[order[end] as usize] == keys[order[end - 1] as usize]
            {
                end += 1;
            }
            end
        })
        .collect();
    ends.dedup();
    if ends.len() < n_blocks || ends[0] == 0 {
        return Err(Error::Search(format!(
            "`{name}` has too few different times for {n_folds} folds"
        )));
    }
    let sorted = |rows: &[u32]| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows
    };
    let fold = |two: &[usize]| Fold {
        train: sorted(&order[..two[0]]),
        scored: sorted(&order[two[0]..two[1]]),
    };
    Ok(ends.windows(2).map(fold).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray as _, Int64Array, StringArray};

    use super::*;

    fn rows() -> RecordBatch {
        let class: Vec<&str> = (0..60)
            .map(|row| if row % 6 == 0 { "rare" } else { "common" })
            .collect();
        let group: Vec<i64> = (0..60).map(|row| row / 4).collect();
        let time: Vec<i64> = (0..60).map(|row| (row * 7) % 60 / 3).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("class", Arc::new(StringArray::from(class))),
            ("group", Arc::new(Int64Array::from(group))),
            ("time", Arc::new(Int64Array::from(time))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn made(by: FoldsBy) -> Vec<Fold> {
        folds(&rows(), "class", &CrossValidation { folds: 5, by }, 3).unwrap()
    }

    fn integers(name: &str) -> Vec<i64> {
        let rows = rows();
        let column = rows.column_by_name(name).unwrap();
        column
            .as_primitive::<arrow::datatypes::Int64Type>()
            .values()
            .to_vec()
    }

    #[test]
    fn each_row_is_scored_once_by_models_that_did_not_see_it() {
        for by in [
            FoldsBy::Random,
            FoldsBy::Stratified,
            FoldsBy::Group("group".to_owned()),
        ] {
            let mut scored: Vec<u32> = Vec::new();
            for fold in made(by) {
                assert_eq!(fold.train.len() + fold.scored.len(), 60);
                assert!(fold.scored.iter().all(|row| !fold.train.contains(row)));
                scored.extend(fold.scored);
            }
            scored.sort_unstable();
            assert_eq!(scored, (0..60).collect::<Vec<_>>());
        }
    }

    #[test]
    fn strata_keep_their_shares_and_groups_stay_together() {
        for fold in made(FoldsBy::Stratified) {
            assert_eq!(fold.scored.iter().filter(|row| *row % 6 == 0).count(), 2);
        }
        let group = integers("group");
        for fold in made(FoldsBy::Group("group".to_owned())) {
            let of = |row: &u32| group[*row as usize];
            assert!(
                fold.scored
                    .iter()
                    .all(|row| !fold.train.iter().any(|other| of(other) == of(row)))
            );
            assert_eq!(fold.scored.len(), 12);
        }
    }

    #[test]
    fn the_future_is_never_learnt_from() {
        let time = integers("time");
        let folds = made(FoldsBy::Time("time".to_owned()));
        assert_eq!(folds.len(), 5);
        for fold in &folds {
            let latest = fold
                .train
                .iter()
                .map(|row| time[*row as usize])
                .max()
                .unwrap();
            assert!(fold.scored.iter().all(|row| time[*row as usize] > latest));
        }
        assert!(
            folds
                .windows(2)
                .all(|two| two[0].train.len() < two[1].train.len())
        );
    }

    #[test]
    fn impossible_folds_are_refused() {
        let refused = |folds_by: FoldsBy, n_folds: usize| {
            let how = CrossValidation {
                folds: n_folds,
                by: folds_by,
            };
            folds(&rows(), "class", &how, 0).unwrap_err().to_string()
        };
        assert!(
            refused(FoldsBy::Random, 61).contains("60 train rows cannot be divided into 61 folds")
        );
        assert!(refused(FoldsBy::Group("class".to_owned()), 3).contains("`class` has 2 values"));
        assert!(refused(FoldsBy::Time("time".to_owned()), 40).contains("too few different times"));
        assert!(refused(FoldsBy::Group("none".to_owned()), 3).contains("no column `none`"));
    }
}
