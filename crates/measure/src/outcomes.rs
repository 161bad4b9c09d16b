//! Truth and predictions of the same rows.

use everloop_domain::Task;

use crate::Error;

/// Truth and predictions, row by row.
#[derive(Clone, Copy, Debug)]
pub struct Outcomes<'a> {
    /// The task.
    pub task: Task,
    /// Values, or indices of classes (binary: 1 is the positive class).
    pub truth: &'a [f64],
    /// Values, or indices of classes.
    pub predicted: &'a [f64],
    /// Binary: of the positive class, one a row. Multiclass: row by row, one a class.
    pub probabilities: Option<&'a [f64]>,
    /// How many classes there are; 0 for regression.
    pub n_classes: usize,
}

impl<'a> Outcomes<'a> {
    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.truth.len()
    }

    /// Checks that there are rows, that lengths agree and that all is finite.
    pub(crate) fn check(&self, what: &'static str) -> Result<(), Error> {
        if self.truth.is_empty() {
            return Err(Error::Empty { what });
        }
        if self.truth.len() != self.predicted.len() {
            let (left, right) = (self.truth.len(), self.predicted.len());
            return Err(Error::Length {
                what: "truth and predictions",
                left,
                right,
            });
        }
        finite("the truth", self.truth)?;
        finite("the prediction", self.predicted)
    }

    /// The probabilities, checked.
    pub(crate) fn probabilities(&self, metric: &'static str) -> Result<&'a [f64], Error> {
        let probabilities = self
            .probabilities
            .ok_or(Error::NoProbabilities { metric })?;
        let expected = if self.task == Task::Multiclass {
            self.n_rows() * self.n_classes
        } else {
            self.n_rows()
        };
        if probabilities.len() != expected {
            let (left, right) = (expected, probabilities.len());
            return Err(Error::Length {
                what: "rows and probabilities",
                left,
                right,
            });
        }
        finite("the probability", probabilities)?;
        Ok(probabilities)
    }

    /// The probability of a class in a row.
    pub(crate) fn probability(&self, probabilities: &[f64], row: usize, class: usize) -> f64 {
        match self.task {
            Task::Multiclass => probabilities[row * self.n_classes + class],
            _ if class == 1 => probabilities[row],
            _ => 1.0 - probabilities[row],
        }
    }
}

fn finite(what: &'static str, values: &[f64]) -> Result<(), Error> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(Error::NotFinite {
            what,
            row: row + 1,
            value: values[row].to_string(),
        }),
        None => Ok(()),
    }
}
