use proptest::prelude::*;
use rand::SeedableRng as _;

use super::*;
use crate::trees::{MAX_BINS, Units, Values};

fn bins(columns: &[Vec<f32>]) -> Bins {
    let values = |input: usize| Ok(Values::Numbers(columns[input].clone()));
    Bins::new(columns.len(), MAX_BINS, 1, &values).unwrap()
}

/// All rows, each with a value to learn.
fn items(y: &[f64]) -> Items {
    let greatest = y.iter().fold(0.0, |most: f64, y| most.max(y.abs()));
    let units = Units::new(Kind::Moments, y.len(), greatest, 1.0);
    let values = y.iter().map(|y| units.moments(-y, 1.0));
    Items::new(units, (0..y.len() as u32).collect(), values)
}

fn grown(bins: &Bins, items: Items, growth: &Growth, chance: Option<Chance>) -> Grown {
    let all: Vec<usize> = (0..bins.n_columns()).collect();
    let ground = Ground {
        bins,
        growth,
        columns: &all,
        chance,
        leaves: Leaves {
            factor: 1.0,
            target: 0,
        },
    };
    grow(ground, items, &mut || false)
}

fn tree(values: &[f32], y: &[f64], growth: &Growth) -> Tree {
    grown(&bins(&[values.to_vec()]), items(y), growth, None).tree
}

fn n_leaves(tree: &Tree) -> usize {
    tree.nodes.len().div_ceil(2)
}

#[test]
fn a_step_is_found() {
    let found = tree(
        &[1.0, 2.0, 3.0, 4.0],
        &[0.0, 0.0, 9.0, 9.0],
        &Growth::default(),
    );
    let TreeNode::Split {
        threshold: 2.5,
        left: 1,
        right: 2,
        ..
    } = found.nodes[0]
    else {
        panic!("{found:?}");
    };
    assert!(matches!(found.nodes[1], TreeNode::Leaf { weight: 0.0, .. }));
    assert!(matches!(found.nodes[2], TreeNode::Leaf { weight: 9.0, .. }));
}

#[test]
fn missing_values_go_to_the_better_side() {
    for (y, expected) in [([0.0, 0.0, 9.0, 9.0], false), ([9.0, 9.0, 9.0, 0.0], true)] {
        let found = tree(&[1.0, 2.0, f32::NAN, 4.0], &y, &Growth::default());
        let TreeNode::Split {
            missing_goes_left, ..
        } = found.nodes[0]
        else {
            panic!("{found:?}");
        };
        assert_eq!(missing_goes_left, expected);
    }
}

#[test]
fn growth_is_bounded() {
    let (x, y) = ([1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 9.0, 12.0]);
    let leaves = |growth: Growth| n_leaves(&tree(&x, &y, &growth));
    assert_eq!(leaves(Growth::default()), 4);
    for (growth, expected) in [
        (
            Growth {
                max_depth: 0,
                ..Growth::default()
            },
            1,
        ),
        (
            Growth {
                max_depth: 1,
                ..Growth::default()
            },
            2,
        ),
        (
            Growth {
                min_rows: 3,
                ..Growth::default()
            },
            1,
        ),
        (
            Growth {
                min_weight: 2.5,
                ..Growth::default()
            },
            1,
        ),
        (
            Growth {
                max_leaves: 3,
                ..Growth::default()
            },
            3,
        ),
        (
            Growth {
                min_gain: 2.0,
                ..Growth::default()
            },
            3,
        ),
        (
            Growth {
                min_gain: 1e6,
                ..Growth::default()
            },
            1,
        ),
    ] {
        assert_eq!(leaves(growth.clone()), expected, "{growth:?}");
    }
    assert_eq!(tree(&[1.0; 4], &y, &Growth::default()).nodes.len(), 1);
}

#[test]
fn penalties_shrink_leaves() {
    let leaf = |l1: f64, l2: f64| {
        let growth = Growth {
            l1,
            l2,
            max_depth: 0,
            ..Growth::default()
        };
        match tree(&[1.0, 2.0], &[4.0, 8.0], &growth).nodes[0] {
            TreeNode::Leaf { weight, .. } => weight,
            _ => f64::NAN,
        }
    };
    assert_eq!(leaf(0.0, 0.0), 6.0);
    assert_eq!(leaf(0.0, 2.0), 3.0);
    assert_eq!(leaf(2.0, 0.0), 5.0);
    assert_eq!(leaf(100.0, 0.0), 0.0);
}

