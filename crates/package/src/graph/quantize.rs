//! Rewrites products of matrices to 8 bits.
//!
//! Weights are rounded to whole numbers from -127 to 127 with a factor for each output (channel), once. Inputs are rounded
//! the same way with a factor for each row, when they come: so a row's result still depends on that row only, which
//! `DynamicQuantizeLinear` with its one factor for all rows would end. Both are stored as `uint8` around 128, because
//! products of `uint8` and `int8` overflow on some processors. Biases and all else stay doubles. Tables of embeddings are
//! rounded like weights and scaled when they are read.
//!
//! No whole number stands for NaN or infinity, and `ReduceMax` may or may not pass NaN on. So the product of the inputs with
//! zeros is added to the factor of a row: it is 0, or NaN if one of them is no finite number. Then the whole row is NaN, as
//! it is before rounding if an input is NaN.

use std::collections::{BTreeMap, BTreeSet};

use crate::Error;
use crate::graph::Graph;
use crate::graph::emit::{EDGE_PREFIX, doubles, int, integers, node};
use crate::onnx::{GraphProto, NodeProto, TensorProto, data_type};

/// The greatest rounded weight.
const MOST: f64 = 127.0;
/// What 0 is stored as.
const ZERO: f64 = 128.0;
/// Keeps the factor of a row of zeros above 0.
const LEAST_FACTOR: f64 = 1e-30;
/// Smaller matrices of weights stay as they are: they are fast and small.
const MIN_WEIGHTS: usize = 256;
/// Sums of so many products stay within 32 bits.
const MAX_INNER: i64 = 1 << 17;

impl Graph {
    /// The same model with weights and embeddings of 8 bits, and how many constants were rounded.
    ///
    /// # Errors
    ///
    /// Fails if the model has no matrix of weights or table of embeddings that is worth it.
    pub(crate) fn quantized(&self) -> Result<(Self, usize), Error> {
        let mut model = self.model.clone();
        let mut graph = model.graph.take().unwrap_or_default();
        let constants: BTreeMap<String, TensorProto> = graph
            .initializer
            .iter()
            .map(|tensor| (tensor.name.clone(), tensor.clone()))
            .collect();
        let mut rewriting = Rewriting::default();
        for old in std::mem::take(&mut graph.node) {
            rewriting.rewrite(old, &constants);
        }
        if rewriting.n_rounded == 0 {
            return Err(Error::Build(format!(
                "there is nothing to quantise: no matrix of {MIN_WEIGHTS} weights or more is multiplied; only networks of the trainer `neural` have such"
            )));
        }
        graph.node = rewriting.nodes;
        graph.initializer.append(&mut rewriting.constants);
        drop_unused(&mut graph);
        model.graph = Some(graph);
        let signature = self.signature.clone();
        Ok((Self { model, signature }, rewriting.n_rounded))
    }
}

/// Makes nodes and constants under names of its own.
#[derive(Default)]
struct Rewriting {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// Constants that exist already, by what they hold.
    known: BTreeMap<String, String>,
    n_edges: usize,
    n_rounded: usize,
}

impl Rewriting {
    /// Adds what takes the place of a node: itself, or nodes of which the last has its output.
    fn rewrite(&mut self, old: NodeProto, constants: &BTreeMap<String, TensorProto>) {
        let matrix = |at: usize| {
            let tensor = constants.get(old.input.get(at)?)?;
            let is_worth = tensor.double_data.len() >= MIN_WEIGHTS;
            match tensor.dims.as_slice() {
                [n_rows, n_columns] if is_worth && (1..MAX_INNER).contains(n_rows) => {
                    Some((tensor, *n_columns as usize))
                }
                _ => None,
            }
        };
        let is_by_row = old.attribute.iter().all(|attribute| attribute.i == Some(0));
        let last = match (old.op_type.as_str(), old.input.as_slice()) {
            ("Gemm", [input, _]) if old.attribute.is_empty() => {
                matrix(1).map(|(weights, n_columns)| self.product(input, weights, n_columns))
            }
            ("Gather", [_, places]) if is_by_row => {
                matrix(0).map(|(table, n_columns)| self.lookup(table, n_columns, places))
            }
            _ => None,
        };
        let Some(mut last) = last else {
            self.nodes.push(old);
            return;
        };
        self.n_rounded += 1;
        last.output = old.output;
        self.nodes.push(last);
    }

