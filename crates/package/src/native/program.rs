//! A model as a list of steps, and how the steps are carried out.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::native::arrays::{from_column, to_column};
use crate::native::compile;
use crate::native::operation::Operation;
use crate::native::tensor::{MAX_ELEMENTS, Problem, Tensor};
use crate::onnx::ModelProto;
use crate::{Error, Signature};

/// A model that the native engine can run.
#[derive(Debug)]
pub struct Program {
    pub(super) signature: Signature,
    pub(super) constants: Vec<Tensor>,
    pub(super) steps: Vec<Step>,
    /// The slot of each output.
    pub(super) outputs: Vec<usize>,
    pub(super) schema: SchemaRef,
    pub(super) is_row_wise: bool,
}

/// One operation. Slots count constants first, then inputs, then the results of the steps.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) operation: Operation,
    pub(super) inputs: Vec<usize>,
    /// Slots that nobody reads after this step.
    pub(super) done: Vec<usize>,
    /// The operator and the node's name, for messages.
    pub(super) names: (String, String),
}

/// Why a step failed.
pub(super) struct Failure {
    pub(super) step: usize,
    pub(super) problem: String,
}

impl Program {
    /// Turns a model into steps.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::Unsupported`] if a node is none of the operators that [`crate::graph`]
    /// writes, and with [`Error::Model`] if the model contradicts itself.
    pub fn compile(model: &ModelProto) -> Result<Self, Error> {
        compile::program(model)
    }

    /// Whether each row's result depends on that row only: so it is in all graphs that Everloop
    /// writes.
    #[must_use]
    pub fn is_row_wise(&self) -> bool {
        self.is_row_wise
    }

    /// The columns of the widest constant matrix: a product with it makes each row so wide.
    pub(super) fn widest(&self) -> usize {
        let matrices = self.constants.iter().filter(|one| one.shape.rank == 2);
        matrices.map(|one| one.shape.n_columns).max().unwrap_or(0)
    }

    /// The predictions for conformed rows: one column per output, under the outputs' names.
    ///
    /// # Errors
    ///
    /// Fails if an input is absent or of another type, and if shapes do not fit.
    pub fn run(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        let results = self.tensors(rows)?;
        self.to_batch(results, rows.num_rows()).map_err(Error::Run)
    }

    /// The values of the slots that it ends in.
    pub(super) fn tensors(&self, rows: &RecordBatch) -> Result<Vec<Tensor>, Error> {
        let mut inputs = Vec::with_capacity(self.signature.inputs.len());
        for (at, input) in self.signature.inputs.iter().enumerate() {
            let column = column(rows, at, &input.name).ok_or_else(|| Error::Column {
                column: input.name.clone(),
                problem: "is absent: conform the rows first".to_owned(),
            })?;
            let tensor = from_column(column, input.kind).map_err(|problem| Error::Column {
                column: input.name.clone(),
                problem,
            })?;
            inputs.push(tensor);
        }
        self.evaluate(inputs, MAX_ELEMENTS).map_err(|failure| {
            let (operator, node) = self.names(&failure);
            Error::Run(format!(
                "operator `{operator}` of node `{node}`: {}",
                failure.problem
            ))
        })
    }

    /// The results as columns of the declared kinds.
    pub(super) fn to_batch(
        &self,
        results: Vec<Tensor>,
        n_rows: usize,
    ) -> Result<RecordBatch, Problem> {
        let mut columns = Vec::with_capacity(results.len());
        for (output, tensor) in self.signature.outputs.iter().zip(results) {
            let found = tensor.data.type_name();
            let column = to_column(tensor, n_rows)
                .map_err(|problem| format!("output `{}` {problem}", output.name))?;
            if *column.data_type() != output.kind.data_type() {
                return Err(format!(
                    "output `{}` is {found}, but declared as {}",
                    output.name, output.kind
                ));
            }
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| error.to_string())
    }

    /// Carries out all steps on the inputs, holding at most so many elements at once.
    pub(super) fn evaluate(
        &self,
        inputs: Vec<Tensor>,
        max_elements: usize,
    ) -> Result<Vec<Tensor>, Failure> {
        let n_constants = self.constants.len();
        let mut n_live: usize = inputs.iter().map(|input| input.shape.n_elements()).sum();
        let mut live: Vec<Option<Tensor>> = Vec::with_capacity(inputs.len() + self.steps.len());
        live.extend(inputs.into_iter().map(Some));
        for (at, step) in self.steps.iter().enumerate() {
            let fail = |problem| Failure { step: at, problem };
            let here: Option<Vec<&Tensor>> = step
                .inputs
                .iter()
                .map(|&slot| self.read(&live, slot))
                .collect();
            let here = here.ok_or_else(|| fail("it reads a value that is gone".to_owned()))?;
            let result = step.operation.run(&here).map_err(fail)?;
            n_live = n_live.saturating_add(result.shape.n_elements());
            if n_live > max_elements {
                return Err(fail(format!(
                    "more than {max_elements} tensor elements would be held at once"
                )));
            }
            live.push(Some(result));
            for &slot in &step.done {
                if let Some(tensor) = slot
                    .checked_sub(n_constants)
                    .and_then(|at| live.get_mut(at))
                    .and_then(Option::take)
                {
                    n_live = n_live.saturating_sub(tensor.shape.n_elements());
                }
            }
        }
        let read = |&slot: &usize| {
            let gone = || Failure {
                step: 0,
                problem: "an output is never computed".to_owned(),
            };
            self.read(&live, slot).cloned().ok_or_else(gone)
        };
        self.outputs.iter().map(read).collect()
    }

    fn read<'a>(&'a self, live: &'a [Option<Tensor>], slot: usize) -> Option<&'a Tensor> {
        match slot.checked_sub(self.constants.len()) {
            None => self.constants.get(slot),
            Some(at) => live.get(at).and_then(Option::as_ref),
        }
    }

    /// The operator and the node of a failed step.
    pub(super) fn names(&self, failure: &Failure) -> (&str, &str) {
        self.steps
            .get(failure.step)
            .map_or(("", ""), |step| (&step.names.0, &step.names.1))
    }
}

/// The column of this name; conformed rows have it in its place.
fn column<'a>(rows: &'a RecordBatch, at: usize, name: &str) -> Option<&'a arrow::array::ArrayRef> {
    match rows.schema_ref().fields().get(at) {
        Some(field) if field.name() == name => Some(rows.column(at)),
        _ => rows.column_by_name(name),
    }
}
