//! Models and rows that several test programs share.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use everloop_domain::expression::parse;
use everloop_domain::{Task, Value};
use everloop_package::Kind;
use everloop_package::graph::{
    Column, Distance, Graph, GraphBuilder, Matrix, Neighbours, Tree, TreeEnsemble, TreeNode,
};
use std::collections::BTreeMap;

/// A small generator, so that tests are the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2) + 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = self.0 ^ (self.0 >> 31);
        mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Between -1 and 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() % 2_000_001) as f64 / 1_000_000.0 - 1.0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// The columns of [`rows`].
pub(crate) const COLUMNS: [(&str, Kind); 8] = [
    ("a", Kind::Number),
    ("b", Kind::Number),
    ("i", Kind::Integer),
    ("SALE PRICE\n", Kind::Integer),
    ("t", Kind::Text),
    ("u", Kind::Text),
    ("f", Kind::Boolean),
    ("g", Kind::Boolean),
];

/// Rows with everything that is awkward: missing and infinite numbers, empty, unseen and odd texts.
pub(crate) fn rows(n_rows: usize, seed: u64) -> RecordBatch {
    let mut random = Random::new(seed);
    let odd = [
        f64::NAN,
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        2.5,
        -2.5,
        1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let texts = [
        "",
        "red",
        "green",
        "blue",
        "unseen",
        "nan",
        "None",
        "it's",
        "héé\u{1F600}",
        "Red",
        " red",
    ];
    let columns: Vec<(&str, ArrayRef)> = COLUMNS
        .iter()
        .map(|(name, kind)| {
            let mut number = || {
                if random.below(4) == 0 {
                    *random.pick(&odd)
                } else {
                    random.unit() * 5.0
                }
            };
            let column: ArrayRef = match kind {
                Kind::Number | Kind::Timestamp => Arc::new(
                    (0..n_rows)
                        .map(|_| Some(number()))
                        .collect::<Float64Array>(),
                ),
                Kind::Integer => Arc::new(
                    (0..n_rows)
                        .map(|_| Some(random.below(9) as i64 - 4))
                        .collect::<Int64Array>(),
                ),
                Kind::Text => Arc::new(
                    (0..n_rows)
                        .map(|_| Some(*random.pick(&texts)))
                        .collect::<StringArray>(),
                ),
                Kind::Boolean => Arc::new(
                    (0..n_rows)
                        .map(|_| Some(random.below(2) == 0))
                        .collect::<BooleanArray>(),
                ),
            };
            (*name, column)
        })
        .collect();
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The rows with one more column of numbers.
pub(crate) fn with_number(rows: &RecordBatch, name: &str) -> RecordBatch {
    let schema = rows.schema();
    let names = schema.fields().iter().map(|field| field.name().clone());
    let mut columns: Vec<(String, ArrayRef)> = names.zip(rows.columns().iter().cloned()).collect();
    let numbers = (0..rows.num_rows()).map(|row| row as f64 / 10.0);
    let numbers = Float64Array::from_iter_values(numbers);
    columns.push((name.to_owned(), Arc::new(numbers)));
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(crate) fn texts(values: &[&str]) -> Vec<Value> {
    values
        .iter()
        .map(|value| Value::Text((*value).to_owned()))
        .collect()
}

pub(crate) fn integers(values: &[i64]) -> Vec<Value> {
    values.iter().map(|value| Value::Integer(*value)).collect()
}

/// A builder with all columns of [`rows`] as inputs.
pub(crate) fn builder() -> (GraphBuilder, BTreeMap<String, Column>) {
    let mut builder = GraphBuilder::new();
    let columns = COLUMNS
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), builder.input(name, *kind)))
        .collect();
    (builder, columns)
}

/// A graph with an output per expression, named after it.
pub(crate) fn features(expressions: &[&str]) -> Graph {
    let (mut builder, columns) = builder();
    let outputs: Vec<(String, Column)> = expressions
        .iter()
        .map(|text| {
            let expression = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let column = builder.expression(&expression, &columns);
            (
                format!("= {text}"),
                column.unwrap_or_else(|error| panic!("{text}: {error}")),
            )
        })
        .collect();
    builder.finish_columns(&outputs).unwrap()
}

/// Every kind of preparation side by side: 16 numbers that are never missing.
pub(crate) fn prepared(builder: &mut GraphBuilder, columns: &BTreeMap<String, Column>) -> Matrix {
    let mut numbers = Vec::new();
    for name in ["a", "b", "i", "f"] {
        let imputed = builder.impute(&columns[name], 0.25);
        let half = builder
            .expression(
                &parse("clip(x, -3, 3)").unwrap(),
                &[("x".to_owned(), imputed)].into(),
            )
            .unwrap();
        numbers.push(builder.scale(&half, 0.5, 0.75));
    }
    let missing = builder.is_missing(&columns["a"]);
    numbers.push(builder.number(&missing));
    let index = builder.ordinal(&columns["u"], &texts(&["blue", "red", "it's"]));
    numbers.push(builder.impute(&index, -1.0));
    let index = builder.ordinal(&columns["i"], &integers(&[3, -2, 0]));
    numbers.push(builder.impute(&index, -1.0));
    let numbers = builder.column_matrix(&numbers);
    let colours = builder.one_hot(
        &columns["t"],
        &texts(&["red", "green", "blue", "héé\u{1F600}"]),
    );
    let prices = builder.one_hot(&columns["SALE PRICE\n"], &integers(&[4, 0, -4]));
    builder.concat(&[numbers, colours, prices])
}