    fn product(&mut self, input: &str, weights: &TensorProto, n_columns: usize) -> NodeProto {
        let n_inputs = weights.double_data.len() / n_columns.max(1);
        let (weights, factors) = self.rounded(weights, n_columns);
        let most = self.constant(doubles(&[], [1.0 / MOST]));
        let least = self.constant(doubles(&[], [LEAST_FACTOR]));
        let centre = self.constant(doubles(&[], [ZERO]));
        let zero = self.constant(bytes(&[], vec![ZERO as u8]));
        let axes = self.constant(integers(&[1], &[1]));
        let sizes = self.call("Abs", &[input]);
        let mut greatest = node("ReduceMax", &[&sizes, &axes]);
        greatest.attribute.push(int("keepdims", 1));
        let greatest = self.push(greatest);
        let scaled = self.call("Mul", &[&greatest, &most]);
        let positive = self.call("Add", &[&scaled, &least]);
        let zeros = self.constant(doubles(&[n_inputs, 1], vec![0.0; n_inputs]));
        let unsound = self.call("Gemm", &[input, &zeros]);
        let scales = self.call("Add", &[&positive, &unsound]);
        let divided = self.call("Div", &[input, &scales]);
        let whole = self.call("Round", &[&divided]);
        let shifted = self.call("Add", &[&whole, &centre]);
        let stored = self.cast(&shifted, data_type::UINT8);
        let sums = self.call("MatMulInteger", &[&stored, &weights, &zero, &zero]);
        let sums = self.cast(&sums, data_type::DOUBLE);
        let sums = self.call("Mul", &[&sums, &factors]);
        node("Mul", &[&sums, &scales])
    }

    fn lookup(&mut self, table: &TensorProto, n_columns: usize, places: &str) -> NodeProto {
        let (table, factors) = self.rounded(table, n_columns);
        let centre = self.constant(doubles(&[], [ZERO]));
        let mut gather = node("Gather", &[&table, places]);
        gather.attribute.push(int("axis", 0));
        let stored = self.push(gather);
        let shifted = self.cast(&stored, data_type::DOUBLE);
        let whole = self.call("Sub", &[&shifted, &centre]);
        node("Mul", &[&whole, &factors])
    }

    /// A matrix in 8 bits and the factors of its columns, as constants.
    fn rounded(&mut self, matrix: &TensorProto, n_columns: usize) -> (String, String) {
        let values = &matrix.double_data;
        let mut factors = vec![0.0_f64; n_columns];
        for row in values.chunks_exact(n_columns) {
            for (factor, value) in factors.iter_mut().zip(row) {
                *factor = factor.max(value.abs() / MOST);
            }
        }
        let places = values.iter().zip(factors.iter().cycle());
        let stored = places.map(|(value, factor)| {
            let whole = if *factor > 0.0 { value / factor } else { 0.0 };
            (whole.round_ties_even() + ZERO) as u8
        });
        let dims: Vec<usize> = matrix.dims.iter().map(|&dim| dim as usize).collect();
        let stored = bytes(&dims, stored.collect());
        let stored = self.constant(stored);
        (stored, self.constant(doubles(&[n_columns], factors)))
    }

    fn new_edge(&mut self) -> String {
        self.n_edges += 1;
        format!("{EDGE_PREFIX}quantised/{}", self.n_edges)
    }

    fn push(&mut self, mut node: NodeProto) -> String {
        let edge = self.new_edge();
        node.output = vec![edge.clone()];
        self.nodes.push(node);
        edge
    }

    fn call(&mut self, op_type: &str, inputs: &[&str]) -> String {
        self.push(node(op_type, inputs))
    }

    fn cast(&mut self, edge: &str, to: i32) -> String {
        let mut cast = node("Cast", &[edge]);
        cast.attribute.push(int("to", i64::from(to)));
        self.push(cast)
    }

    fn constant(&mut self, mut tensor: TensorProto) -> String {
        let key = format!("{tensor:?}");
        if let Some(edge) = self.known.get(&key) {
            return edge.clone();
        }
        let edge = self.new_edge();
        tensor.name.clone_from(&edge);
        self.constants.push(tensor);
        self.known.insert(key, edge.clone());
        edge
    }
}

fn bytes(dims: &[usize], values: Vec<u8>) -> TensorProto {
    TensorProto {
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: data_type::UINT8,
        raw_data: Some(values),
        ..TensorProto::default()
    }
}

/// Removes constants that no node reads.
fn drop_unused(graph: &mut GraphProto) {
    let read: BTreeSet<&String> = graph.node.iter().flat_map(|node| &node.input).collect();
    let is_output = |name: &String| graph.output.iter().any(|output| output.name == *name);
    let unused = |tensor: &TensorProto| !read.contains(&tensor.name) && !is_output(&tensor.name);
    let keep: Vec<bool> = graph
        .initializer
        .iter()
        .map(|tensor| !unused(tensor))
        .collect();
    let mut keep = keep.into_iter();
    graph.initializer.retain(|_| keep.next().unwrap_or(true));
}
