//! Naive Bayes: normal distributions of numbers, frequencies of categories, a class at a time.
//!
//! Variances are kept from zero as scikit-learn's `GaussianNB` does it, by a share of the greatest variance, which is
//! that of scaled numbers here; frequencies are smoothed as in `CategoricalNB`. A missing value, and a category that
//! training did not know, says nothing of the class.

use super::association::association;
use super::{CLASSIFICATION, Job, Trained, Trainer};
use crate::encoder::{Block, BlockKind, Style};
use crate::model::{Link, QuadraticModel};
use crate::{Error, ParameterInfo, TrainerInfo};

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "naive_bayes",
        doc: "Naive Bayes: Gaussian for numbers, categorical for texts and booleans; missing values are skipped.",
        tasks: CLASSIFICATION,
        parameters: &[
            ParameterInfo::number(
                "smoothing",
                (1e-10, 1e6),
                1.0,
                "how many rows each category is counted more than it occurs in each class",
            ),
            ParameterInfo::number(
                "variance_smoothing",
                (0.0, 1.0),
                1e-9,
                "the share of the greatest variance that is added to all variances",
            ),
            ParameterInfo::choice(
                "priors",
                &["learned", "uniform"],
                "how frequent classes are beforehand: as in the train rows, or all the same",
            ),
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Marked,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let n_blocks = job.blocks.len();
    let mut bayes = Bayes::new(job);
    let epsilon = variance_floor(job);
    for (step, block) in job.blocks.clone().into_iter().enumerate() {
        job.tell(step, n_blocks, None)?;
        match block.kind {
            BlockKind::Number { fill, is_marked } => {
                bayes.number(job, &block, epsilon, (fill, is_marked));
            }
            BlockKind::Flag { fill, is_marked } => bayes.flag(job, &block, (fill, is_marked)),
            BlockKind::Categories => bayes.categories(job, &block),
        }
    }
    job.tell(n_blocks, n_blocks, None)?;
    let importances = association(job);
    let (model, link) = bayes.model();
    if !model.is_finite() {
        return Err(Error::Diverged {
            trainer: "naive_bayes",
            step: n_blocks,
            hint: "a column does not vary within a class: raise `variance_smoothing`",
        });
    }
    Ok(Trained {
        model: Box::new(model),
        link,
        importances,
        notes: Vec::new(),
    })
}

/// Log densities by class, as weights of the encoded columns and of their squares.
struct Bayes {
    n_classes: usize,
    n_columns: usize,
    /// Column by class.
    linear: Vec<f64>,
    squares: Vec<f64>,
    bias: Vec<f64>,
}

/// Weighted counts, means and variances of a column's present values.
struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

/// What is added to every variance: a share of the greatest one.
fn variance_floor(job: &Job<'_>) -> f64 {
    let numbers = job
        .blocks
        .iter()
        .filter(|block| matches!(block.kind, BlockKind::Number { .. }));
    let greatest = numbers
        .map(|block| moments(job, block, None).variance)
        .fold(0.0, f64::max);
    job.parameters.number("variance_smoothing") * greatest
}

/// Of one class, or of all rows.
fn moments(job: &Job<'_>, block: &Block, class: Option<usize>) -> Moments {
    let rows = || {
        present(job, block)
            .filter(|(row, _)| class.is_none_or(|class| job.target[*row] as usize == class))
            .map(|(row, value)| (value, job.row_weights[row]))
    };
    let count: f64 = rows().map(|(_, weight)| weight).sum();
    let mean = rows().map(|(value, weight)| value * weight).sum::<f64>() / count;
    let squares: f64 = rows()
        .map(|(value, weight)| weight * (value - mean).powi(2))
        .sum();
    Moments {
        count,
        mean,
        variance: squares / count,
    }
}

/// The rows that have a value in the first column of a block, and the value.
fn present<'a>(job: &'a Job<'_>, block: &Block) -> impl Iterator<Item = (usize, f64)> + 'a {
    let first = block.columns.start;
    let mark = block.is_marked().then_some(first + 1);
    let rows = job.design.values.chunks(job.design.n_columns);
    rows.enumerate()
        .filter(move |(_, values)| mark.is_none_or(|mark| values[mark] == 0.0))
        .map(move |(row, values)| (row, values[first]))
}

