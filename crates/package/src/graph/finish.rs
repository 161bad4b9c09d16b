//! Outputs, and the graph as a whole.

use std::collections::BTreeSet;

use everloop_domain::Value;

use crate::graph::emit::{EDGE_PREFIX, element_type, int, integers, node, values};
use crate::graph::{Column, Graph, GraphBuilder, Matrix};
use crate::onnx::{
    DimensionProto, GraphProto, IR_VERSION, ML_DOMAIN, ModelProto, OPSET_ML_VERSION, OPSET_VERSION,
    OperatorSetIdProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, data_type,
};
use crate::{Error, Input, Kind, Output, Signature};

/// The name of the output that every model has.
/// The note of an input by which timestamps are told from numbers.
const TIMESTAMP: &str = "timestamp: milliseconds since 1970-01-01T00:00:00Z, NaN if missing";
pub(crate) const PREDICTION: &str = "prediction";
/// The name of the positive class's probability, and the start of the names for several classes.
pub(crate) const PROBABILITY: &str = "probability";

impl GraphBuilder {
    /// Ends a regression: the one column of the matrix is `prediction`.
    ///
    /// # Errors
    ///
    /// Fails if the matrix has not exactly one column, or if the builder was used wrongly before.
    pub fn finish_regression(mut self, matrix: &Matrix) -> Result<Graph, Error> {
        let column = self.single_column(matrix);
        self.finish_columns(&[(PREDICTION.to_owned(), column)])
    }

    /// Ends a binary classification: `prediction` is the second class where its probability is
    /// above one half (not at one half) and the first elsewhere; `probability` is the matrix.
    ///
    /// # Errors
    ///
    /// Fails if the matrix has not exactly one column, the classes are of different kinds, or the
    /// builder was used wrongly before.
    pub fn finish_binary(mut self, matrix: &Matrix, classes: &[Value; 2]) -> Result<Graph, Error> {
        let probability = self.single_column(matrix);
        let half = self.number_constant(0.5);
        let is_positive = self.call("Greater", &[&probability.edge, &half]);
        let index = self.cast(&is_positive, data_type::INT64);
        let prediction = self.class(&index, classes);
        self.finish_columns(&[
            (PREDICTION.to_owned(), prediction),
            (PROBABILITY.to_owned(), probability),
        ])
    }

    /// Ends a classification into many: `prediction` is the class of the largest probability (the
    /// first of equal ones), then `probability_<class>` per class.
    ///
    /// # Errors
    ///
    /// Fails if the matrix has not one column per class, the classes are of different kinds or two
    /// are written alike, or the builder was used wrongly before.
    pub fn finish_multiclass(mut self, matrix: &Matrix, classes: &[Value]) -> Result<Graph, Error> {
        if matrix.n_columns != classes.len() {
            self.refuse(format!(
                "{} probabilities were given for {} classes",
                matrix.n_columns,
                classes.len()
            ));
        }
        let mut largest = node("ArgMax", &[&matrix.edge]);
        largest.attribute = vec![int("axis", 1), int("keepdims", 0)];
        let index = self.push(largest);
        let mut columns = vec![(PREDICTION.to_owned(), self.class(&index, classes))];
        for (index, class) in (0_i64..).zip(classes) {
            let column = self.column_at(matrix, index);
            columns.push((format!("{PROBABILITY}_{class}"), column));
        }
        self.finish_columns(&columns)
    }