/// Raw numbers for trees: missing ones stay missing.
pub(crate) fn raw_numbers(
    builder: &mut GraphBuilder,
    columns: &BTreeMap<String, Column>,
) -> Matrix {
    let names = ["a", "b", "i", "SALE PRICE\n", "f", "g"];
    let columns: Vec<Column> = names.iter().map(|name| columns[*name].clone()).collect();
    builder.column_matrix(&columns)
}

/// Weights for a linear map.
pub(crate) fn weights(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..n).map(|_| random.unit()).collect()
}

/// Random trees of every form: full, lopsided, a single leaf.
pub(crate) fn ensemble(
    n_trees: usize,
    depth: usize,
    n_features: usize,
    n_targets: usize,
    seed: u64,
) -> TreeEnsemble {
    let mut random = Random::new(seed);
    let trees = (0..n_trees).map(|at| {
        tree(
            &mut random,
            if at == 3 { 0 } else { depth },
            n_features,
            n_targets,
        )
    });
    TreeEnsemble {
        n_targets,
        trees: trees.collect(),
    }
}

fn tree(random: &mut Random, depth: usize, n_features: usize, n_targets: usize) -> Tree {
    let mut nodes = Vec::new();
    grow(random, depth, n_features, n_targets, &mut nodes);
    Tree { nodes }
}

fn grow(
    random: &mut Random,
    depth: usize,
    n_features: usize,
    n_targets: usize,
    nodes: &mut Vec<TreeNode>,
) -> u32 {
    let at = nodes.len();
    nodes.push(leaf(random, n_targets));
    if depth > 0 && random.below(12) > 0 {
        let left = grow(random, depth - 1, n_features, n_targets, nodes);
        let right = grow(random, depth - 1, n_features, n_targets, nodes);
        nodes[at] = TreeNode::Split {
            feature: random.below(n_features) as u32,
            threshold: if random.below(3) == 0 {
                random.below(5) as f32 - 2.0
            } else {
                random.unit() as f32 * 4.0
            },
            missing_goes_left: random.below(2) == 0,
            left,
            right,
        };
    }
    at as u32
}

fn leaf(random: &mut Random, n_targets: usize) -> TreeNode {
    if n_targets > 1 && random.below(2) == 0 {
        return TreeNode::Leaves(
            (0..n_targets as u32)
                .map(|target| (target, random.unit()))
                .collect(),
        );
    }
    TreeNode::Leaf {
        target: random.below(n_targets) as u32,
        weight: random.unit(),
    }
}

pub(crate) fn linear_regression() -> Graph {
    let (mut builder, columns) = builder();
    let matrix = prepared(&mut builder, &columns);
    let weights = weights(matrix.n_columns(), 1);
    let result = builder.linear(&matrix, &weights, &[0.5]);
    builder.finish_regression(&result).unwrap()
}

pub(crate) fn logistic_regression(classes: &[Value; 2]) -> Graph {
    let (mut builder, columns) = builder();
    let matrix = prepared(&mut builder, &columns);
    let weights = weights(matrix.n_columns(), 2);
    let result = builder.linear(&matrix, &weights, &[-0.5]);
    let result = builder.sigmoid(&result);
    builder.finish_binary(&result, classes).unwrap()
}

pub(crate) fn softmax_regression(classes: &[Value]) -> Graph {
    let (mut builder, columns) = builder();
    let matrix = prepared(&mut builder, &columns);
    let weights = weights(matrix.n_columns() * classes.len(), 3);
    let result = builder.linear(&matrix, &weights, &vec![0.1; classes.len()]);
    let result = builder.softmax(&result);
    builder.finish_multiclass(&result, classes).unwrap()
}

/// Three classes from kernels with support vectors: every function of matrices.
pub(crate) fn kernel_machine(classes: &[Value]) -> Graph {
    let (mut builder, columns) = builder();
    let matrix = prepared(&mut builder, &columns);
    let n_columns = matrix.n_columns();
    let squares = builder.product(&matrix, &matrix);
    let length = builder.linear(&squares, &vec![-0.1; n_columns], &[0.0]);
    let both = builder.concat(&[matrix, length]);
    let result = builder.linear(&both, &weights((n_columns + 1) * 40, 6), &[-1.0; 40]);
    let result = builder.exp(&result);
    let result = builder.linear(&result, &weights(40 * classes.len(), 7), &[0.1; 3]);
    let result = builder.sigmoid(&result);
    let result = builder.add(&result, &[0.5; 3]);
    let result = builder.reciprocal(&result);
    let result = builder.ln(&result);
    let result = builder.softmax(&result);
    builder.finish_multiclass(&result, classes).unwrap()
}