/// Rows of a number with gaps, a number with many values and a one-hot text.
fn many_rows(n_rows: u32) -> (Bins, Vec<f64>) {
    let mut columns = vec![Vec::new(); 5];
    let mut y = Vec::new();
    for row in 0..n_rows {
        let x = (row.wrapping_mul(2_654_435_761) % 1000) as f32;
        let few = if row % 11 == 0 {
            f32::NAN
        } else {
            (row % 7) as f32
        };
        let hot = [row % 3 == 0, row % 3 == 1, row % 3 == 2].map(|hot| f32::from(u8::from(hot)));
        columns[0].push(few);
        columns[1].push(x);
        (0..3).for_each(|at| columns[at + 2].push(hot[at]));
        let gap = if few.is_nan() { 5.0 } else { few };
        y.push(f64::from(x / 100.0 + hot[1] * 3.0 + gap));
    }
    (bins(&columns), y)
}

#[test]
fn subtracted_sums_find_the_splits_of_fresh_ones() {
    let (bins, y) = many_rows(3000);
    let growth = Growth {
        max_depth: 8,
        ..Growth::default()
    };
    let subtracted = grown(&bins, items(&y), &growth, None);
    // A node that chooses among all columns takes its sums anew.
    let chance = Chance {
        rng: ChaCha8Rng::seed_from_u64(1),
        n_candidates: 5,
        cuts: false,
    };
    let fresh = grown(&bins, items(&y), &growth, Some(chance));
    assert_eq!(subtracted.tree, fresh.tree);
    assert!(n_leaves(&fresh.tree) > 50);
}

#[test]
fn threads_do_not_matter() {
    let (bins, y) = many_rows(300_000);
    let tree = |n_threads| {
        let growth = Growth {
            max_depth: 6,
            n_threads,
            max_leaves: 40,
            ..Growth::default()
        };
        grown(&bins, items(&y), &growth, None).tree
    };
    assert_eq!(tree(1), tree(2));
    assert_eq!(tree(1), tree(3));
    assert_eq!(n_leaves(&tree(1)), 40);
}

#[test]
fn leaves_hold_every_row_once_and_codes_lead_there() {
    let (bins, y) = many_rows(3000);
    let growth = Growth {
        max_leaves: 60,
        ..Growth::default()
    };
    let grown = grown(&bins, items(&y), &growth, None);
    let mut rows: Vec<u32> = Vec::new();
    for (range, node) in &grown.leaves {
        let own = &grown.rows[range.clone()];
        let mean = own.iter().map(|row| y[*row as usize]).sum::<f64>() / own.len() as f64;
        let TreeNode::Leaf { weight, .. } = grown.tree.nodes[*node] else {
            panic!("{node}");
        };
        assert!((weight - mean).abs() < 1e-5, "{weight} {mean}");
        assert!(
            grown
                .leaves_of(&bins, own)
                .iter()
                .all(|leaf| *leaf as usize == *node)
        );
        rows.extend(own);
    }
    rows.sort_unstable();
    assert!(rows.into_iter().eq(0..3000));
}

/// The share of the greatest class in the leaves of three.
#[test]
fn classes_part() {
    let class = [0, 0, 1, 1, 2, 2];
    let units = Units::new(Kind::Classes(3), 6, 0.0, 1.0);
    for criterion in [
        crate::trees::Criterion::Gini,
        crate::trees::Criterion::Entropy,
    ] {
        let values = class.iter().map(|class| units.class(*class, 1.0));
        let items = Items::new(units, (0..6).collect(), values);
        let bins = bins(&[vec![1.0, 1.0, 2.0, 2.0, 3.0, 3.0]]);
        let growth = Growth {
            criterion,
            ..Growth::default()
        };
        let tree = grown(&bins, items, &growth, None).tree;
        let leaves: Vec<_> = tree
            .nodes
            .iter()
            .filter(|node| matches!(node, TreeNode::Leaves(_)))
            .collect();
        assert_eq!(leaves.len(), 3);
        for leaf in leaves {
            let TreeNode::Leaves(shares) = leaf else {
                panic!("{leaf:?}");
            };
            assert!(matches!(shares.as_slice(), [(_, 1.0)]), "{shares:?}");
        }
    }
}

