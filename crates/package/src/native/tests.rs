//! Operators one by one, in graphs made by hand: also forms that our writer does not use.

mod graphs;
mod models;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};

use self::graphs::*;
use super::*;
use crate::Kind;
use crate::onnx::data_type;

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
