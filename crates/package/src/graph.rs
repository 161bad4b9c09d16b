//! Writes the road from raw columns to predictions as an ONNX graph.
//!
//! A [`GraphBuilder`] hands out [`Column`]s (one value per row) and [`Matrix`]es (a row of numbers
//! per row); each method adds nodes and returns the new edge. Wrong use (a column of the wrong
//! kind, widths that do not fit) is remembered and returned by `finish_*`, so that the code that
//! builds a graph reads as a straight line.
//!
//! # Missing values
//!
//! - A missing number is NaN. It goes through arithmetic and functions. `=`, `<`, `<=`, `>`, `>=`
//!   and `in` are false for it; `!=` and `not in` are their negations and therefore true.
//! - A missing text is the empty text. `is null` and `coalesce` also take `nan`, `None` and
//!   `<NA>` as missing, because that is what MLflow's `pyfunc` hands over for missing text.
//! - A missing timestamp is NaN.
//! - Whole numbers and booleans are never missing: a column that may miss them is a number.
//! - Unknown categories and missing ones are the same: all zeros in [`GraphBuilder::one_hot`],
//!   NaN in [`GraphBuilder::ordinal`].
//!
//! # Numbers
//!
//! Whole numbers become doubles in arithmetic; `/` is real division; `%` keeps the sign of the
//! left side; `round` goes to the even neighbour on a tie. Booleans count as 0 and 1.

mod columns;
mod dates;
mod decision;
mod emit;
mod expression;
mod finish;
mod functions;
mod input;
mod matrices;
mod neighbours;
mod network;
mod products;
mod quantize;
mod trees;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;

use crate::onnx::{ModelProto, NodeProto, TensorProto};
use crate::{Error, Input, Kind, Signature};

pub use decision::Decision;
pub use expression::check_expression;
pub(crate) use finish::{PREDICTION, PROBABILITY};
pub use neighbours::{Distance, Neighbours};
pub use trees::{Tree, TreeEnsemble, TreeNode};

/// One value per row: an edge of rank 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    edge: String,
    kind: Kind,
}

impl Column {
    /// The kind of the values.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// A row of doubles per row: an edge of shape `[rows, n_columns]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    edge: String,
    n_columns: usize,
}

impl Matrix {
    /// How many numbers each row has.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }
}

/// Collects the nodes of one graph. See the [module](self).
#[derive(Debug, Default)]
pub struct GraphBuilder {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    inputs: Vec<Input>,
    /// The place of each input in `inputs`.
    input_places: BTreeMap<String, usize>,
    output_names: BTreeSet<String>,
    /// Nodes and constants that exist already, by what they compute: nothing is computed twice.
    known: BTreeMap<String, String>,
    n_edges: usize,
    failure: Option<Error>,
}

/// A finished graph with its signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    model: ModelProto,
    signature: Signature,
}

impl Graph {
    /// The ONNX model.
    #[must_use]
    pub fn model(&self) -> &ModelProto {
        &self.model
    }

    /// What the graph takes and gives.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The bytes of `model.onnx`; the same graph has the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.model.encode_to_vec()
    }

    /// Reads `model.onnx`. The signature is that of the graph's inputs and outputs; all inputs are
    /// required.
    ///
    /// # Errors
    ///
    /// Fails if the bytes are not an ONNX model, or if an input or output is no column of a
    /// [`Kind`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let model = ModelProto::decode(bytes).map_err(|error| Error::Model(error.to_string()))?;
        let signature = Self::signature_of(&model)?;
        Ok(Self { model, signature })
    }

    /// The signature that the declared inputs and outputs of a model amount to.
    pub(crate) fn signature_of(model: &ModelProto) -> Result<Signature, Error> {
        finish::signature(model)
    }
}
