//! SHAP values of a model's inputs, from its graph alone: so they can be had of any version that was ever packaged.
//!
//! A graph is explained if it ends in a sum of trees or a linear map of columns that are made from one input each (or
//! from a few), and a link. Trees are explained by the path-dependent algorithm (see `trees/shap.rs`), linear maps
//! exactly: weight times distance from the mean. The values of all columns that come from one input are summed.

mod parts;

use arrow::record_batch::RecordBatch;

use self::parts::{
    constant, end_at, grouped, links, model_step, pieces, unsupported, weights, widths,
};
use crate::Error;
use crate::graph::Graph;
use crate::native::operation::Operation;
use crate::native::program::{Program, Step};
use crate::native::tensor::{Data, Tensor};
use crate::native::trees::CoveredTrees;

/// On what scale contributions add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// To the prediction, or to the probabilities.
    Prediction,
    /// To what is before the sigmoid or softmax: log odds.
    LogOdds,
}

/// What each input adds to the predictions of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Attributions {
    /// The inputs; those that always act together are one: `a and b`.
    pub inputs: Vec<String>,
    /// How many numbers are predicted a row.
    pub n_targets: usize,
    /// What is predicted of a row of which nothing is known, one a target.
    pub base: Vec<f64>,
    /// Row by row, input by input, one a target. With the base they sum to the prediction.
    pub values: Vec<f64>,
    /// On what scale they do.
    pub scale: Scale,
}

/// Explains the predictions of one model.
#[derive(Debug)]
pub struct Explainer {
    /// The graph up to the matrix that the model sees.
    program: Program,
    model: Model,
    links: Vec<Link>,
    scale: Scale,
    inputs: Vec<String>,
    /// For each column of the matrix, its input.
    of_column: Vec<usize>,
    base: Vec<f64>,
}

#[derive(Debug)]
enum Model {
    Trees(CoveredTrees),
    Linear {
        /// Column by target.
        weights: Vec<f64>,
        means: Vec<f64>,
        n_targets: usize,
    },
}

/// A linear step after the model.
#[derive(Debug)]
enum Link {
    Add(Vec<f64>),
    Multiply(f64),
    Map { weights: Vec<f64>, n_targets: usize },
}

impl Explainer {
    /// Makes a graph ready to be explained. The background tells how rows are spread: those that the model was trained
    /// on, conformed to its inputs.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if the model is neither trees nor linear; other errors as for a run, and if the background
    /// is empty.
    pub fn new(graph: &Graph, background: &RecordBatch) -> Result<Self, Error> {
        if background.num_rows() == 0 {
            let problem = "there are no background rows to explain it by".to_owned();
            return Err(Error::Run(problem));
        }
        let mut program = Program::compile(graph.model())?;
        let at = model_step(&program)?;
        let (links, scale) = links(&program, at)?;
        let matrix = program.steps[at].inputs[0];
        let pieces = pieces(&program, matrix);
        let widths = widths(graph, &pieces, background)?;
        let (inputs, of_column) = grouped(&program, &pieces, &widths);
        program.steps.truncate(at + 1);
        let step = program.steps.pop();
        end_at(&mut program, &[matrix]);
        let mut explainer = Self {
            model: Model::Linear {
                weights: Vec::new(),
                means: Vec::new(),
                n_targets: 0,
            },
            program,
            links,
            scale,
            inputs,
            of_column,
            base: Vec::new(),
        };
        let matrix = explainer.matrix(background)?;
        if matrix.shape.n_columns != explainer.of_column.len() {
            return Err(unsupported(
                step.as_ref(),
                "its inputs cannot be told apart",
            ));
        }
        explainer.fit(step, &matrix)?;
        Ok(explainer)
    }

    fn fit(&mut self, step: Option<Step>, background: &Tensor) -> Result<(), Error> {
        let Some(step) = step else {
            return Err(unsupported(None, "it has no model"));
        };
        let names = step.names.clone();
        let refuse = |reason: String| Error::Unsupported {
            operator: names.0.clone(),
            node: names.1.clone(),
            reason,
        };
        self.model = match step.operation {
            Operation::Trees(trees) => {
                Model::Trees(CoveredTrees::new(*trees, background).map_err(refuse)?)
            }
            Operation::Gemm { transposed } => {
                let (weights, n_targets) = weights(&self.program, &step.inputs, transposed)
                    .ok_or_else(|| refuse("its weights are not constant".to_owned()))?;
                if let Some(bias) = step.inputs.get(2) {
                    let bias = constant(&self.program, *bias);
                    let bias = bias.ok_or_else(|| refuse("its bias is not constant".to_owned()))?;
                    self.links.insert(0, Link::Add(bias));
                }
                Model::Linear {
                    weights,
                    means: means(background),
                    n_targets,
                }
            }
            _ => return Err(refuse("it is neither trees nor linear".to_owned())),
        };
        let base = match &self.model {
            Model::Trees(trees) => trees.base(),
            Model::Linear {
                weights,
                means,
                n_targets,
            } => product(means, weights, *n_targets),
        };
        self.base = self.linked(base, true);
        Ok(())
    }

