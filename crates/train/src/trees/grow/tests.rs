use super::*;
use crate::encoder::Design;

fn tree(values: &[f64], y: &[f64], growth: Growth) -> Tree {
    let bins = Bins::new(&Design {
        values: values.to_vec(),
        n_rows: y.len(),
        n_columns: 1,
    });
    let gradients: Vec<f64> = y.iter().map(|y| -y).collect();
    let rows = Rows {
        gradients: &gradients,
        weights: &vec![1.0; y.len()],
        n_targets: 1,
    };
    let leaves = Leaves {
        factor: 1.0,
        target: 0,
    };
    let picked = (0..y.len() as u32).collect();
    let columns = Columns::Same(&[0]);
    grow(&bins, &rows, picked, growth, leaves, columns, &mut || false).tree
}

const GROWTH: Growth = Growth {
    max_depth: 3,
    min_rows: 1,
    min_weight: 0.0,
    l2: 0.0,
    n_threads: 1,
};

#[test]
fn a_step_is_found() {
    let found = tree(&[1.0, 2.0, 3.0, 4.0], &[0.0, 0.0, 9.0, 9.0], GROWTH);
    assert!(
        matches!(
            found.nodes[0],
            TreeNode::Split {
                threshold: 2.5,
                left: 1,
                right: 2,
                ..
            }
        ),
        "{found:?}"
    );
    assert!(matches!(found.nodes[1], TreeNode::Leaf { weight: 0.0, .. }));
    assert!(matches!(found.nodes[2], TreeNode::Leaf { weight: 9.0, .. }));
}

#[test]
fn missing_values_go_to_the_better_side() {
    let found = tree(&[1.0, 2.0, f64::NAN, 4.0], &[0.0, 0.0, 9.0, 9.0], GROWTH);
    assert!(
        matches!(
            found.nodes[0],
            TreeNode::Split {
                missing_goes_left: false,
                ..
            }
        ),
        "{found:?}"
    );
    let found = tree(&[1.0, 2.0, f64::NAN, 4.0], &[9.0, 9.0, 9.0, 0.0], GROWTH);
    assert!(
        matches!(
            found.nodes[0],
            TreeNode::Split {
                missing_goes_left: true,
                ..
            }
        ),
        "{found:?}"
    );
}

#[test]
fn growth_is_bounded() {
    let y = [0.0, 0.0, 9.0, 9.0];
    assert_eq!(
        tree(
            &[1.0, 2.0, 3.0, 4.0],
            &y,
            Growth {
                max_depth: 0,
                ..GROWTH
            }
        )
        .nodes
        .len(),
        1
    );
    assert_eq!(
        tree(
            &[1.0, 2.0, 3.0, 4.0],
            &y,
            Growth {
                min_rows: 3,
                ..GROWTH
            }
        )
        .nodes
        .len(),
        1
    );
    assert_eq!(tree(&[1.0; 4], &y, GROWTH).nodes.len(), 1);
}

/// Rows of a number with gaps, a number with many values and a one-hot text.
fn many_rows() -> (Bins, Vec<f64>) {
    let (mut values, mut gradients) = (Vec::new(), Vec::new());
    for row in 0..3000_u32 {
        let x = f64::from(row.wrapping_mul(2_654_435_761) % 1000);
        let few = if row % 11 == 0 {
            f64::NAN
        } else {
            f64::from(row % 7)
        };
        let hot = [row % 3 == 0, row % 3 == 1, row % 3 == 2].map(|hot| f64::from(u8::from(hot)));
        values.extend([few, x]);
        values.extend(hot);
        gradients.push(-(x / 100.0 + hot[1] * 3.0 + if few.is_nan() { 5.0 } else { few }));
    }
    let design = Design {
        values,
        n_rows: 3000,
        n_columns: 5,
    };
    (Bins::new(&design), gradients)
}

fn grown(n_threads: usize, columns: Columns<'_>) -> Grown {
    grown_on((0..3000).collect(), n_threads, columns)
}

fn grown_on(picked: Vec<u32>, n_threads: usize, columns: Columns<'_>) -> Grown {
    let (bins, gradients) = many_rows();
    let rows = Rows {
        gradients: &gradients,
        weights: &vec![1.0; 3000],
        n_targets: 1,
    };
    let growth = Growth {
        max_depth: 8,
        n_threads,
        ..GROWTH
    };
    let leaves = Leaves {
        factor: 1.0,
        target: 0,
    };
    grow(&bins, &rows, picked, growth, leaves, columns, &mut || false)
}

#[test]
fn subtracted_sums_find_the_splits_of_fresh_ones() {
    let all = [0, 1, 2, 3, 4];
    let subtracted = grown(1, Columns::Same(&all));
    let fresh = grown(1, Columns::Each(&mut || all.to_vec()));
    let splits = |grown: &Grown| -> Vec<(u32, f32)> {
        let nodes = grown.tree.nodes.iter().take(30);
        nodes
            .filter_map(|node| match node {
                TreeNode::Split {
                    feature, threshold, ..
                } => Some((*feature, *threshold)),
                _ => None,
            })
            .collect()
    };
    assert_eq!(splits(&subtracted), splits(&fresh));
    assert!(splits(&fresh).iter().any(|(feature, _)| *feature > 1));
}

#[test]
fn threads_do_not_matter() {
    // The same rows again and again are work enough for threads.
    let tree = |n_threads| {
        let picked = (0..600_000).map(|at| at % 3000).collect();
        grown_on(picked, n_threads, Columns::Same(&[0, 1, 2, 3, 4])).tree
    };
    assert_eq!(tree(1), tree(2));
    assert_eq!(tree(1), tree(3));
}

#[test]
fn leaves_hold_every_row_once() {
    let grown = grown(1, Columns::Same(&[0, 1, 2, 3, 4]));
    let mut rows: Vec<u32> = Vec::new();
    for (range, node) in &grown.leaves {
        assert!(matches!(grown.tree.nodes[*node], TreeNode::Leaf { .. }));
        rows.extend(&grown.picked[range.clone()]);
    }
    rows.sort_unstable();
    assert!(rows.into_iter().eq(0..3000));
}

#[test]
fn growing_stops_when_told() {
    let (bins, gradients) = many_rows();
    let rows = Rows {
        gradients: &gradients,
        weights: &vec![1.0; 3000],
        n_targets: 1,
    };
    // The same rows again and again are work enough for a question.
    let picked: Vec<u32> = (0..4_000_000).map(|at| at % 3000).collect();
    let leaves = Leaves {
        factor: 1.0,
        target: 0,
    };
    let columns = Columns::Same(&[0, 1]);
    let grown = grow(&bins, &rows, picked, GROWTH, leaves, columns, &mut || true);
    assert_eq!(grown.tree.nodes.len(), 1);
}
