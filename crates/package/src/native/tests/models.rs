//! Categories, trees, constants and inputs.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow::util::display::array_value_to_string;

use super::graphs::*;
use super::*;
use crate::onnx::{TensorProto, data_type};

#[test]
fn categories_become_numbers() {
    number(
        &[
            "code = LabelEncoder t; keys_strings=[a,b,a] values_floats=[0.5,1.5,9.5] default_float=-1.5",
            "out = Cast code; to=11",
        ],
        "0.5 -1.5 1.5 0.5",
    );
    number(
        &[
            "code = LabelEncoder n; keys_int64s=[2,-1] values_floats=[0.5,1.5]",
            "out = Cast code; to=11",
        ],
        "0.0 0.0 0.5 1.5",
    );
    assert_eq!(
        run(
            &["out = LabelEncoder t; keys_strings=[a] values_int64s=[7]"],
            data_type::INT64
        ),
        "7 -1 -1 7"
    );
    number(
        &[
            "hot = OneHotEncoder n; cats_int64s=[1,-1]",
            "wide = Cast hot; to=11",
            "out = Gather wide 0; axis=1",
        ],
        "0.0 1.0 0.0 0.0",
    );
    fails(
        &["out = LabelEncoder t; keys_strings=[a,b] values_int64s=[7]"],
        "it has 2 keys and 1 values",
    );
    fails(
        &["out = LabelEncoder n; keys_strings=[a] values_int64s=[7]"],
        "its keys are not int64",
    );
    fails(
        &["out = LabelEncoder t; keys_strings=[a] values_strings=[b]"],
        "only texts to integers",
    );
    fails(
        &["out = OneHotEncoder n; cats_int64s=[1] zeros=0"],
        "`zeros` must be 1",
    );
    fails(
        &["out = OneHotEncoder t; cats_int64s=[1]"],
        "its categories are not string",
    );
    fails(
        &["out = OneHotEncoder t"],
        "it needs categories of one kind",
    );
}

/// One split on `x` at 1.5, with more attributes.
fn stump(mode: &str, more: &str) -> Vec<String> {
    let tree = format!(
        "sum = TreeEnsembleRegressor wide; nodes_treeids=[0,0,0] nodes_nodeids=[0,1,2] nodes_featureids=[0,0,0] \
         nodes_modes=[{mode},LEAF,LEAF] nodes_values=[1.5,0.0,0.0] nodes_truenodeids=[1,0,0] \
         nodes_falsenodeids=[2,0,0] target_treeids=[0,0] target_nodeids=[1,2] target_ids=[0,0] \
         target_weights=[1.5,2.5] n_targets=1 {more}"
    );
    let rest = ["flat = Reshape sum -1", "out = Cast flat; to=11"].map(str::to_owned);
    ["wide = Unsqueeze x 1".to_owned(), tree]
        .into_iter()
        .chain(rest)
        .collect()
}

#[test]
fn trees_of_other_writers_are_run_if_they_are_alike() {
    let check = |mode: &str, more: &str, expected: &str| {
        let nodes = stump(mode, more);
        let found = run(
            &nodes.iter().map(String::as_str).collect::<Vec<_>>(),
            data_type::DOUBLE,
        );
        assert!(found.contains(expected), "{mode} {more}: {found}");
    };
    check("BRANCH_LT", "", "2.5 2.5 1.5 2.5");
    check("BRANCH_LEQ", "", "1.5 2.5 1.5 2.5");
    check(
        "BRANCH_LT",
        "nodes_missing_value_tracks_true=[1,0,0]",
        "2.5 1.5 1.5 2.5",
    );
    check("BRANCH_LT", "base_values=[10.5]", "13.0 13.0 12.0 13.0");
    check(
        "BRANCH_LT",
        "nodes_hitrates=[1.0,1.0,1.5] post_transform=NONE aggregate_function=SUM",
        "2.5 2.5 1.5 2.5",
    );
    check("BRANCH_EQ", "", "node mode `BRANCH_EQ` is not supported");
    check(
        "BRANCH_LT",
        "post_transform=LOGISTIC",
        "`post_transform` must be NONE",
    );
    check(
        "BRANCH_LT",
        "aggregate_function=AVERAGE",
        "`aggregate_function` must be SUM",
    );
    check(
        "BRANCH_LT",
        "base_values=[1.5,2.5]",
        "`base_values` does not fit",
    );
}