/// Every function of hidden units, picked columns and an embedding of the places of `t`.
pub(crate) fn neural_regression() -> Graph {
    let (mut builder, columns) = builder();
    let numbers = prepared(&mut builder, &columns);
    let places = builder.ordinal(&columns["t"], &texts(&["red", "green", "blue"]));
    let places = builder.impute(&places, -1.0);
    let places = builder.scale(&places, -1.0, 1.0);
    let places = builder.column_matrix(&[places]);
    let matrix = builder.concat(&[numbers, places]);
    let at = matrix.n_columns() - 1;
    let picked = builder.pick(&matrix, &[0, 3, 2, 5, 7]);
    let embedded = builder.embed(&matrix, at, &weights(4 * 3, 6), 3);
    let mut values = builder.concat(&[picked, embedded]);
    for (layer, n_out) in [32, 24, 20, 16].into_iter().enumerate() {
        let n_in = values.n_columns();
        let bias = weights(n_out, 20 + layer as u64);
        values = builder.linear(&values, &weights(n_in * n_out, 10 + layer as u64), &bias);
        values = match layer {
            0 => builder.relu(&values),
            1 => builder.tanh(&values),
            2 => builder.gelu(&values),
            _ => builder.silu(&values),
        };
    }
    let result = builder.linear(&values, &weights(16, 30), &[2.0]);
    builder.finish_regression(&result).unwrap()
}

pub(crate) fn forest() -> Graph {
    let (mut builder, columns) = builder();
    let matrix = raw_numbers(&mut builder, &columns);
    let result = builder.trees(&matrix, &ensemble(50, 8, 6, 1, 4));
    let result = builder.multiply(&result, 0.1);
    let result = builder.add(&result, &[100.0]);
    builder.finish_regression(&result).unwrap()
}

pub(crate) fn no_trees() -> Graph {
    let (mut builder, columns) = builder();
    let matrix = raw_numbers(&mut builder, &columns);
    let result = builder.trees(
        &matrix,
        &TreeEnsemble {
            n_targets: 1,
            trees: vec![],
        },
    );
    let result = builder.add(&result, &[3.5]);
    builder.finish_regression(&result).unwrap()
}

pub(crate) fn boosted_classes(classes: &[Value]) -> Graph {
    let (mut builder, columns) = builder();
    let matrix = raw_numbers(&mut builder, &columns);
    let result = builder.trees(&matrix, &ensemble(30, 6, 6, classes.len(), 5));
    let result = builder.softmax(&result);
    builder.finish_multiclass(&result, classes).unwrap()
}

/// Models of kept rows; many of them are equally near, as the first two columns are small whole numbers.
pub(crate) fn neighbours() -> Vec<(&'static str, Graph, Task, Vec<Value>)> {
    let mut all = Vec::new();
    for (name, distance, by_distance, n_classes) in [
        ("nearest_mean", Distance::Euclidean, false, 0),
        ("nearest_by_distance", Distance::Euclidean, true, 0),
        ("nearest_manhattan", Distance::Manhattan, true, 3),
        ("nearest_cosine", Distance::Cosine, false, 3),
    ] {
        let (mut builder, columns) = builder();
        let number = parse("if(a > -10 and a < 10, a, 0)").unwrap();
        let number = builder.expression(&number, &columns).unwrap();
        let matrix = builder.column_matrix(&[
            columns["i"].clone(),
            columns["SALE PRICE\n"].clone(),
            number,
        ]);
        let mut random = Random::new(3);
        let rows: Vec<f64> = (0..600)
            .map(|at| match at % 3 {
                2 => (random.unit() * 8.0).round() / 2.0,
                _ => random.below(9) as f64 - 4.0,
            })
            .collect();
        let values: Vec<f64> = (0..200).map(|_| random.below(3) as f64).collect();
        let weights: Vec<f64> = (0..200).map(|_| 1.0 + random.below(2) as f64).collect();
        let neighbours = Neighbours {
            rows: &rows,
            values: &values,
            weights: if by_distance { &weights } else { &[1.0; 200] },
            n_classes,
            k: 7,
            distance,
            by_distance,
        };
        let result = builder.nearest(&matrix, &neighbours);
        let classes = integers(&[1, 2, 7]);
        all.push(if n_classes == 0 {
            let graph = builder.finish_regression(&result).unwrap();
            (name, graph, Task::Regression, Vec::new())
        } else {
            let graph = builder.finish_multiclass(&result, &classes).unwrap();
            (name, graph, Task::Multiclass, classes)
        });
    }
    all
}