impl Bayes {
    fn new(job: &Job<'_>) -> Self {
        let (n_classes, n_columns) = (job.n_classes, job.design.n_columns);
        let shares = crate::naive::shares(job.target, &job.row_weights, n_classes);
        let is_uniform = job.parameters.integer("priors") == 1;
        let prior = |share: f64| if is_uniform { 0.0 } else { share.ln() };
        Self {
            n_classes,
            n_columns,
            linear: vec![0.0; n_columns * n_classes],
            squares: vec![0.0; n_columns * n_classes],
            bias: shares.into_iter().map(prior).collect(),
        }
    }

    /// A normal distribution. A class without any value has that of all rows.
    fn number(
        &mut self,
        job: &Job<'_>,
        block: &Block,
        epsilon: f64,
        (fill, is_marked): (f64, bool),
    ) {
        let all = moments(job, block, None);
        for class in 0..self.n_classes {
            let own = moments(job, block, Some(class));
            let own = if own.count > 0.0 { &own } else { &all };
            let variance = own.variance + epsilon;
            let square = -0.5 / variance;
            let linear = own.mean / variance;
            let constant =
                -0.5 * (own.mean.powi(2) / variance + (std::f64::consts::TAU * variance).ln());
            let at = block.columns.start * self.n_classes + class;
            self.squares[at] = square;
            self.linear[at] = linear;
            self.bias[class] += constant;
            if is_marked {
                // A missing value is encoded as `fill`: what that says is taken back.
                self.linear[at + self.n_classes] =
                    -(square * fill.powi(2) + linear * fill + constant);
            }
        }
    }

    /// The frequency of 1 among 0 and 1.
    fn flag(&mut self, job: &Job<'_>, block: &Block, (fill, is_marked): (f64, bool)) {
        let smoothing = job.parameters.number("smoothing");
        let mut counts = vec![[smoothing; 2]; self.n_classes];
        for (row, value) in present(job, block) {
            counts[job.target[row] as usize][usize::from(value > 0.5)] += job.row_weights[row];
        }
        for (class, [no, yes]) in counts.into_iter().enumerate() {
            let (no, yes) = ((no / (no + yes)).ln(), (yes / (no + yes)).ln());
            let at = block.columns.start * self.n_classes + class;
            self.linear[at] = yes - no;
            self.bias[class] += no;
            if is_marked {
                self.linear[at + self.n_classes] = -(no + (yes - no) * fill);
            }
        }
    }

    /// The frequencies of categories among the rows of known ones.
    fn categories(&mut self, job: &Job<'_>, block: &Block) {
        let smoothing = job.parameters.number("smoothing");
        let n_categories = block.columns.len();
        let mut counts = vec![smoothing; n_categories * self.n_classes];
        for (row, values) in job.design.values.chunks(self.n_columns).enumerate() {
            let own = &values[block.columns.clone()];
            if let Some(category) = own.iter().position(|value| *value > 0.0) {
                counts[category * self.n_classes + job.target[row] as usize] +=
                    job.row_weights[row];
            }
        }
        for class in 0..self.n_classes {
            let of_class = || counts.iter().skip(class).step_by(self.n_classes);
            let sum: f64 = of_class().sum();
            for (category, count) in of_class().enumerate() {
                let at = (block.columns.start + category) * self.n_classes + class;
                self.linear[at] = (count / sum).ln();
            }
        }
    }

    /// Two classes are told apart by the difference of their log densities.
    fn model(self) -> (QuadraticModel, Link) {
        if self.n_classes != 2 {
            let model = QuadraticModel::new(self.linear, self.squares, self.bias);
            return (model, Link::Softmax);
        }
        let differences = |values: &[f64]| -> Vec<f64> {
            values.chunks(2).map(|pair| pair[1] - pair[0]).collect()
        };
        let model = QuadraticModel::new(
            differences(&self.linear),
            differences(&self.squares),
            differences(&self.bias),
        );
        (model, Link::Sigmoid)
    }
}
