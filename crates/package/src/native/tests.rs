//! Operators one by one, in graphs made by hand: also forms that our writer does not use.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::util::display::array_value_to_string;

use super::*;
use crate::Kind;
use crate::onnx::{
    AttributeProto, GraphProto, ML_DOMAIN, ModelProto, NodeProto, TensorProto, TensorTypeProto,
    TypeProto, ValueInfoProto, data_type,
};

/// Four rows with a column of each kind.
fn rows() -> RecordBatch {
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
fn attribute(text: &str) -> AttributeProto {
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
                attribute.strings = list.map(bytes).collect();
            }
        }
    }
    attribute
}

/// A node in short: `output,output = Operator input input; attribute=value attribute=value`.
fn node(text: &str) -> NodeProto {
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

fn info(name: &str, elem_type: i32) -> ValueInfoProto {
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

fn doubles(name: &str, dims: &[i64], values: &[f64]) -> TensorProto {
    let (dims, double_data) = (dims.to_vec(), values.to_vec());
    TensorProto {
        name: name.to_owned(),
        dims,
        data_type: data_type::DOUBLE,
        double_data,
        ..TensorProto::default()
    }
}

fn integers(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
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
fn constants() -> Vec<TensorProto> {
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
fn stored(name: &str, dims: &[i64], values: &[u8]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: data_type::UINT8,
        raw_data: Some(values.to_vec()),
        ..TensorProto::default()
    }
}

fn model(nodes: &[&str], output: i32) -> ModelProto {
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
fn run(nodes: &[&str], output: i32) -> String {
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
fn number(nodes: &[&str], expected: &str) {
    assert_eq!(run(nodes, data_type::DOUBLE), expected);
}

#[track_caller]
fn fails(nodes: &[&str], expected: &str) {
    let found = run(nodes, data_type::DOUBLE);
    assert!(found.contains(expected), "{found}");
}

type Function = fn(f64) -> f64;

#[test]
fn functions_of_one_number() {
    for (operator, expected) in [
        ("Abs", "1.5 NaN 0.5 2.5"),
        ("Neg", "-1.5 NaN 0.5 -2.5"),
        ("Ceil", "2.0 NaN -0.0 3.0"),
        ("Floor", "1.0 NaN -1.0 2.0"),
        ("Round", "2.0 NaN -0.0 2.0"),
        ("Relu", "1.5 NaN 0.0 2.5"),
        ("Sign", "1.0 0.0 -1.0 1.0"),
        ("Identity", "1.5 NaN -0.5 2.5"),
    ] {
        number(&[&format!("out = {operator} x")], expected);
    }
    let functions: [(&str, Function); 9] = [
        ("Exp", f64::exp),
        ("Log", f64::ln),
        ("Sqrt", f64::sqrt),
        ("Sin", f64::sin),
        ("Tanh", f64::tanh),
        ("Acos", f64::acos),
        ("Asin", f64::asin),
        ("Atan", f64::atan),
        ("Sigmoid", |x| 1.0 / (1.0 + (-x).exp())),
    ];
    for (operator, function) in functions {
        let result =
            Program::compile(&model(&[&format!("out = {operator} x")], data_type::DOUBLE)).unwrap();
        let found = result.run(&rows()).unwrap();
        let expected = Float64Array::from_iter_values([1.5, f64::NAN, -0.5, 2.5].map(function));
        assert_eq!(
            format!("{:?}", found.column(0)),
            format!("{:?}", Arc::new(expected) as ArrayRef),
            "{operator}"
        );
    }
    fails(
        &["out = Abs t"],
        "operator `Abs` of node `out` is not supported by the native engine: it is not supported for string",
    );
}

#[test]
fn functions_of_two_numbers_meet_element_by_element() {
    number(&["out = Add x y"], "2.5 NaN 2.5 6.5");
    number(&["out = Sub two y"], "1.0 0.0 -1.0 -2.0");
    number(&["out = Mul y two"], "2.0 4.0 6.0 8.0");
    number(&["out = Div y two"], "0.5 1.0 1.5 2.0");
    number(&["out = Pow y two"], "1.0 4.0 9.0 16.0");
    number(&["out = Mod x two; fmod=1"], "1.5 NaN -0.5 0.5");
    fails(&["out = Mod x two"], "`fmod` must be 1");
    fails(&["out = Add x n"], "not supported for double and int64");
    fails(
        &[
            "wide = Unsqueeze x 1",
            "sum = Add wide three",
            "out = Identity sum",
        ],
        "output `out` has shape [1, 3]",
    );
    fails(
        &[
            "one = Unsqueeze x 1",
            "two_wide = Concat one one; axis=1",
            "out = Add two_wide three",
        ],
        "do not fit together",
    );
}

#[test]
fn rows_and_columns_of_matrices_are_picked() {
    let both = [
        "a = Unsqueeze x 1",
        "b = Unsqueeze y 1",
        "both = Concat a b a; axis=1",
    ];
    let with = |last: &[&'static str]| [&both[..], last].concat();
    number(
        &with(&[
            "last = Gather both pair; axis=1",
            "out = Gather last 0; axis=1",
        ]),
        "1.5 NaN -0.5 2.5",
    );
    fails(
        &[
            "rows = Gather weights n; axis=0",
            "out = Gather rows 0; axis=1",
        ],
        "index 2 is outside of 2 elements",
    );
}

#[test]
fn each_output_of_top_k_may_stand_alone() {
    let both = [
        "a = Unsqueeze x 1",
        "b = Unsqueeze y 1",
        "both = Concat a b; axis=1",
    ];
    let found = |outputs: &str, used: &str| {
        let top = format!("{outputs} = TopK both 1; axis=1 largest=0 sorted=1");
        let out = format!("out = Reshape {used} -1");
        let mut nodes = both.to_vec();
        nodes.push(&top);
        if used == "wide" {
            nodes.push("wide = Cast places; to=11");
        }
        nodes.push(&out);
        run(&nodes, data_type::DOUBLE)
    };
    let (values, places) = ("1.0 2.0 -0.5 2.5", "1.0 1.0 0.0 0.0");
    assert_eq!(found("values,places", "values"), values);
    assert_eq!(found("values,places", "wide"), places);
    assert_eq!(found("values", "values"), values);
    assert_eq!(found("values,", "values"), values);
    assert_eq!(found(",places", "wide"), places);
    let three = found("values,places,more", "values");
    assert!(three.contains("it has 3 outputs"), "{three}");
}

#[test]
fn products_of_8_bits_are_whole_numbers() {
    let both = [
        "a = Unsqueeze x 1",
        "b = Unsqueeze y 1",
        "both = Concat a b; axis=1",
        "stored = Cast both; to=2",
    ];
    let with = |last: &[&'static str]| [&both[..], last].concat();
    // What is stored is [1, 1], [0, 2], [0, 3] and [2, 4], the weights are [1, -2] and [0, 127] around 128.
    let sums = |at: &'static str| {
        with(&[
            "sums = MatMulInteger stored small zero zero",
            "wide = Cast sums; to=11",
            at,
        ])
    };
    number(
        &sums("out = Gather wide 0; axis=1"),
        "-127.0 -128.0 -128.0 -126.0",
    );
    number(
        &with(&[
            "most = ReduceMax both 1; keepdims=1",
            "out = Reshape most -1",
        ]),
        "1.5 2.0 3.0 4.0",
    );
    fails(
        &with(&["out = ReduceMax both 1; keepdims=0"]),
        "`keepdims` must be 1",
    );
    fails(
        &with(&["out = MatMulInteger both small zero zero"]),
        "not supported for double",
    );
    fails(
        &with(&["one = Cast b; to=2", "out = Identity one"]),
        "uint8",
    );
}

#[test]
fn matrices_and_rows_are_broadcast() {
    let both = [
        "a = Unsqueeze x 1",
        "b = Unsqueeze y 1",
        "both = Concat a b; axis=1",
    ];
    let with = |last: &[&'static str]| [&both[..], last].concat();
    number(
        &with(&["sum = Add both row", "out = Gather sum 0; axis=1"]),
        "11.5 NaN 9.5 12.5",
    );
    number(
        &with(&[
            "sum = Sub row both",
            "last = Gather sum 1; axis=1",
            "out = Identity last",
        ]),
        "19.0 18.0 17.0 16.0",
    );
    number(
        &with(&["sum = Mul both b", "out = Gather sum 0; axis=-1"]),
        "1.5 NaN -1.5 10.0",
    );
    number(
        &with(&["out = Gather both beyond; axis=1"]),
        "operator `Gather` of node `out` is not supported by the native engine: index 2 is outside of 2 elements",
    );
    number(
        &with(&["sum = Gemm both weights", "out = Gather sum 0; axis=1"]),
        "4.5 NaN 8.5 14.5",
    );
    number(
        &with(&[
            "sum = Gemm both weights row; transB=1",
            "out = Gather sum 0; axis=1",
        ]),
        "13.5 NaN 15.5 20.5",
    );
    fails(
        &with(&[
            "sum = Gemm both weights; alpha=0.5",
            "out = Gather sum 0; axis=1",
        ]),
        "`alpha` and `beta` must be 1",
    );
    fails(
        &with(&[
            "sum = Gemm both weights three",
            "out = Gather sum 0; axis=1",
        ]),
        "a bias of shape [3]",
    );
    fails(
        &with(&["sum = Gemm a weights", "out = Gather sum 0; axis=1"]),
        "cannot be multiplied",
    );
    number(
        &with(&[
            "best = ArgMax both; axis=1 keepdims=0",
            "out = Cast best; to=11",
        ]),
        "0.0 0.0 1.0 1.0",
    );
    fails(
        &with(&["best = ArgMax both; axis=1", "out = Cast best; to=11"]),
        "`keepdims` must be 0",
    );
    number(
        &with(&["soft = Softmax b; axis=1", "out = Reshape soft -1"]),
        "1.0 1.0 1.0 1.0",
    );
    fails(
        &with(&["out = Concat both y; axis=1"]),
        "cannot stand side by side",
    );
    fails(
        &with(&["out = Concat both both; axis=0"]),
        "`axis` must be 1",
    );
}

#[test]
fn shapes_are_changed_only_if_elements_fit() {
    number(
        &["column = Reshape x all", "out = Reshape column -1"],
        "1.5 NaN -0.5 2.5",
    );
    fails(&["out = Reshape x pair"], "cannot become [1, 2]");
    fails(&["out = Reshape x 1"], "[4] cannot become [1]");
    fails(&["out = Unsqueeze x pair"], "axes [0, 2]");
    fails(&["out = Unsqueeze x x"], "its axes are no whole numbers");
    number(
        &["out = Identity two"],
        "malformed ONNX model: output `out` has shape [] for 1 rows",
    );
}

#[test]
fn conditions_choose() {
    let boolean =
        |nodes: &[&str], expected: &str| assert_eq!(run(nodes, data_type::BOOL), expected);
    boolean(&["out = Less x y"], "false false true true");
    boolean(&["out = LessOrEqual y two"], "true true false false");
    boolean(&["out = Greater y two"], "false false true true");
    boolean(&["out = GreaterOrEqual x x"], "true false true true");
    boolean(&["out = Equal x x"], "true false true true");
    boolean(&["out = Equal n n"], "true true true true");
    boolean(&["out = Equal f f"], "true true true true");
    boolean(&["out = Equal t t"], "true true true true");
    boolean(&["out = IsNaN x"], "false true false false");
    boolean(&["nan = IsNaN x", "out = Or nan f"], "true true true false");
    boolean(
        &["nan = IsNaN x", "not = Not nan", "out = And not f"],
        "true false true false",
    );
    boolean(&["out = Cast n; to=9"], "false true true true");
    number(&["out = Where f x y"], "1.5 2.0 -0.5 4.0");
    number(&["out = Where f two y"], "2.0 2.0 2.0 4.0");
    assert_eq!(
        run(
            &["minus = Cast f; to=7", "out = Where f n minus"],
            data_type::INT64
        ),
        "0 0 2 0"
    );
    fails(
        &["out = Where x x y"],
        "its condition is double instead of bool",
    );
    fails(
        &["out = Where f x t"],
        "not supported for double and string",
    );
    fails(&["out = Where f f f"], "not supported for bool and bool");
    fails(&["out = Less t t"], "not supported for string and string");
}

#[test]
fn types_are_cast() {
    number(&["out = Cast n; to=11"], "0.0 1.0 2.0 -1.0");
    number(&["out = Cast f; to=11"], "1.0 0.0 1.0 0.0");
    number(
        &["short = Cast x; to=1", "out = Cast short; to=11"],
        "1.5 NaN -0.5 2.5",
    );
    assert_eq!(run(&["out = Cast y; to=7"], data_type::INT64), "1 2 3 4");
    fails(
        &["out = Cast t; to=11"],
        "string cannot become ONNX element type 11",
    );
    fails(
        &["out = Cast x; to=99"],
        "double cannot become ONNX element type 99",
    );
    fails(
        &["out = Cast x; to=7"],
        "output `out` is int64, but declared as number",
    );
}

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