    /// Ends an isolation forest: `prediction` is whether the depth of a row is below the cutoff, `score` is
    /// `exp(factor * depth)`.
    ///
    /// # Errors
    ///
    /// Fails if the matrix has not exactly one column, or if the builder was used wrongly before.
    pub fn finish_anomaly(
        mut self,
        depths: &Matrix,
        factor: f64,
        cutoff: f64,
    ) -> Result<Graph, Error> {
        let depth = self.single_column(depths);
        let cutoff = self.number_constant(cutoff);
        let is_anomaly = Column {
            edge: self.call("Less", &[&depth.edge, &cutoff]),
            kind: Kind::Boolean,
        };
        let factor = self.number_constant(factor);
        let power = self.call("Mul", &[&depth.edge, &factor]);
        let score = Column {
            edge: self.call("Exp", &[&power]),
            kind: Kind::Number,
        };
        self.finish_columns(&[
            (PREDICTION.to_owned(), is_anomaly),
            ("score".to_owned(), score),
        ])
    }

    /// Ends a clustering: `prediction` is the place of the smallest distance (the first of equal ones), then
    /// `distance_<place>` per cluster.
    ///
    /// # Errors
    ///
    /// Fails if the builder was used wrongly before.
    pub fn finish_clustering(mut self, distances: &Matrix) -> Result<Graph, Error> {
        let negated = self.multiply(distances, -1.0);
        let mut largest = node("ArgMax", &[&negated.edge]);
        largest.attribute = vec![int("axis", 1), int("keepdims", 0)];
        let nearest = Column {
            edge: self.push(largest),
            kind: Kind::Integer,
        };
        let mut columns = vec![(PREDICTION.to_owned(), nearest)];
        for place in 0..distances.n_columns {
            let own = self.column_at(distances, place as i64);
            columns.push((format!("distance_{place}"), own));
        }
        self.finish_columns(&columns)
    }

    /// One column of a matrix.
    fn column_at(&mut self, matrix: &Matrix, place: i64) -> Column {
        let index = self.constant(integers(&[], &[place]));
        let mut pick = node("Gather", &[&matrix.edge, &index]);
        pick.attribute.push(int("axis", 1));
        Column {
            edge: self.push(pick),
            kind: Kind::Number,
        }
    }

    /// Ends with any columns as outputs, under these names.
    ///
    /// # Errors
    ///
    /// Fails if there is no output or no input, if two outputs have one name or an output that of
    /// an input, or if the builder was used wrongly before.
    pub fn finish_columns(mut self, columns: &[(String, Column)]) -> Result<Graph, Error> {
        let mut outputs = Vec::with_capacity(columns.len());
        for (name, column) in columns {
            self.output(name, column);
            outputs.push(Output {
                name: name.clone(),
                kind: column.kind,
            });
        }
        if self.inputs.is_empty() {
            self.refuse("a model needs at least one input".to_owned());
        }
        if outputs.is_empty() {
            self.refuse("a model needs at least one output".to_owned());
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let signature = Signature {
            inputs: self.inputs,
            outputs,
        };
        for (index, node) in self.nodes.iter_mut().enumerate() {
            node.name = format!("{index:04}_{}", node.op_type);
        }
        let graph = GraphProto {
            node: self.nodes,
            name: "everloop".to_owned(),
            initializer: self.constants,
            input: signature
                .inputs
                .iter()
                .map(|input| info(&input.name, input.kind))
                .collect(),
            output: signature
                .outputs
                .iter()
                .map(|output| info(&output.name, output.kind))
                .collect(),
        };
        Ok(Graph {
            model: model(graph),
            signature,
        })
    }

    fn output(&mut self, name: &str, column: &Column) {
        if self.input_places.contains_key(name) {
            self.refuse(format!(
                "an output is named `{name}`, and so is an input column: rename the column in `prepare`"
            ));
        } else if name.is_empty()
            || name.starts_with(EDGE_PREFIX)
            || !self.output_names.insert(name.to_owned())
        {
            self.refuse(format!(
                "two outputs are named `{name}`, or the name cannot be used"
            ));
        }
        let mut identity = node("Identity", &[&column.edge]);
        identity.output = vec![name.to_owned()];
        self.nodes.push(identity);
    }

    /// The class at each index.
    fn class(&mut self, index: &str, classes: &[Value]) -> Column {
        let kind = classes.first().map_or(Kind::Text, Kind::of_value);
        if let Some(wrong) = classes.iter().find(|class| Kind::of_value(class) != kind) {
            self.refuse(format!(
                "class `{wrong}` is {}, but others are {kind}",
                Kind::of_value(wrong).phrase()
            ));
        }
        let table = self.constant(values(&[classes.len()], kind, classes));
        Column {
            edge: self.call("Gather", &[&table, index]),
            kind,
        }
    }

    fn single_column(&mut self, matrix: &Matrix) -> Column {
        if matrix.n_columns != 1 {
            self.refuse(format!(
                "the model has {} results per row instead of one",
                matrix.n_columns
            ));
        }
        let shape = self.constant(integers(&[1], &[-1]));
        Column {
            edge: self.call("Reshape", &[&matrix.edge, &shape]),
            kind: Kind::Number,
        }
    }
}

fn model(graph: GraphProto) -> ModelProto {
    let opset = |domain: &str, version| OperatorSetIdProto {
        domain: Some(domain.to_owned()),
        version,
    };
    ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![opset("", OPSET_VERSION), opset(ML_DOMAIN, OPSET_ML_VERSION)],
        producer_name: "everloop".to_owned(),
        // No version of ours: the same model has the same bytes in every release.
        producer_version: String::new(),
        graph: Some(graph),
        metadata_props: Vec::new(),
    }
}

