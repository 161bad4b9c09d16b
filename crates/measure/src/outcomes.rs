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
    /// How much each row counts; all the same if absent.
    pub weights: Option<&'a [f64]>,
}

impl<'a> Outcomes<'a> {
    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.truth.len()
    }

    /// How much a row counts.
    #[must_use]
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// How much all rows count together.
    pub(crate) fn total_weight(&self) -> f64 {
        match self.weights {
            Some(weights) => weights.iter().sum(),
            None => self.n_rows() as f64,
        }
    }

    /// The weighted mean of a number of each row.
    pub(crate) fn mean(&self, number: impl Fn(f64, f64) -> f64) -> f64 {
        let pairs = self.truth.iter().zip(self.predicted);
        let sum: f64 = match self.weights {
            Some(weights) => pairs
                .zip(weights)
                .map(|((truth, predicted), weight)| weight * number(*truth, *predicted))
                .sum(),
            None => pairs
                .map(|(truth, predicted)| number(*truth, *predicted))
                .sum(),
        };
        sum / self.total_weight()
    }

    /// How many classes there are at least: a binary task has two, even if one occurs.
    pub(crate) fn width(&self) -> usize {
        match self.task {
            Task::Regression | Task::Anomaly | Task::Clustering => 0,
            Task::Binary => self.n_classes.max(2),
            Task::Multiclass => self.n_classes,
        }
    }

    /// Checks that there are rows, that lengths agree, that all is finite and that classes are classes.
    pub(crate) fn check(&self, what: &'static str) -> Result<(), Error> {
        if self.truth.is_empty() {
            return Err(Error::Empty { what });
        }
        same_length("truth and predictions", self.n_rows(), self.predicted.len())?;
        finite("the truth", self.truth)?;
        finite("the prediction", self.predicted)?;
        if let Some(weights) = self.weights {
            same_length("rows and weights", self.n_rows(), weights.len())?;
            weigh(what, weights)?;
        }
        if self.task.is_classification() {
            self.classes("the truth", self.truth)?;
            self.classes("the prediction", self.predicted)?;
        }
        Ok(())
    }

    fn classes(&self, what: &'static str, values: &[f64]) -> Result<(), Error> {
        let n_classes = self.width();
        let is_class =
            |value: &f64| *value >= 0.0 && value.fract() == 0.0 && *value < n_classes as f64;
        match values.iter().position(|value| !is_class(value)) {
            Some(row) => Err(Error::Class {
                what,
                row: row + 1,
                value: values[row].to_string(),
                last: n_classes.saturating_sub(1),
            }),
            None => Ok(()),
        }
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
        same_length("rows and probabilities", expected, probabilities.len())?;
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

pub(crate) fn same_length(what: &'static str, left: usize, right: usize) -> Result<(), Error> {
    if left == right {
        Ok(())
    } else {
        Err(Error::Length { what, left, right })
    }
}

pub(crate) fn finite(what: &'static str, values: &[f64]) -> Result<(), Error> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(Error::NotFinite {
            what,
            row: row + 1,
            value: values[row].to_string(),
        }),
        None => Ok(()),
    }
}

/// Checks that weights are finite, not negative and not all 0.
pub(crate) fn weigh(metric: &'static str, weights: &[f64]) -> Result<(), Error> {
    finite("the weight", weights)?;
    within("the weight", weights, "at least 0", |weight| weight >= 0.0)?;
    if weights.iter().sum::<f64>() > 0.0 {
        Ok(())
    } else {
        let why = "the weights of all rows are 0";
        Err(Error::Undefined { metric, why })
    }
}

/// Checks that all values lie where they should.
pub(crate) fn within(
    what: &'static str,
    values: &[f64],
    expected: &'static str,
    lies_there: impl Fn(f64) -> bool,
) -> Result<(), Error> {
    match values.iter().position(|value| !lies_there(*value)) {
        Some(row) => Err(Error::Range {
            what,
            row: row + 1,
            value: values[row],
            expected,
        }),
        None => Ok(()),
    }
}