#[test]
fn cuts_by_chance_follow_their_seed() {
    let (bins, y) = many_rows(3000);
    let tree = |seed| {
        let chance = Chance {
            rng: ChaCha8Rng::seed_from_u64(seed),
            n_candidates: 2,
            cuts: true,
        };
        let growth = Growth {
            max_depth: 8,
            ..Growth::default()
        };
        grown(&bins, items(&y), &growth, Some(chance)).tree
    };
    assert_eq!(tree(1), tree(1));
    assert_ne!(tree(1), tree(2));
    assert!(n_leaves(&tree(1)) > 50);
}

/// Sums by code and counts of sides find the same, as the values of rows are kept one way or the other.
#[test]
fn sides_and_tables_find_the_same() {
    let columns: Vec<Vec<f32>> = (0..6_u32)
        .map(|column| {
            let value = |row: u32| match row.wrapping_mul(2_654_435_761 + column * 97) >> 16 {
                value if column == 2 && value % 5 == 0 => f32::NAN,
                value if column == 3 => (value % 3) as f32,
                value => value as f32,
            };
            (0..4000).map(value).collect()
        })
        .collect();
    let bins = bins(&columns);
    let units = Units::new(Kind::Classes(3), 4000, 0.0, 1.0);
    let class = |row: usize| usize::from(columns[0][row] > columns[1][row]) + row % 2;
    let values = (0..4000).map(|row| units.class(class(row), 0.5 + (row % 4) as f64 / 8.0));
    let items = Items::new(units, (0..4000).collect(), values.clone());
    assert!(matches!(items.values, crate::trees::items::Values::Few(..)));
    let each = Items {
        values: crate::trees::items::Values::Each(values.collect()),
        ..items.clone()
    };
    let tree = |items: Items| {
        let chance = Chance {
            rng: ChaCha8Rng::seed_from_u64(5),
            n_candidates: 3,
            cuts: true,
        };
        grown(&bins, items, &Growth::default(), Some(chance)).tree
    };
    assert!(tree(items) == tree(each));
}

/// Inside one tree the question is asked again and again as rows are gone through, whatever the clock says.
#[test]
fn growing_stops_when_told() {
    let (bins, y) = many_rows(1_000_000);
    let asked = |stops_at: usize| {
        let mut count = 0;
        let all: Vec<usize> = (0..bins.n_columns()).collect();
        let growth = Growth::default();
        let ground = Ground {
            bins: &bins,
            growth: &growth,
            columns: &all,
            chance: None,
            leaves: Leaves {
                factor: 1.0,
                target: 0,
            },
        };
        let grown = grow(ground, items(&y), &mut || {
            count += 1;
            count >= stops_at
        });
        (count, n_leaves(&grown.tree))
    };
    let (count, whole) = asked(usize::MAX);
    assert!(count > 2, "{count}");
    let (count, stopped) = asked(1);
    assert_eq!(count, 1);
    assert!(stopped < whole, "{stopped} {whole}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The value of any row grows with a column that it may only grow with, and falls with one that it may only fall with.
    #[test]
    fn monotone_trees_are_monotone(
        rows in prop::collection::vec((0_u8..20, 0_u8..20, -10_i32..10), 20..200),
        max_leaves in 2_usize..30,
    ) {
        let column = |value: fn(&(u8, u8, i32)) -> u8| rows.iter().map(|row| f32::from(value(row))).collect();
        let bins = bins(&[column(|row| row.0), column(|row| row.1)]);
        let y: Vec<f64> = rows.iter().map(|row| f64::from(row.2)).collect();
        let growth = Growth { monotone: vec![1, -1], max_leaves, ..Growth::default() };
        let tree = grown(&bins, items(&y), &growth, None).tree;
        let value = |first: u8, second: u8| match crate::trees::leaf(&tree, &[f64::from(first), f64::from(second)]) {
            TreeNode::Leaf { weight, .. } => *weight,
            _ => f64::NAN,
        };
        for first in 0..20 {
            for second in 0..20 {
                let own = value(first, second);
                prop_assert!(value(first + 1, second) >= own);
                prop_assert!(value(first, second + 1) <= own);
            }
        }
    }
}
