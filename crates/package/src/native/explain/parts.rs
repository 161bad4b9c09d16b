//! The parts of a program that is to be explained: the model, what it sees and from which inputs that is, what follows it.

use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;

use super::{Link, Scale};
use crate::Error;
use crate::graph::Graph;
use crate::native::compile::mark_last_readers;
use crate::native::elementwise::Arithmetic;
use crate::native::operation::Operation;
use crate::native::program::{Program, Step};
use crate::native::tensor::{Data, Tensor};

const MIXED: &str = "what follows the model is not linear";

pub(super) fn unsupported(step: Option<&Step>, reason: &str) -> Error {
    let (operator, node) = step.map_or_else(Default::default, |step| step.names.clone());
    Error::Unsupported {
        operator,
        node,
        reason: reason.to_owned(),
    }
}

/// The first step that could be a whole model.
pub(super) fn model_step(program: &Program) -> Result<usize, Error> {
    let is_model = |step: &Step| {
        matches!(step.operation, Operation::Trees(_) | Operation::Gemm { .. })
            && step.inputs[0] >= program.constants.len()
    };
    let found = program.steps.iter().position(is_model);
    found.ok_or_else(|| {
        unsupported(
            program.steps.last(),
            "the model is neither trees nor linear",
        )
    })
}

fn slot_of_step(program: &Program, at: usize) -> usize {
    program.constants.len() + program.signature.inputs.len() + at
}

fn step_of_slot(program: &Program, slot: usize) -> Option<&Step> {
    let first = slot_of_step(program, 0);
    slot.checked_sub(first).and_then(|at| program.steps.get(at))
}

pub(super) fn constant(program: &Program, slot: usize) -> Option<Vec<f64>> {
    match &program.constants.get(slot)?.data {
        Data::F64(values) => Some(values.to_vec()),
        _ => None,
    }
}

/// The constant weights of a linear map, column by target, and the number of targets.
pub(super) fn weights(
    program: &Program,
    inputs: &[usize],
    transposed: bool,
) -> Option<(Vec<f64>, usize)> {
    let slot = *inputs.get(1)?;
    let values = constant(program, slot)?;
    let shape = program.constants.get(slot)?.shape;
    if !transposed {
        return Some((values, shape.n_columns));
    }
    let (n_targets, n_columns) = (shape.n_rows, shape.n_columns);
    let turned = (0..n_columns)
        .flat_map(|column| (0..n_targets).map(move |target| (target, column)))
        .map(|(target, column)| values[target * n_columns + column]);
    Some((turned.collect(), n_targets))
}

/// The linear steps between the model and its link or the end.
pub(super) fn links(program: &Program, at: usize) -> Result<(Vec<Link>, Scale), Error> {
    let mut links = Vec::new();
    let mut slot = slot_of_step(program, at);
    loop {
        let readers: Vec<(usize, &Step)> = (program.steps.iter().enumerate())
            .filter(|(_, step)| step.inputs.contains(&slot))
            .collect();
        let [(next, step)] = readers.as_slice() else {
            return only_told(program, slot).map(|()| (links, Scale::Prediction));
        };
        let other = step.inputs.iter().copied().find(|input| *input != slot);
        let term = other.and_then(|other| constant(program, other));
        match (&step.operation, term) {
            (Operation::Unary(_) | Operation::Softmax, _) if is_link(step) => {
                let linked = slot_of_step(program, *next);
                return only_told(program, linked).map(|()| (links, Scale::LogOdds));
            }
            (Operation::Identity | Operation::Cast(_) | Operation::Reshape, _) => {}
            (Operation::Gather { .. } | Operation::ArgMax, _) => {
                return only_told(program, slot).map(|()| (links, Scale::Prediction));
            }
            (Operation::Arithmetic(Arithmetic::Add), Some(terms)) if !terms.is_empty() => {
                links.push(Link::Add(terms));
            }
            (Operation::Arithmetic(Arithmetic::Multiply), Some(terms)) if terms.len() == 1 => {
                links.push(Link::Multiply(terms[0]));
            }
            (Operation::Gemm { transposed }, Some(_)) if step.inputs[0] == slot => {
                let found = weights(program, &step.inputs, *transposed);
                let (weights, n_targets) = found.ok_or_else(|| unsupported(Some(step), MIXED))?;
                links.push(Link::Map { weights, n_targets });
                if let Some(bias) = step.inputs.get(2) {
                    let bias = constant(program, *bias);
                    links.push(Link::Add(
                        bias.ok_or_else(|| unsupported(Some(step), MIXED))?,
                    ));
                }
            }
            _ => return Err(unsupported(Some(step), MIXED)),
        }
        slot = slot_of_step(program, *next);
    }
}

