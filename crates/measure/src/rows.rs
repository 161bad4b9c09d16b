//! Some of the rows of outcomes.

use everloop_domain::Task;

use crate::Outcomes;

/// Some rows of outcomes, copied.
pub(crate) struct Rows {
    truth: Vec<f64>,
    predicted: Vec<f64>,
    probabilities: Option<Vec<f64>>,
    weights: Option<Vec<f64>>,
}

impl Rows {
    pub(crate) fn of(all: &Outcomes<'_>, rows: &[usize]) -> Self {
        let pick = |values: &[f64]| rows.iter().map(|row| values[*row]).collect::<Vec<f64>>();
        let width = if all.task == Task::Multiclass {
            all.n_classes
        } else {
            1
        };
        Self {
            truth: pick(all.truth),
            predicted: pick(all.predicted),
            probabilities: all.probabilities.map(|values| {
                rows.iter()
                    .flat_map(|row| &values[row * width..(row + 1) * width])
                    .copied()
                    .collect()
            }),
            weights: all.weights.map(pick),
        }
    }

    pub(crate) fn outcomes(&self, all: &Outcomes<'_>) -> Outcomes<'_> {
        Outcomes {
            task: all.task,
            n_classes: all.n_classes,
            truth: &self.truth,
            predicted: &self.predicted,
            probabilities: self.probabilities.as_deref(),
            weights: self.weights.as_deref(),
        }
    }
}
