//! How often classes were predicted rightly and wrongly.

use crate::Outcomes;

/// How often one class was predicted rightly and wrongly, in rows or in weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) true_positive: f64,
    pub(crate) false_positive: f64,
    pub(crate) false_negative: f64,
    pub(crate) true_negative: f64,
}

/// A share, and 0 of nothing.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

impl Counts {
    pub(crate) fn add(&mut self, is_positive: bool, is_selected: bool, weight: f64) {
        match (is_positive, is_selected) {
            (true, true) => self.true_positive += weight,
            (false, true) => self.false_positive += weight,
            (true, false) => self.false_negative += weight,
            (false, false) => self.true_negative += weight,
        }
    }

    pub(crate) fn plus(self, other: &Self) -> Self {
        Self {
            true_positive: self.true_positive + other.true_positive,
            false_positive: self.false_positive + other.false_positive,
            false_negative: self.false_negative + other.false_negative,
            true_negative: self.true_negative + other.true_negative,
        }
    }

    pub(crate) fn n_positive(&self) -> f64 {
        self.true_positive + self.false_negative
    }

    pub(crate) fn n_negative(&self) -> f64 {
        self.true_negative + self.false_positive
    }

    pub(crate) fn n_selected(&self) -> f64 {
        self.true_positive + self.false_positive
    }

    pub(crate) fn total(&self) -> f64 {
        self.n_positive() + self.n_negative()
    }

    pub(crate) fn accuracy(&self) -> f64 {
        ratio(self.true_positive + self.true_negative, self.total())
    }

    pub(crate) fn precision(&self) -> f64 {
        ratio(self.true_positive, self.n_selected())
    }

    pub(crate) fn recall(&self) -> f64 {
        ratio(self.true_positive, self.n_positive())
    }

    pub(crate) fn specificity(&self) -> f64 {
        ratio(self.true_negative, self.n_negative())
    }

    pub(crate) fn false_positive_rate(&self) -> f64 {
        ratio(self.false_positive, self.n_negative())
    }

    pub(crate) fn jaccard(&self) -> f64 {
        ratio(
            self.true_positive,
            self.true_positive + self.false_positive + self.false_negative,
        )
    }

    pub(crate) fn f(&self, beta: f64) -> f64 {
        let square = beta * beta;
        ratio(
            (1.0 + square) * self.true_positive,
            (1.0 + square) * self.true_positive
                + square * self.false_negative
                + self.false_positive,
        )
    }

    pub(crate) fn occurs(&self) -> bool {
        self.true_positive + self.false_positive + self.false_negative > 0.0
    }
}

/// The counts of every class, from one pass over the rows.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) right: Vec<f64>,
    /// How often a class was predicted and was not the truth.
    pub(crate) wrongly: Vec<f64>,
    /// How often a class was the truth and was not predicted.
    pub(crate) missed: Vec<f64>,
    pub(crate) total: f64,
}

impl Tally {
    /// Counts checked outcomes of classes.
    pub(crate) fn of(outcomes: &Outcomes<'_>) -> Self {
        let empty = vec![0.0; outcomes.width()];
        let mut tally = Self {
            right: empty.clone(),
            wrongly: empty.clone(),
            missed: empty,
            total: outcomes.total_weight(),
        };
        for row in 0..outcomes.n_rows() {
            let (truth, predicted) = (outcomes.truth[row], outcomes.predicted[row]);
            let weight = outcomes.weight(row);
            if truth == predicted {
                tally.right[truth as usize] += weight;
            } else {
                tally.missed[truth as usize] += weight;
                tally.wrongly[predicted as usize] += weight;
            }
        }
        tally
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.right.len()
    }

    /// The weight of the rows of a class.
    pub(crate) fn truth(&self, class: usize) -> f64 {
        self.right[class] + self.missed[class]
    }

    /// The weight of the rows that are predicted to be of a class.
    pub(crate) fn predicted(&self, class: usize) -> f64 {
        self.right[class] + self.wrongly[class]
    }

    pub(crate) fn n_right(&self) -> f64 {
        self.right.iter().sum()
    }

    pub(crate) fn counts(&self, class: usize) -> Counts {
        let positive = self.truth(class) + self.wrongly[class];
        Counts {
            true_positive: self.right[class],
            false_positive: self.wrongly[class],
            false_negative: self.missed[class],
            true_negative: (self.total - positive).max(0.0),
        }
    }

    pub(crate) fn all(&self) -> Vec<Counts> {
        (0..self.n_classes())
            .map(|class| self.counts(class))
            .collect()
    }
}