fn is_link(step: &Step) -> bool {
    matches!(step.names.0.as_str(), "Sigmoid" | "Softmax")
}

/// Whether what a slot holds is only compared, picked from and told from here on, not computed with.
fn only_told(program: &Program, slot: usize) -> Result<(), Error> {
    let mut open = vec![slot];
    while let Some(slot) = open.pop() {
        for (at, step) in program.steps.iter().enumerate() {
            if !step.inputs.contains(&slot) {
                continue;
            }
            let is_told = matches!(
                step.operation,
                Operation::Identity
                    | Operation::Cast(_)
                    | Operation::Reshape
                    | Operation::Gather { .. }
                    | Operation::ArgMax
                    | Operation::Comparison(_)
            );
            if !is_told {
                return Err(unsupported(Some(step), MIXED));
            }
            open.push(slot_of_step(program, at));
        }
    }
    Ok(())
}

/// The parts that a matrix is put together from, in order, as slots.
pub(super) fn pieces(program: &Program, slot: usize) -> Vec<usize> {
    let n_constants = program.constants.len();
    let Some(step) = step_of_slot(program, slot) else {
        return vec![slot];
    };
    match &step.operation {
        Operation::Concat => {
            let parts = step.inputs.iter();
            parts.flat_map(|slot| pieces(program, *slot)).collect()
        }
        Operation::Cast(_) | Operation::Identity => pieces(program, step.inputs[0]),
        Operation::Arithmetic(_) => match step.inputs.as_slice() {
            [data, term] if *data >= n_constants && *term < n_constants => pieces(program, *data),
            _ => vec![slot],
        },
        _ => vec![slot],
    }
}

/// How many columns each part has.
pub(super) fn widths(
    graph: &Graph,
    pieces: &[usize],
    rows: &RecordBatch,
) -> Result<Vec<usize>, Error> {
    let mut program = Program::compile(graph.model())?;
    let last = pieces.iter().copied().max().unwrap_or_default();
    let n_steps = (last + 1).saturating_sub(slot_of_step(&program, 0));
    program.steps.truncate(n_steps);
    end_at(&mut program, pieces);
    let found = program.tensors(&rows.slice(0, 1))?;
    // A vector of one row is one column.
    let width = |tensor: &Tensor| {
        if tensor.shape.rank == 2 {
            tensor.shape.n_columns
        } else {
            1
        }
    };
    Ok(found.iter().map(width).collect())
}

/// Makes a program end in other slots.
pub(super) fn end_at(program: &mut Program, outputs: &[usize]) {
    for step in &mut program.steps {
        step.done.clear();
    }
    mark_last_readers(&mut program.steps, program.constants.len(), outputs);
    program.outputs = outputs.to_vec();
}

/// The names of the inputs that parts come from, and for each column which of them it is.
pub(super) fn grouped(
    program: &Program,
    pieces: &[usize],
    widths: &[usize],
) -> (Vec<String>, Vec<usize>) {
    let mut sets: Vec<BTreeSet<usize>> = Vec::new();
    let mut of_column = Vec::new();
    for (slot, width) in pieces.iter().zip(widths) {
        let mut found = BTreeSet::new();
        sources(program, *slot, &mut found);
        let place = sets.iter().position(|set| *set == found);
        let place = place.unwrap_or_else(|| {
            sets.push(found);
            sets.len() - 1
        });
        of_column.extend(std::iter::repeat_n(place, *width));
    }
    let name = |set: &BTreeSet<usize>| {
        let names = set.iter();
        let names = names.map(|at| program.signature.inputs[*at].name.as_str());
        names.collect::<Vec<_>>().join(" and ")
    };
    (sets.iter().map(name).collect(), of_column)
}

/// The inputs that a slot is computed from.
fn sources(program: &Program, slot: usize, found: &mut BTreeSet<usize>) {
    if let Some(step) = step_of_slot(program, slot) {
        for input in &step.inputs {
            sources(program, *input, found);
        }
    } else if let Some(at) = slot.checked_sub(program.constants.len()) {
        found.insert(at);
    }
}
