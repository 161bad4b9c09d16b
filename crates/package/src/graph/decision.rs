//! Other thresholds for the positive class than one half, put into a finished graph.

use everloop_domain::Value;

use crate::graph::emit::{doubles, int, ints, node, strings};
use crate::onnx::{ML_DOMAIN, NodeProto, TensorProto, data_type};
use crate::{Error, Kind};

use super::Graph;

/// All edges and nodes that are added start so.
const PREFIX: &str = "everloop/threshold";

/// A threshold above every probability: no row is positive.
const NEVER: f64 = 2.0;

/// From which probability on the positive class is predicted.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// From this one on; never if absent.
    At(Option<f64>),
    /// By the value of an input.
    ByGroup {
        /// The input: texts or whole numbers.
        column: String,
        /// The thresholds of its values; never where absent.
        thresholds: Vec<(Value, Option<f64>)>,
        /// The threshold of all other rows.
        otherwise: f64,
    },
}

impl Graph {
    /// The same graph with another decision between its two classes, in the place of one that it got before.
    /// Probabilities stay as they are.
    ///
    /// # Errors
    ///
    /// Fails if the graph is not one of a binary classification that Everloop wrote, or if the column is no input of
    /// texts or whole numbers.
    pub fn deciding(&self, decision: &Decision) -> Result<Self, Error> {
        let mut model = self.model().clone();
        let graph = model.graph.as_mut();
        let graph = graph.ok_or_else(|| Error::Model("it has no graph".to_owned()))?;
        // What an earlier decision added would be there twice.
        graph.node.retain(|node| !node.name.starts_with(PREFIX));
        graph
            .initializer
            .retain(|constant| !constant.name.starts_with(PREFIX));
        let at = comparison(
            &graph.node,
            &graph
                .output
                .iter()
                .map(|it| it.name.as_str())
                .collect::<Vec<_>>(),
        )?;
        let (nodes, constants, edge) = match decision {
            Decision::At(threshold) => {
                let mut constant = doubles(&[], [above(*threshold)]);
                PREFIX.clone_into(&mut constant.name);
                (Vec::new(), vec![constant], PREFIX.to_owned())
            }
            Decision::ByGroup {
                column,
                thresholds,
                otherwise,
            } => self.by_group(column, thresholds, *otherwise)?,
        };
        graph.node[at].input[1] = edge;
        graph.node.splice(at..at, nodes);
        graph.initializer.extend(constants);
        Ok(Self {
            model,
            signature: self.signature().clone(),
        })
    }

    /// Nodes and constants that find the threshold of each row, and the edge that holds it.
    fn by_group(
        &self,
        column: &str,
        thresholds: &[(Value, Option<f64>)],
        otherwise: f64,
    ) -> Result<(Vec<NodeProto>, Vec<TensorProto>, String), Error> {
        let inputs = &self.signature().inputs;
        let input = inputs.iter().find(|input| input.name == column);
        let kind = input.map(|input| input.kind).ok_or_else(|| {
            Error::Build(format!(
                "`{column}` decides the threshold, but is no input of the model"
            ))
        })?;
        let fits = |(value, _): &(Value, Option<f64>)| Kind::of_value(value) == kind;
        if !matches!(kind, Kind::Text | Kind::Integer) || thresholds.is_empty() {
            return Err(Error::Build(format!(
                "`{column}` decides the threshold, but is {}: only texts and whole numbers are groups",
                kind.phrase()
            )));
        }
        if !thresholds.iter().all(fits) {
            return Err(Error::Build(format!(
                "a group of `{column}` is not {}",
                kind.phrase()
            )));
        }
        let n_groups = thresholds.len();
        let edge = |name: &str| format!("{PREFIX}/{name}");
        let named = |mut tensor: TensorProto, name: &str| {
            tensor.name = edge(name);
            tensor
        };
        let numbers: Vec<f64> = thresholds.iter().map(|(_, it)| above(*it)).collect();
        let constants = vec![
            named(doubles(&[n_groups, 1], numbers), "numbers"),
            named(doubles(&[n_groups, 1], vec![1.0; n_groups]), "ones"),
            named(doubles(&[], [above(Some(otherwise))]), "otherwise"),
            named(doubles(&[], [0.5]), "half"),
            named(super::emit::integers(&[1], &[-1]), "shape"),
        ];
        let call = |op_type: &str, inputs: &[&str], output: &str| {
            let mut call = node(op_type, inputs);
            call.output = vec![edge(output)];
            call.name = edge(&format!("{op_type}_{output}"));
            call
        };
        let mut encode = call("OneHotEncoder", &[column], "encoded");
        ML_DOMAIN.clone_into(&mut encode.domain);
        encode.attribute = vec![categories(kind, thresholds), int("zeros", 1)];
        let mut cast = call("Cast", &[&edge("encoded")], "groups");
        cast.attribute = vec![int("to", i64::from(data_type::DOUBLE))];
        let (groups, shape) = (edge("groups"), edge("shape"));
        let nodes = vec![
            encode,
            cast,
            // Exactly one product is not 0: sums are exact.
            call("Gemm", &[&groups, &edge("numbers")], "own_matrix"),
            call("Reshape", &[&edge("own_matrix"), &shape], "own"),
            call("Gemm", &[&groups, &edge("ones")], "known_matrix"),
            call("Reshape", &[&edge("known_matrix"), &shape], "known"),
            call("Greater", &[&edge("known"), &edge("half")], "is_known"),
            call(
                "Where",
                &[&edge("is_known"), &edge("own"), &edge("otherwise")],
                "of_row",
            ),
        ];
        Ok((nodes, constants, edge("of_row")))
    }
}

