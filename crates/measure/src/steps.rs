//! Rows ranked by a score: what is found and what is found wrongly as the threshold sinks.

/// What lies at or above a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) threshold: f64,
    pub(crate) true_positive: f64,
    pub(crate) false_positive: f64,
}

/// The points of all scores that occur, from the highest score to the lowest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Steps(Vec<Point>);

impl Steps {
    /// Ranks rows of score, truth and weight. Rows without weight do not count.
    pub(crate) fn of(rows: impl Iterator<Item = (f64, bool, f64)>) -> Self {
        let mut rows: Vec<(f64, bool, f64)> = rows.filter(|(.., weight)| *weight > 0.0).collect();
        rows.sort_unstable_by(|left, right| right.0.total_cmp(&left.0));
        let mut points: Vec<Point> = Vec::new();
        let (mut true_positive, mut false_positive) = (0.0, 0.0);
        for (threshold, is_positive, weight) in rows {
            if is_positive {
                true_positive += weight;
            } else {
                false_positive += weight;
            }
            let point = Point {
                threshold,
                true_positive,
                false_positive,
            };
            match points.last_mut() {
                Some(last) if last.threshold == threshold => *last = point,
                _ => points.push(point),
            }
        }
        Self(points)
    }

    pub(crate) fn points(&self) -> impl ExactSizeIterator<Item = &Point> + DoubleEndedIterator {
        self.0.iter()
    }

    /// The weight of all positive rows.
    pub(crate) fn n_positive(&self) -> f64 {
        self.0.last().map_or(0.0, |last| last.true_positive)
    }

    /// The weight of all negative rows.
    pub(crate) fn n_negative(&self) -> f64 {
        self.0.last().map_or(0.0, |last| last.false_positive)
    }

    pub(crate) fn roc_area(&self) -> f64 {
        let (mut area, mut true_positive, mut false_positive) = (0.0, 0.0, 0.0);
        for point in &self.0 {
            let width = point.false_positive - false_positive;
            area += width * f64::midpoint(point.true_positive, true_positive);
            (true_positive, false_positive) = (point.true_positive, point.false_positive);
        }
        area / (self.n_positive() * self.n_negative())
    }

    pub(crate) fn average_precision(&self) -> f64 {
        let (mut sum, mut found) = (0.0, 0.0);
        for point in &self.0 {
            sum += (point.true_positive - found) * point.precision();
            found = point.true_positive;
        }
        sum / self.n_positive()
    }

    pub(crate) fn precision_recall_area(&self) -> f64 {
        let (mut sum, mut found, mut precision) = (0.0, 0.0, 1.0);
        for point in &self.0 {
            let width = point.true_positive - found;
            sum += width * f64::midpoint(point.precision(), precision);
            (found, precision) = (point.true_positive, point.precision());
        }
        sum / self.n_positive()
    }
}

impl Point {
    pub(crate) fn n_selected(&self) -> f64 {
        self.true_positive + self.false_positive
    }

    /// Some row lies at or above every threshold that occurs.
    pub(crate) fn precision(&self) -> f64 {
        self.true_positive / self.n_selected()
    }
}
