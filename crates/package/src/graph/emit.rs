//! Adds single nodes and constants to a graph under construction.

use everloop_domain::Value;
use prost::bytes::Bytes;

use crate::graph::GraphBuilder;
use crate::onnx::{AttributeProto, NodeProto, TensorProto, attribute_type, data_type};
use crate::{Error, Kind};

/// All edges but inputs and outputs start with this, so that no column name meets them.
pub(super) const EDGE_PREFIX: &str = "everloop/";

/// Larger constants are not compared with each other: what is kept to compare them is larger still.
const MAX_COMPARED: usize = 65_536;

impl GraphBuilder {
    /// Starts an empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers the first failure; `finish_*` returns it.
    pub(super) fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }

    /// Remembers the first wrong use.
    pub(super) fn refuse(&mut self, problem: String) {
        self.fail(Error::Build(problem));
    }

    fn new_edge(&mut self) -> String {
        self.n_edges += 1;
        format!("{EDGE_PREFIX}{}", self.n_edges)
    }

    /// Adds a node with one output and returns the output's name; a node that computes the same
    /// from the same edges is not added again.
    pub(super) fn push(&mut self, mut node: NodeProto) -> String {
        // The nodes of classic machine learning carry whole models: they are not worth comparing.
        let key = node
            .domain
            .is_empty()
            .then(|| format!("{}:{:?}:{:?}", node.op_type, node.input, node.attribute));
        if let Some(edge) = key.as_ref().and_then(|key| self.known.get(key)) {
            return edge.clone();
        }
        let edge = self.new_edge();
        node.output = vec![edge.clone()];
        self.nodes.push(node);
        if let Some(key) = key {
            self.known.insert(key, edge.clone());
        }
        edge
    }

    /// Adds a node with two outputs and returns their names.
    pub(super) fn push_pair(&mut self, mut node: NodeProto) -> (String, String) {
        let (first, second) = (self.new_edge(), self.new_edge());
        node.output = vec![first.clone(), second.clone()];
        self.nodes.push(node);
        (first, second)
    }

    /// Adds a node of ONNX's own operators without attributes.
    pub(super) fn call(&mut self, op_type: &str, inputs: &[&str]) -> String {
        self.push(node(op_type, inputs))
    }

    pub(super) fn cast(&mut self, edge: &str, to: i32) -> String {
        let mut cast = node("Cast", &[edge]);
        cast.attribute.push(int("to", i64::from(to)));
        self.push(cast)
    }

    /// Adds a constant and returns its edge; the same constant is not added again.
    pub(super) fn constant(&mut self, mut tensor: TensorProto) -> String {
        if tensor.double_data.len() > MAX_COMPARED {
            let edge = self.new_edge();
            tensor.name.clone_from(&edge);
            self.constants.push(tensor);
            return edge;
        }
        let key = format!("constant:{tensor:?}");
        if let Some(edge) = self.known.get(&key) {
            return edge.clone();
        }
        let edge = self.new_edge();
        tensor.name.clone_from(&edge);
        self.constants.push(tensor);
        self.known.insert(key, edge.clone());
        edge
    }

    pub(super) fn number_constant(&mut self, value: f64) -> String {
        self.constant(doubles(&[], [value]))
    }

    pub(super) fn value_constant(&mut self, value: &Value) -> String {
        self.constant(values(
            &[],
            Kind::of_value(value),
            std::slice::from_ref(value),
        ))
    }
}

pub(super) fn node(op_type: &str, inputs: &[&str]) -> NodeProto {
    NodeProto {
        op_type: op_type.to_owned(),
        input: inputs.iter().map(|&edge| edge.to_owned()).collect(),
        ..NodeProto::default()
    }
}

pub(super) fn doubles(dims: &[usize], values: impl Into<Vec<f64>>) -> TensorProto {
    TensorProto {
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: data_type::DOUBLE,
        double_data: values.into(),
        ..TensorProto::default()
    }
}

pub(super) fn integers(dims: &[usize], values: &[i64]) -> TensorProto {
    TensorProto {
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: data_type::INT64,
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// A constant of values of one kind; values of another kind count as its zero.
pub(super) fn values(dims: &[usize], kind: Kind, values: &[Value]) -> TensorProto {
    let mut tensor = TensorProto {
        dims: dims.iter().map(|&dim| dim as i64).collect(),
        data_type: element_type(kind),
        ..TensorProto::default()
    };
    for value in values {
        match kind {
            Kind::Text => tensor.string_data.push(value.to_string().into_bytes()),
            Kind::Number | Kind::Timestamp => {
                tensor.double_data.push(value.as_f64().unwrap_or(f64::NAN));
            }
            Kind::Integer => tensor
                .int64_data
                .push(if let Value::Integer(value) = value {
                    *value
                } else {
                    0
                }),
            Kind::Boolean => tensor
                .int32_data
                .push(i32::from(*value == Value::Boolean(true))),
        }
    }
    tensor
}

pub(super) fn element_type(kind: Kind) -> i32 {
    match kind {
        Kind::Integer => data_type::INT64,
        Kind::Number | Kind::Timestamp => data_type::DOUBLE,
        Kind::Text => data_type::STRING,
        Kind::Boolean => data_type::BOOL,
    }
}

pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        i: Some(value),
        ..attribute(name, attribute_type::INT)
    }
}

pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        f: Some(value),
        ..attribute(name, attribute_type::FLOAT)
    }
}

pub(super) fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        ints: values.to_vec(),
        ..attribute(name, attribute_type::INTS)
    }
}

pub(super) fn floats(name: &str, values: Vec<f32>) -> AttributeProto {
    AttributeProto {
        floats: values,
        ..attribute(name, attribute_type::FLOATS)
    }
}

pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        s: Some(value.as_bytes().to_vec()),
        ..attribute(name, attribute_type::STRING)
    }
}

pub(super) fn strings<T: AsRef<str>>(name: &str, values: &[T]) -> AttributeProto {
    let values = values.iter();
    let bytes = values.map(|value| Bytes::copy_from_slice(value.as_ref().as_bytes()));
    texts(name, bytes.collect())
}

pub(super) fn texts(name: &str, values: Vec<Bytes>) -> AttributeProto {
    AttributeProto {
        strings: values,
        ..attribute(name, attribute_type::STRINGS)
    }
}

pub(super) fn double_tensor(name: &str, values: Vec<f64>) -> AttributeProto {
    AttributeProto {
        t: Some(doubles(&[values.len()], values)),
        ..attribute(name, attribute_type::TENSOR)
    }
}

fn attribute(name: &str, r#type: i32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type,
        ..AttributeProto::default()
    }
}