fn info(name: &str, kind: Kind) -> ValueInfoProto {
    let dim = DimensionProto {
        dim_value: None,
        dim_param: Some("rows".to_owned()),
    };
    let shape = Some(TensorShapeProto { dim: vec![dim] });
    let tensor_type = TensorTypeProto {
        elem_type: element_type(kind),
        shape,
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor_type),
        }),
        doc_string: (kind == Kind::Timestamp).then(|| TIMESTAMP.to_owned()),
    }
}

/// The signature that a graph's declared inputs and outputs amount to.
pub(super) fn signature(model: &ModelProto) -> Result<Signature, Error> {
    let graph = model
        .graph
        .as_ref()
        .ok_or_else(|| Error::Model("it has no graph".to_owned()))?;
    let constants: BTreeSet<&str> = graph
        .initializer
        .iter()
        .map(|tensor| tensor.name.as_str())
        .collect();
    let inputs = graph
        .input
        .iter()
        .filter(|info| !constants.contains(info.name.as_str()));
    let inputs = inputs.map(|info| {
        Ok(Input {
            name: info.name.clone(),
            kind: declared_kind(info)?,
            required: true,
        })
    });
    let outputs = graph.output.iter().map(|info| {
        Ok(Output {
            name: info.name.clone(),
            kind: declared_kind(info)?,
        })
    });
    Ok(Signature {
        inputs: inputs.collect::<Result<_, Error>>()?,
        outputs: outputs.collect::<Result<_, Error>>()?,
    })
}

/// The kind of a declared column. Types that are not those of a [`Kind`] are refused.
fn declared_kind(info: &ValueInfoProto) -> Result<Kind, Error> {
    let tensor = info
        .r#type
        .as_ref()
        .and_then(|r#type| r#type.tensor_type.as_ref());
    match tensor.map(|tensor| tensor.elem_type) {
        Some(data_type::INT64) => Ok(Kind::Integer),
        Some(data_type::DOUBLE) if info.doc_string.as_deref() == Some(TIMESTAMP) => {
            Ok(Kind::Timestamp)
        }
        Some(data_type::DOUBLE) => Ok(Kind::Number),
        Some(data_type::STRING) => Ok(Kind::Text),
        Some(data_type::BOOL) => Ok(Kind::Boolean),
        found => Err(Error::Model(format!(
            "`{}` has the ONNX element type {}: expected a tensor of double, int64, string or bool",
            info.name,
            found.map_or_else(|| "none".to_owned(), |found| found.to_string())
        ))),
    }
}