fn categories(kind: Kind, thresholds: &[(Value, Option<f64>)]) -> crate::onnx::AttributeProto {
    let values = thresholds.iter().map(|(value, _)| value);
    if kind == Kind::Text {
        let texts: Vec<String> = values.map(ToString::to_string).collect();
        return strings("cats_strings", &texts);
    }
    let integers: Vec<i64> = values
        .filter_map(|value| match value {
            Value::Integer(value) => Some(*value),
            _ => None,
        })
        .collect();
    ints("cats_int64s", &integers)
}

/// The number above which a probability is that is at the threshold or more.
fn above(threshold: Option<f64>) -> f64 {
    threshold.map_or(NEVER, f64::next_down)
}

/// The node that compares the probability with one half: prediction = table[cast(probability > half)].
fn comparison(nodes: &[NodeProto], outputs: &[&str]) -> Result<usize, Error> {
    let refuse = || Error::Build("the graph is no binary classification of Everloop".to_owned());
    let maker = |edge: &str| {
        nodes
            .iter()
            .position(|node| node.output.iter().any(|it| it == edge))
    };
    let mut edge = outputs.first().copied().ok_or_else(refuse)?;
    for (op_type, input) in [("Identity", 0), ("Gather", 1), ("Cast", 0)] {
        let at = maker(edge).filter(|at| nodes[*at].op_type == op_type);
        let at = at.ok_or_else(refuse)?;
        edge = nodes[at].input.get(input).ok_or_else(refuse)?;
    }
    maker(edge)
        .filter(|at| nodes[*at].op_type == "Greater" && nodes[*at].input.len() == 2)
        .ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray as _, Float64Array, RecordBatch, StringArray};
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::Scorer as _;
    use crate::graph::GraphBuilder;
    use crate::native::NativeModel;

    fn graph() -> Graph {
        let mut builder = GraphBuilder::new();
        let p = builder.input("p", Kind::Number);
        builder.input("g", Kind::Text);
        let matrix = builder.column_matrix(&[p]);
        let classes = [Value::Integer(0), Value::Integer(1)];
        builder.finish_binary(&matrix, &classes).unwrap()
    }

    #[track_caller]
    fn check(decision: &Decision, expected: [i64; 4]) {
        let p: ArrayRef = Arc::new(Float64Array::from(vec![0.2, 0.3, 0.5, 0.9]));
        let g: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a", "c"]));
        let rows = RecordBatch::try_from_iter(vec![("p", p), ("g", g)]).unwrap();
        let decided = graph().deciding(decision).unwrap();
        let decided = Graph::from_bytes(&decided.to_bytes()).unwrap();
        let found = NativeModel::new(&decided).unwrap().score(&rows).unwrap();
        let found = found
            .column(0)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_threshold_itself_is_positive() {
        check(&Decision::At(Some(0.3)), [0, 1, 1, 1]);
        check(&Decision::At(Some(0.300_000_1)), [0, 0, 1, 1]);
        check(&Decision::At(None), [0, 0, 0, 0]);
    }

    #[test]
    fn groups_have_thresholds_of_their_own() {
        let text = |text: &str| Value::Text(text.to_owned());
        let decision = Decision::ByGroup {
            column: "g".to_owned(),
            thresholds: vec![(text("a"), Some(0.2)), (text("b"), None)],
            otherwise: 0.9,
        };
        check(&decision, [1, 0, 1, 1]);
    }

    #[test]
    fn a_column_that_is_no_input_is_refused() {
        let decision = Decision::ByGroup {
            column: "sex".to_owned(),
            thresholds: vec![(Value::Text("F".to_owned()), Some(0.2))],
            otherwise: 0.5,
        };
        let error = graph().deciding(&decision).unwrap_err().to_string();
        assert!(
            error.contains("`sex` decides the threshold, but is no input"),
            "{error}"
        );
    }
}
