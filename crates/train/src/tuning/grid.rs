//! Every combination once: all choices, whole numbers and steps, and five values of ranges without steps.

use rand::{Rng, RngExt as _};

use super::space::{Point, Space};

/// Grids are no larger.
pub(super) const MAX_POINTS: usize = 1_000_000;

/// The points of the grid in random order; nothing if there are too many.
pub(super) fn points(space: &Space, rng: &mut impl Rng) -> Option<Vec<Point>> {
    let mut points: Vec<Point> = vec![vec![None; space.axes.len()]];
    for (dimension, axis) in space.axes.iter().enumerate() {
        let values = axis.grid();
        let mut longer = Vec::with_capacity(points.len());
        for point in points {
            if !space.applies(dimension, &point) {
                longer.push(point);
                continue;
            }
            for value in &values {
                let mut point = point.clone();
                point[dimension] = Some(*value);
                longer.push(point);
            }
            if longer.len() > MAX_POINTS {
                return None;
            }
        }
        points = longer;
    }
    for place in 0..points.len() {
        let other = rng.random_range(place..points.len());
        points.swap(place, other);
    }
    Some(points)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::super::space::tests::{choices, range, when};
    use super::*;

    #[test]
    fn conditions_leave_combinations_out() {
        let space = Space::new(vec![
            choices("trainer", &["a", "b"]),
            when(range("depth", 1.0, 3.0, false, true), 0, 0),
            when(choices("kind", &["x", "y"]), 0, 1),
        ]);
        let points = points(&space, &mut ChaCha8Rng::seed_from_u64(0)).unwrap();
        assert_eq!(points.len(), 5);
        let distinct: BTreeSet<String> = points.iter().map(|point| format!("{point:?}")).collect();
        assert_eq!(distinct.len(), 5);
        assert!(points.iter().all(|point| space.contains(point)));
    }

    #[test]
    fn grids_beyond_reason_are_refused() {
        let dimensions = (0..10).map(|place| range(&format!("x{place}"), 0.0, 1.0, false, false));
        let space = Space::new(dimensions.collect());
        assert!(points(&space, &mut ChaCha8Rng::seed_from_u64(0)).is_none());
    }
}
