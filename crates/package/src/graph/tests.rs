//! Builder nodes one by one, run by the native engine; and what the builder refuses.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use everloop_domain::Value;
use everloop_domain::expression::parse;

use super::*;
use crate::native::Program;

/// Four rows: usual, missing, unseen, negative.
fn rows() -> RecordBatch {
    let columns: [(&str, ArrayRef); 4] = [
        (
            "x",
            Arc::new(Float64Array::from(vec![1.5, f64::NAN, 3.0, -2.5])),
        ),
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3, -4]))),
        ("t", Arc::new(StringArray::from(vec!["a", "", "z", "b"]))),
        (
            "f",
            Arc::new(BooleanArray::from(vec![true, false, true, false])),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn inputs(builder: &mut GraphBuilder) -> BTreeMap<String, Column> {
    let kinds = [
        ("x", Kind::Number),
        ("n", Kind::Integer),
        ("t", Kind::Text),
        ("f", Kind::Boolean),
    ];
    kinds
        .into_iter()
        .map(|(name, kind)| (name.to_owned(), builder.input(name, kind)))
        .collect()
}

/// The values of the first output.
fn run(graph: &Graph) -> Vec<String> {
    let result = Program::compile(graph.model())
        .unwrap()
        .run(&rows())
        .unwrap();
    assert_eq!(result.schema(), graph.signature().output_schema());
    (0..result.num_rows())
        .map(|row| array_value_to_string(result.column(0), row).unwrap())
        .collect()
}

/// Builds one column and compares its values, separated by spaces.
#[track_caller]
fn column(build: impl Fn(&mut GraphBuilder, &BTreeMap<String, Column>) -> Column, expected: &str) {
    let mut builder = GraphBuilder::new();
    let columns = inputs(&mut builder);
    let column = build(&mut builder, &columns);
    let graph = builder
        .finish_columns(&[("result".to_owned(), column)])
        .unwrap();
    assert_eq!(run(&graph).join(" "), expected);
}

/// Builds a matrix and compares its columns, one text each.
#[track_caller]
fn matrix(
    build: impl Fn(&mut GraphBuilder, &BTreeMap<String, Column>) -> Matrix,
    expected: &[&str],
) {
    for (at, expected) in expected.iter().enumerate() {
        let mut builder = GraphBuilder::new();
        let columns = inputs(&mut builder);
        let matrix = build(&mut builder, &columns);
        let n = matrix.n_columns();
        let pick: Vec<f64> = (0..n)
            .map(|row| if row == at { 1.0 } else { 0.0 })
            .collect();
        let single = builder.linear(&matrix, &pick, &[0.0]);
        let graph = builder.finish_regression(&single).unwrap();
        assert_eq!(run(&graph).join(" "), *expected, "column {at}");
    }
}

/// Sees the builder refuse something.
#[track_caller]
fn refuses(build: impl Fn(&mut GraphBuilder, &BTreeMap<String, Column>) -> Matrix, expected: &str) {
    let mut builder = GraphBuilder::new();
    let columns = inputs(&mut builder);
    let matrix = build(&mut builder, &columns);
    let error = builder.finish_regression(&matrix).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

fn texts(values: &[&str]) -> Vec<Value> {
    values
        .iter()
        .map(|value| Value::Text((*value).to_owned()))
        .collect()
}

#[test]
fn columns_are_prepared() {
    column(
        |builder, columns| builder.number(&columns["f"]),
        "1.0 0.0 1.0 0.0",
    );
    column(
        |builder, columns| builder.impute(&columns["x"], 7.0),
        "1.5 7.0 3.0 -2.5",
    );
    column(
        |builder, columns| builder.impute(&columns["n"], 7.0),
        "1.0 2.0 3.0 -4.0",
    );
    column(
        |builder, columns| builder.scale(&columns["n"], 1.0, 0.5),
        "0.0 0.5 1.0 -2.5",
    );
    column(
        |builder, columns| builder.is_missing(&columns["x"]),
        "false true false false",
    );
    column(
        |builder, columns| builder.is_missing(&columns["t"]),
        "false true false false",
    );
    column(
        |builder, columns| builder.is_missing(&columns["n"]),
        "false false false false",
    );
    column(
        |builder, columns| builder.ordinal(&columns["t"], &texts(&["b", "a"])),
        "1.0 NaN NaN 0.0",
    );
    let integers = [Value::Integer(-4), Value::Integer(1)];
    column(
        |builder, columns| builder.ordinal(&columns["n"], &integers),
        "1.0 NaN NaN 0.0",
    );
}

#[test]
fn matrices_are_put_together() {
    let one_hot = ["1.0 0.0 0.0 0.0", "0.0 0.0 0.0 1.0"];
    matrix(
        |builder, columns| builder.one_hot(&columns["t"], &texts(&["a", "b"])),
        &one_hot,
    );
    let integers = [Value::Integer(1), Value::Integer(-4)];
    matrix(
        |builder, columns| builder.one_hot(&columns["n"], &integers),
        &one_hot,
    );
    let both = |builder: &mut GraphBuilder, columns: &BTreeMap<String, Column>| {
        let left = builder.column_matrix(&[columns["n"].clone(), columns["f"].clone()]);
        let right = builder.one_hot(&columns["t"], &texts(&["a"]));
        builder.concat(&[left, right])
    };
    matrix(
        both,
        &["1.0 2.0 3.0 -4.0", "1.0 0.0 1.0 0.0", "1.0 0.0 0.0 0.0"],
    );
}

#[test]
fn linear_maps_and_activations_are_computed() {
    let sums = |builder: &mut GraphBuilder, columns: &BTreeMap<String, Column>| {
        let both = builder.column_matrix(&[columns["n"].clone(), columns["f"].clone()]);
        // n + 10 f + 0.5 and 2 n - 1.
        builder.linear(&both, &[1.0, 2.0, 10.0, 0.0], &[0.5, -1.0])
    };
    matrix(sums, &["11.5 2.5 13.5 -3.5", "1.0 3.0 5.0 -9.0"]);
    matrix(
        |builder, columns| {
            let sums = sums(builder, columns);
            let sums = builder.add(&sums, &[0.5, 1.0]);
            builder.multiply(&sums, 2.0)
        },
        &["24.0 6.0 28.0 -6.0", "4.0 8.0 12.0 -16.0"],
    );
    let zeros = |builder: &mut GraphBuilder, columns: &BTreeMap<String, Column>| {
        let one = builder.column_matrix(&[columns["n"].clone()]);
        builder.linear(&one, &[0.0, 0.0, 0.0, 0.0], &[1.0; 4])
    };
    matrix(
        |builder, columns| {
            let zeros = zeros(builder, columns);
            builder.softmax(&zeros)
        },
        &["0.25 0.25 0.25 0.25"],
    );
    matrix(
        |builder, columns| {
            let zeros = zeros(builder, columns);
            let zeros = builder.add(&zeros, &[-1.0; 4]);
            builder.sigmoid(&zeros)
        },
        &["0.5 0.5 0.5 0.5"],
    );
}

fn stump(missing_goes_left: bool) -> TreeEnsemble {
    let split = TreeNode::Split {
        feature: 0,
        threshold: 1.5,
        missing_goes_left,
        left: 1,
        right: 2,
    };
    let leaf = |weight| TreeNode::Leaf { target: 0, weight };
    TreeEnsemble {
        n_targets: 1,
        trees: vec![Tree {
            nodes: vec![split, leaf(1.0), leaf(2.0)],
        }],
    }
}

#[test]
fn trees_go_left_below_the_threshold() {
    for (missing_goes_left, expected) in [(true, "2.0 1.0 2.0 1.0"), (false, "2.0 2.0 2.0 1.0")] {
        matrix(
            |builder, columns| {
                let one = builder.column_matrix(&[columns["x"].clone()]);
                builder.trees(&one, &stump(missing_goes_left))
            },
            &[expected],
        );
    }
}

#[test]
fn classes_follow_probabilities() {
    let finish = |classes: &[Value]| {
        let mut builder = GraphBuilder::new();
        let columns = inputs(&mut builder);
        let is_text = builder.one_hot(&columns["t"], &texts(&["a", "b", "z"]));
        if let Ok(classes) = <&[Value; 2]>::try_from(classes) {
            let half = builder.linear(&is_text, &[1.0, 0.5, 0.75], &[0.0]);
            return builder.finish_binary(&half, classes).unwrap();
        }
        builder.finish_multiclass(&is_text, classes).unwrap()
    };
    // At one half exactly, the first class.
    assert_eq!(
        run(&finish(&texts(&["no", "yes"]))).join(" "),
        "yes no yes no"
    );
    assert_eq!(
        run(&finish(&[Value::Boolean(false), Value::Boolean(true)])).join(" "),
        "true false true false"
    );
    assert_eq!(
        run(&finish(&[Value::Integer(3), Value::Integer(5)])).join(" "),
        "5 3 5 3"
    );
    let multiclass = finish(&texts(&["p", "q", "r"]));
    // Of equal probabilities, the first.
    assert_eq!(run(&multiclass).join(" "), "p p r q");
    let names: Vec<&str> = multiclass
        .signature()
        .outputs
        .iter()
        .map(|output| output.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "prediction",
            "probability_p",
            "probability_q",
            "probability_r"
        ]
    );
}

#[test]
fn wrong_use_is_told_when_finishing() {
    refuses(
        |builder, columns| builder.one_hot(&columns["t"], &texts(&["a", ""])),
        "the empty text is missing",
    );
    refuses(
        |builder, columns| builder.one_hot(&columns["t"], &texts(&["a", "a"])),
        "`a` of `t` is given twice",
    );
    refuses(
        |builder, columns| builder.one_hot(&columns["t"], &[Value::Integer(1)]),
        "category `1`",
    );
    refuses(
        |builder, columns| builder.one_hot(&columns["x"], &[Value::Number(1.0)]),
        "only text and integer",
    );
    refuses(
        |builder, columns| builder.one_hot(&columns["t"], &[]),
        "no categories",
    );
    refuses(
        |builder, columns| builder.column_matrix(&[columns["t"].clone()]),
        "text column `t`",
    );
    refuses(|builder, _| builder.concat(&[]), "at least one feature");
    refuses(
        |builder, columns| builder.column_matrix(&[columns["n"].clone(), columns["x"].clone()]),
        "2 results per row",
    );
    let with = |weights: &'static [f64], bias: &'static [f64]| {
        move |builder: &mut GraphBuilder, columns: &BTreeMap<String, Column>| {
            let one = builder.column_matrix(&[columns["n"].clone()]);
            builder.linear(&one, weights, bias)
        }
    };
    refuses(with(&[1.0, 2.0], &[0.0]), "was given 2 weights");
    refuses(with(&[f64::NAN], &[0.0]), "weight NaN");
    refuses(
        |builder, columns| {
            builder.input("n", Kind::Text);
            builder.column_matrix(&[columns["x"].clone()])
        },
        "`n` is declared as integer and as text",
    );
    refuses(
        |builder, _| {
            let column = builder.input("prediction", Kind::Number);
            builder.column_matrix(&[column])
        },
        "rename the column in `prepare`",
    );
    refuses(
        |builder, _| {
            let column = builder.input("", Kind::Number);
            builder.column_matrix(&[column])
        },
        "a column named ``",
    );
}

#[test]
fn trees_that_are_none_are_refused() {
    let split = |feature, left, right| TreeNode::Split {
        feature,
        threshold: 0.0,
        missing_goes_left: true,
        left,
        right,
    };
    let leaf = |target, weight| TreeNode::Leaf { target, weight };
    for (nodes, expected) in [
        (vec![], "tree 0: it has no nodes"),
        (
            vec![split(1, 1, 2), leaf(0, 1.0), leaf(0, 1.0)],
            "feature 1 of 1",
        ),
        (vec![split(0, 0, 1), leaf(0, 1.0)], "has child 0"),
        (vec![split(0, 1, 1), leaf(0, 1.0)], "has child 1"),
        (
            vec![split(0, 1, 3), leaf(0, 1.0), leaf(0, 1.0)],
            "has child 3",
        ),
        (
            vec![leaf(0, 1.0), leaf(0, 1.0)],
            "node 1 comes before its parent",
        ),
        (vec![leaf(1, 1.0)], "target 1 of 1"),
        (vec![leaf(0, f64::NAN)], "the weight NaN"),
    ] {
        let ensemble = TreeEnsemble {
            n_targets: 1,
            trees: vec![Tree { nodes }],
        };
        let error = ensemble.check(1).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_ensemble_without_trees_is_zero() {
    matrix(
        |builder, columns| {
            let one = builder.column_matrix(&[columns["x"].clone()]);
            builder.trees(
                &one,
                &TreeEnsemble {
                    n_targets: 1,
                    trees: vec![],
                },
            )
        },
        &["0.0 0.0 0.0 0.0"],
    );
}

#[test]
fn the_same_graph_has_the_same_bytes_and_computes_nothing_twice() {
    let build = || {
        let mut builder = GraphBuilder::new();
        let columns = inputs(&mut builder);
        let twice = [parse("n * 2 + x").unwrap(), parse("n * 2 - x").unwrap()];
        let features = twice.map(|expression| builder.expression(&expression, &columns).unwrap());
        let matrix = builder.column_matrix(&features);
        let sum = builder.linear(&matrix, &[1.0, 1.0], &[0.0]);
        builder.finish_regression(&sum).unwrap()
    };
    assert_eq!(build().to_bytes(), build().to_bytes());
    let graph = Graph::from_bytes(&build().to_bytes()).unwrap();
    assert_eq!(graph, build());
    let count = |op_type| {
        graph
            .model()
            .graph
            .as_ref()
            .unwrap()
            .node
            .iter()
            .filter(|node| node.op_type == op_type)
            .count()
    };
    assert_eq!((count("Cast"), count("Mul"), count("Add")), (1, 1, 2));
}