    /// The inputs that contributions are told of.
    #[must_use]
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// About how many elementary steps a row takes.
    #[must_use]
    pub fn steps_per_row(&self) -> usize {
        match &self.model {
            Model::Trees(trees) => trees.steps_per_row(),
            Model::Linear { weights, .. } => weights.len(),
        }
    }

    /// What each input adds to the predictions of conformed rows.
    ///
    /// # Errors
    ///
    /// Fails as a run of the model.
    pub fn explain(&self, rows: &RecordBatch) -> Result<Attributions, Error> {
        let matrix = self.matrix(rows)?;
        let n_columns = matrix.shape.n_columns;
        let (values, n_targets) = match &self.model {
            Model::Trees(trees) => (
                trees.values(&matrix).map_err(Error::Run)?,
                trees.n_targets(),
            ),
            Model::Linear {
                weights,
                means,
                n_targets,
            } => (linear(&matrix, weights, means, *n_targets), *n_targets),
        };
        let n_linked = self.base.len();
        let mut summed = vec![0.0; matrix.shape.n_rows * self.inputs.len() * n_linked];
        for (row, of_row) in values
            .chunks_exact((n_columns * n_targets).max(1))
            .enumerate()
        {
            for (column, of_column) in of_row.chunks_exact(n_targets).enumerate() {
                let start = (row * self.inputs.len() + self.of_column[column]) * n_linked;
                let linked = self.linked(of_column.to_vec(), false);
                for (sum, value) in summed[start..start + n_linked].iter_mut().zip(linked) {
                    *sum += value;
                }
            }
        }
        Ok(Attributions {
            inputs: self.inputs.clone(),
            n_targets: n_linked,
            base: self.base.clone(),
            values: summed,
            scale: self.scale,
        })
    }

    /// Numbers after the linear steps that follow the model; terms are added to the base only.
    fn linked(&self, mut numbers: Vec<f64>, is_base: bool) -> Vec<f64> {
        for link in &self.links {
            match link {
                Link::Add(terms) if is_base => {
                    for (at, number) in numbers.iter_mut().enumerate() {
                        *number += terms[at % terms.len()];
                    }
                }
                Link::Add(_) => {}
                Link::Multiply(factor) => numbers.iter_mut().for_each(|it| *it *= factor),
                Link::Map { weights, n_targets } => {
                    numbers = product(&numbers, weights, *n_targets);
                }
            }
        }
        numbers
    }

    /// The matrix that the model sees.
    fn matrix(&self, rows: &RecordBatch) -> Result<Tensor, Error> {
        let mut found = self.program.tensors(rows)?;
        found
            .pop()
            .ok_or_else(|| Error::Run("the model sees no matrix".to_owned()))
    }
}

fn product(row: &[f64], weights: &[f64], n_targets: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n_targets];
    for (value, weights) in row.iter().zip(weights.chunks_exact(n_targets.max(1))) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += value * weight;
        }
    }
    sums
}

fn numbers(matrix: &Tensor) -> Vec<f64> {
    match &matrix.data {
        Data::F64(values) => values.to_vec(),
        Data::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
        _ => Vec::new(),
    }
}

fn means(matrix: &Tensor) -> Vec<f64> {
    let mut means = vec![0.0; matrix.shape.n_columns];
    for row in numbers(matrix).chunks_exact(matrix.shape.n_columns.max(1)) {
        for (mean, value) in means.iter_mut().zip(row) {
            *mean += value / matrix.shape.n_rows as f64;
        }
    }
    means
}

fn linear(matrix: &Tensor, weights: &[f64], means: &[f64], n_targets: usize) -> Vec<f64> {
    let mut values = Vec::with_capacity(matrix.shape.n_elements() * n_targets);
    for row in numbers(matrix).chunks_exact(matrix.shape.n_columns.max(1)) {
        for ((value, mean), weights) in row
            .iter()
            .zip(means)
            .zip(weights.chunks_exact(n_targets.max(1)))
        {
            values.extend(weights.iter().map(|weight| weight * (value - mean)));
        }
    }
    values
}
