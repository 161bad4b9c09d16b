//! Graphs made by hand, and rows for them.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::util::display::array_value_to_string;

use super::*;
use crate::onnx::{
    AttributeProto, GraphProto, ML_DOMAIN, ModelProto, NodeProto, TensorProto, TensorTypeProto,
    TypeProto, ValueInfoProto, data_type,
};

/// Four rows with a column of each kind.
pub(super) fn rows() -> RecordBatch {
    let columns: [(&str, ArrayRef); 5] = [
        (
            "x",
            Arc::new(Float64Array::from(vec![1.5, f64::NAN, -0.5, 2.5])),
        ),
        ("y", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0]))),
        ("n", Arc::new(Int64Array::from(vec![0, 1, 2, -1]))),
        ("t", Arc::new(StringArray::from(vec!["a", "", "b", "a"]))),
        (
            "f",
            Arc::new(BooleanArray::from(vec![true, false, true, false])),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Attributes in short: `name=7`, `name=0.5`, `name=text`, `name=[1,2]`, `name=[0.5]`, `name=[a,b]`.
pub(super) fn attribute(text: &str) -> AttributeProto {
    let (name, value) = text.split_once('=').unwrap();
    let mut attribute = AttributeProto {
        name: name.to_owned(),
        ..AttributeProto::default()
    };
    let list = value
        .strip_prefix('[')
        .map(|list| list.trim_end_matches(']').split(','));
    let bytes = |text: &str| text.as_bytes().to_vec();
    match list {
        None => {
            attribute.i = value.parse().ok();
            attribute.f = value.parse().ok();
            attribute.s = Some(bytes(value));
        }
        Some(list) => {
            attribute.ints = list.clone().map_while(|item| item.parse().ok()).collect();
            if attribute.ints.is_empty() {
                attribute.floats = list.clone().map_while(|item| item.parse().ok()).collect();
            }
            if attribute.ints.is_empty() && attribute.floats.is_empty() {
                attribute.strings = list.map(|item| bytes(item).into()).collect();
            }
        }
    }
    attribute
}

/// A node in short: `output,output = Operator input input; attribute=value attribute=value`.
pub(super) fn node(text: &str) -> NodeProto {
    let (output, call) = text.split_once(" = ").unwrap();
    let (call, attributes) = call.split_once("; ").unwrap_or((call, ""));
    let mut words = call.split_whitespace().map(str::to_owned);
    let op_type = words.next().unwrap();
    let is_classic =
        ["LabelEncoder", "OneHotEncoder", "TreeEnsembleRegressor"].contains(&op_type.as_str());
    NodeProto {
        output: output.split(',').map(str::to_owned).collect(),
        input: words.collect(),
        domain: if is_classic {
            ML_DOMAIN.to_owned()
        } else {
            String::new()
        },
        attribute: attributes.split_whitespace().map(attribute).collect(),
        op_type,
        ..NodeProto::default()
    }
}

pub(super) fn info(name: &str, elem_type: i32) -> ValueInfoProto {
    let tensor_type = Some(TensorTypeProto {
        elem_type,
        shape: None,
    });
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { tensor_type }),
        doc_string: None,
    }
}

pub(super) fn doubles(name: &str, dims: &[i64], values: &[f64]) -> TensorProto {
    let (dims, double_data) = (dims.to_vec(), values.to_vec());
    TensorProto {
        name: name.to_owned(),
        dims,
        data_type: data_type::DOUBLE,
        double_data,
        ..TensorProto::default()
    }
}

pub(super) fn integers(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    let (dims, int64_data) = (dims.to_vec(), values.to_vec());
    TensorProto {
        name: name.to_owned(),
        dims,
        data_type: data_type::INT64,
        int64_data,
        ..TensorProto::default()
    }
}

/// Constants that the graphs below may use.
pub(super) fn constants() -> Vec<TensorProto> {
    vec![
        doubles("two", &[], &[2.0]),
        doubles("row", &[2], &[10.0, 20.0]),
        doubles("three", &[3], &[1.0, 2.0, 3.0]),
        doubles("weights", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        integers("0", &[], &[0]),
        integers("1", &[1], &[1]),
        integers("-1", &[1], &[-1]),
        integers("pair", &[2], &[0, 2]),
        integers("all", &[2], &[-1, 1]),
        integers("beyond", &[], &[2]),
        stored("small", &[2, 2], &[129, 126, 128, 255]),
        stored("zero", &[], &[128]),
    ]
}

/// 8-bit numbers around 128.
pub(super) fn stored(name: &str, dims: &[i64], values: &[u8]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: data_type::UINT8,
        raw_data: Some(values.to_vec()),
        ..TensorProto::default()
    }
}

pub(super) fn model(nodes: &[&str], output: i32) -> ModelProto {
    let input = [
        ("x", data_type::DOUBLE),
        ("y", data_type::DOUBLE),
        ("n", data_type::INT64),
        ("t", data_type::STRING),
        ("f", data_type::BOOL),
    ];
    let graph = GraphProto {
        node: nodes.iter().map(|text| node(text)).collect(),
        initializer: constants(),
        input: input
            .iter()
            .map(|(name, elem_type)| info(name, *elem_type))
            .collect(),
        output: vec![info("out", output)],
        ..GraphProto::default()
    };
    ModelProto {
        graph: Some(graph),
        ..ModelProto::default()
    }
}

/// Runs the nodes and shows the values of `out`, or the error.
pub(super) fn run(nodes: &[&str], output: i32) -> String {
    let result = Program::compile(&model(nodes, output)).and_then(|program| program.run(&rows()));
    match result {
        Ok(result) => {
            let shown = (0..result.num_rows())
                .map(|row| array_value_to_string(result.column(0), row).unwrap());
            shown.collect::<Vec<_>>().join(" ")
        }
        Err(error) => error.to_string(),
    }
}

#[track_caller]
pub(super) fn number(nodes: &[&str], expected: &str) {
    assert_eq!(run(nodes, data_type::DOUBLE), expected);
}

#[track_caller]
pub(super) fn fails(nodes: &[&str], expected: &str) {
    let found = run(nodes, data_type::DOUBLE);
    assert!(found.contains(expected), "{found}");
}