#[test]
fn what_is_constant_or_unused_is_not_computed_again() {
    let nodes = [
        "four = Add two two",
        "eight = Mul four two",
        "unused = Exp x",
        "out = Mul y eight",
    ];
    let program = Program::compile(&model(&nodes, data_type::DOUBLE)).unwrap();
    assert_eq!(program.steps.len(), 1);
    number(&nodes, "8.0 16.0 24.0 32.0");
    // Trees read what was cast to 32 bits; the cast back to 64 falls away.
    let mut trees = stump("BRANCH_LT", "");
    trees[0] = "short = Cast x; to=1".to_owned();
    trees.insert(1, "long = Cast short; to=11".to_owned());
    trees.insert(2, "wide = Unsqueeze long 1".to_owned());
    let trees: Vec<&str> = trees.iter().map(String::as_str).collect();
    number(&trees, "2.5 2.5 1.5 2.5");
}

#[test]
fn constants_may_be_raw_bytes() {
    let mut model = model(&["out = Add y raw"], data_type::DOUBLE);
    let raw = |data_type: i32, bytes: Vec<u8>| TensorProto {
        name: "raw".to_owned(),
        data_type,
        raw_data: Some(bytes),
        ..TensorProto::default()
    };
    let mut compile = |tensor: TensorProto| {
        let graph = model.graph.as_mut().unwrap();
        graph.initializer.retain(|tensor| tensor.name != "raw");
        graph.initializer.push(tensor);
        Program::compile(&model).map_err(|error| error.to_string())
    };
    let program = compile(raw(data_type::DOUBLE, 0.5_f64.to_le_bytes().to_vec())).unwrap();
    assert_eq!(
        array_value_to_string(program.run(&rows()).unwrap().column(0), 3).unwrap(),
        "4.5"
    );
    let message = compile(raw(data_type::DOUBLE, vec![1, 2, 3])).unwrap_err();
    assert!(
        message.contains("its 3 raw bytes are no multiple of 8"),
        "{message}"
    );
    let message = compile(raw(data_type::INT64, vec![0; 16])).unwrap_err();
    assert!(
        message.contains("it has 2 elements, but the shape []"),
        "{message}"
    );
    let message = compile(raw(10, vec![0; 2])).unwrap_err();
    assert!(
        message.contains("the ONNX element type 10 is not supported"),
        "{message}"
    );
}

#[test]
fn inputs_of_other_types_and_ranks_are_refused() {
    let mut floats = model(&["out = Identity x"], data_type::DOUBLE);
    floats.graph.as_mut().unwrap().input[0] = info("x", data_type::FLOAT);
    let message = Program::compile(&floats).unwrap_err().to_string();
    assert!(
        message.contains("`x` has the ONNX element type 1"),
        "{message}"
    );
    let mut matrix = model(&["out = Identity x"], data_type::DOUBLE);
    let shape = crate::onnx::TensorShapeProto {
        dim: vec![crate::onnx::DimensionProto::default(); 2],
    };
    let input = &mut matrix.graph.as_mut().unwrap().input[0];
    input
        .r#type
        .as_mut()
        .unwrap()
        .tensor_type
        .as_mut()
        .unwrap()
        .shape = Some(shape);
    let message = Program::compile(&matrix).unwrap_err().to_string();
    assert!(
        message.contains("it has rank 2 instead of being a column"),
        "{message}"
    );
}

#[test]
fn missing_values_of_unconformed_rows_take_their_stand_ins() {
    let program = Program::compile(&model(&["out = Where f x y"], data_type::DOUBLE)).unwrap();
    let mut columns: Vec<ArrayRef> = rows().columns().to_vec();
    columns[1] = Arc::new(Float64Array::from(vec![None, None, Some(1.0), Some(2.0)]));
    columns[3] = Arc::new(StringArray::from(vec![None, None, Some("a"), Some("b")]));
    let names = ["x", "y", "n", "t", "f"];
    let with_missing = RecordBatch::try_from_iter(names.into_iter().zip(columns.clone())).unwrap();
    assert_eq!(
        array_value_to_string(program.run(&with_missing).unwrap().column(0), 1).unwrap(),
        "NaN"
    );
    columns[2] = Arc::new(Int64Array::from(vec![None, None, Some(1), Some(2)]));
    let with_missing = RecordBatch::try_from_iter(names.into_iter().zip(columns)).unwrap();
    let message = program.run(&with_missing).unwrap_err().to_string();
    assert_eq!(
        message,
        "input column `n` is `Int64` with missing values, the model takes integer: conform the rows first"
    );
    assert_eq!(Kind::Integer.to_string(), "integer");
}
