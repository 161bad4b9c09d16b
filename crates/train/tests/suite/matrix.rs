//! Every trainer, every task that it suits, every type of column: ONNX Runtime gives what the trainer gives, and the
//! package says the right types. The comparison needs a Python with `onnxruntime` in `EVERLOOP_TEST_PYTHON`, else it is
//! skipped.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use everloop_domain::Task;
use everloop_package::{Input, Kind, NewPackage, Output, Signature};
use everloop_train::Fitted;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};

use crate::rows::{Case, with_column};

const N_TRAIN: usize = 120;
const N_FRESH: usize = 60;

/// What a column holds.
#[derive(Clone, Copy, Debug)]
enum Content {
    Whole,
    Number,
    NumberGaps,
    Text,
    /// Some are missing, and some that come later were never seen in training.
    TextGaps,
    Boolean,
    /// A whole number or a boolean that may be missing is a number.
    WholeGaps,
    BooleanGaps,
    Day,
    /// Some are missing, and some that come later lie long before 1970.
    MomentGaps,
}

use Content::{
    Boolean, BooleanGaps, Day, MomentGaps, Number, NumberGaps, Text, TextGaps, Whole, WholeGaps,
};

/// A type of column: its columns, and what the signature must say of them. Names need not be identifiers.
struct Columns {
    what: &'static str,
    columns: &'static [(&'static str, Content, Kind)],
}

const COLUMNS: [Columns; 9] = [
    Columns {
        what: "whole-numbers",
        columns: &[("n", Whole, Kind::Integer), ("m", Whole, Kind::Integer)],
    },
    Columns {
        what: "numbers",
        columns: &[("x", Number, Kind::Number), ("y 2", Number, Kind::Number)],
    },
    Columns {
        what: "numbers-with-missing",
        columns: &[
            ("x", NumberGaps, Kind::Number),
            ("größe", NumberGaps, Kind::Number),
        ],
    },
    Columns {
        what: "whole-numbers-and-booleans-with-missing",
        columns: &[
            ("n", WholeGaps, Kind::Number),
            ("f", BooleanGaps, Kind::Number),
        ],
    },
    Columns {
        what: "texts",
        columns: &[("t", Text, Kind::Text), ("u", Text, Kind::Text)],
    },
    Columns {
        what: "texts-with-missing-and-unseen",
        columns: &[("t", TextGaps, Kind::Text), ("it's", TextGaps, Kind::Text)],
    },
    Columns {
        what: "booleans",
        columns: &[("f", Boolean, Kind::Boolean), ("g", Boolean, Kind::Boolean)],
    },
    Columns {
        what: "days-and-moments-with-missing",
        columns: &[
            ("d", Day, Kind::Timestamp),
            ("am Tag", MomentGaps, Kind::Timestamp),
        ],
    },
    Columns {
        what: "all",
        columns: &[
            ("t", TextGaps, Kind::Text),
            ("n", Whole, Kind::Integer),
            ("f", Boolean, Kind::Boolean),
            ("x", Number, Kind::Number),
            ("größe", NumberGaps, Kind::Number),
            ("u", Text, Kind::Text),
            ("d", MomentGaps, Kind::Timestamp),
        ],
    },
];

impl Content {
    /// A column, and what each of its rows adds to the target.
    fn make(self, draws: &[f64], is_fresh: bool) -> (ArrayRef, Vec<f64>) {
        let whole = |draw: &f64| (draw * 21.0).floor() - 10.0;
        let number = |draw: &f64| draw * 8.0 - 4.0;
        let is_gap = |draw: &f64| (draw * 1000.0) % 5.0 < 1.0;
        let place = |draw: &f64| (draw * 4.0) as usize;
        let gaps = |draw: &f64| match place(draw) {
            1 => None,
            _ if is_fresh && is_gap(draw) => Some("unseen"),
            place => Some(["red", "", "it's €", "blue"][place]),
        };
        let sizes = |size: &dyn Fn(&f64) -> f64| draws.iter().map(size).collect::<Vec<f64>>();
        let column: ArrayRef = match self {
            Whole => Arc::new(Int64Array::from_iter_values(
                draws.iter().map(|draw| whole(draw) as i64),
            )),
            WholeGaps => Arc::new(
                draws
                    .iter()
                    .map(|draw| (!is_gap(draw)).then(|| whole(draw) as i64))
                    .collect::<Int64Array>(),
            ),
            BooleanGaps => Arc::new(
                draws
                    .iter()
                    .map(|draw| (!is_gap(draw)).then_some(*draw < 0.5))
                    .collect::<BooleanArray>(),
            ),
            Number => Arc::new(Float64Array::from(sizes(&number))),
            NumberGaps => Arc::new(
                draws
                    .iter()
                    .map(|draw| (!is_gap(draw)).then(|| number(draw)))
                    .collect::<Float64Array>(),
            ),
            Text => Arc::new(StringArray::from_iter_values(
                draws
                    .iter()
                    .map(|draw| ["red", "green", "blue", "a b"][place(draw)]),
            )),
            Day => Arc::new(Date32Array::from_iter_values(
                draws.iter().map(|draw| 15_000 + (draw * 3000.0) as i32),
            )),
            MomentGaps => {
                let first = if is_fresh { -7e12 } else { 1e12 };
                let millis = |draw: &f64| (first + draw * 7.1e11) as i64;
                let moments = draws
                    .iter()
                    .map(|draw| (!is_gap(draw)).then(|| millis(draw)));
                Arc::new(moments.collect::<TimestampMillisecondArray>())
            }
            TextGaps => Arc::new(draws.iter().map(gaps).collect::<StringArray>()),
            Boolean => Arc::new(
                draws
                    .iter()
                    .map(|draw| Some(*draw < 0.5))
                    .collect::<BooleanArray>(),
            ),
        };
        let added = match self {
            WholeGaps | BooleanGaps => {
                sizes(&|draw| if is_gap(draw) { 1.0 } else { whole(draw) / 5.0 })
            }
            Day | MomentGaps => sizes(&|draw| if is_gap(draw) { 1.0 } else { number(draw) }),
            Whole => sizes(&|draw| whole(draw) / 5.0),
            Number => sizes(&number),
            NumberGaps => sizes(&|draw| if is_gap(draw) { 1.0 } else { number(draw) }),
            Text | TextGaps => sizes(&|draw| [0.0, 3.0, -2.0, 1.0][place(draw)]),
            Boolean => sizes(&|draw| if *draw < 0.5 { 2.0 } else { 0.0 }),
        };
        (column, added)
    }
}

/// Rows of such columns, and a value of each that they explain.
fn rows(columns: &Columns, n_rows: usize, seed: u64) -> (RecordBatch, Vec<f64>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draws = || -> Vec<f64> { (0..n_rows).map(|_| rng.random()).collect() };
    let mut values = draws();
    let mut made = Vec::new();
    for (name, content, _) in columns.columns {
        let (column, added) = content.make(&draws(), n_rows == N_FRESH);
        let pairs = values.iter_mut().zip(added);
        pairs.for_each(|(value, added)| *value += added);
        made.push((*name, column, true));
    }
    let rows = RecordBatch::try_from_iter_with_nullable(made).unwrap();
    (rows, values)
}

/// The target of a task. No two classes are as frequent: else labels would be picked by rounding alone.
fn target(task: Task, values: &[f64]) -> Option<ArrayRef> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let above = |value: &f64, sixths: usize| *value >= sorted[sorted.len() * sixths / 6];
    Some(match task {
        Task::Regression => Arc::new(Float64Array::from(values.to_vec())),
        Task::Binary => Arc::new(StringArray::from_iter_values(
            values
                .iter()
                .map(|value| if above(value, 2) { "yes" } else { "no" }),
        )),
        Task::Multiclass => {
            Arc::new(Int64Array::from_iter_values(values.iter().map(|value| {
                10 * (1 + i64::from(above(value, 1)) + i64::from(above(value, 3)))
            })))
        }
        Task::Anomaly | Task::Clustering => return None,
    })
}

/// A trainer that has little to do.
fn small(trainer: &'static str, task: Task, rows: &RecordBatch, target: &str) -> Case {
    let case = Case::on(trainer, task, rows, target);
    match trainer {
        "forest" | "boosting" | "isolation_forest" => case.with("trees", 5),
        "neural" => case.with("epochs", 3),
        "kmeans" => case.with("clusters", 3).with("n_init", 1),
        _ => case,
    }
}

/// A model, rows that it never saw as its graph takes them, and its own predictions.
struct Learnt {
    fitted: Fitted,
    inputs: RecordBatch,
    own: RecordBatch,
}

fn learn(trainer: &'static str, task: Task, columns: &Columns) -> Result<Learnt, Box<dyn Error>> {
    let (mut train, values) = rows(columns, N_TRAIN, 1);
    let mut name = "";
    if let Some(target) = target(task, &values) {
        name = "target";
        train = with_column(&train, name, target);
    }
    let case = small(trainer, task, &train, name);
    let fitted = case.fit(&train, &train.slice(0, 20))?;
    let (fresh, _) = rows(columns, N_FRESH, 2);
    Ok(Learnt {
        inputs: fitted.graph.signature().conform(&fresh)?,
        own: fitted.predict(&fresh)?,
        fitted,
    })
}

/// Writes a package for each trainer, task and type of column and looks at it; tells everything that is wrong.
fn for_all(
    dir: &Path,
    look: impl Fn(&Learnt, &Columns, &Path) -> Result<(), Box<dyn Error>>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for info in everloop_train::trainers() {
        for task in info.tasks {
            for columns in &COLUMNS {
                let name = format!("{} {task} {}", info.name, columns.what);
                let package = dir.join(&name);
                let found = learn(info.name, *task, columns).and_then(|learnt| {
                    write(&package, *task, &learnt)?;
                    look(&learnt, columns, &package)
                });
                problems.extend(found.err().map(|error| format!("{name}: {error}")));
            }
        }
    }
    problems
}

fn write(package: &Path, task: Task, learnt: &Learnt) -> Result<(), Box<dyn Error>> {
    let new = NewPackage {
        graph: &learnt.fitted.graph,
        task,
        classes: &learnt.fitted.classes,
        name: "matrix",
        input_example: &learnt.inputs,
        metadata: BTreeMap::new(),
    };
    everloop_package::write(package, &new, &learnt.inputs, &learnt.own)?;
    Ok(())
}

/// Columns as JSON; what JSON cannot hold goes as text.
fn columns_json(rows: &RecordBatch) -> Json {
    let shown = |value: &f64| {
        if value.is_finite() {
            json!(value)
        } else {
            json!(value.to_string())
        }
    };
    let pairs = rows.schema_ref().fields().iter().zip(rows.columns());
    let columns = pairs.map(|(field, column)| {
        let values: Json = match column.data_type() {
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>().values();
                values.iter().map(shown).collect()
            }
            DataType::Int64 => json!(column.as_primitive::<Int64Type>().values().to_vec()),
            DataType::Boolean => column.as_boolean().iter().collect::<Vec<_>>().into(),
            _ => column.as_string::<i32>().iter().collect::<Vec<_>>().into(),
        };
        let kind = Kind::from_data_type(column.data_type()).unwrap();
        (
            field.name().clone(),
            json!({ "kind": kind, "values": values }),
        )
    });
    Json::Object(columns.collect())
}

#[test]
fn onnx_runtime_gives_what_every_trainer_gives_for_every_type_of_column() {
    let Some(python) = std::env::var_os("EVERLOOP_TEST_PYTHON") else {
        println!("skipped: EVERLOOP_TEST_PYTHON is not set");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut problems = for_all(dir.path(), |learnt, _, package| {
        let case = json!({
            "inputs": columns_json(&learnt.inputs),
            "outputs": columns_json(&learnt.own),
        });
        fs::write(package.with_extension("json"), case.to_string())?;
        Ok(())
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/matrix.py");
    let output = Command::new(python)
        .args([script.as_path(), dir.path()])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    println!("{shown}");
    if !output.status.success() {
        problems.push(shown);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The outputs of a task with two classes of text, three classes of whole numbers, or three groups.
fn outputs(task: Task) -> &'static [(&'static str, Kind)] {
    match task {
        Task::Regression => &[("prediction", Kind::Number)],
        Task::Binary => &[("prediction", Kind::Text), ("probability", Kind::Number)],
        Task::Multiclass => &[
            ("prediction", Kind::Integer),
            ("probability_10", Kind::Number),
            ("probability_20", Kind::Number),
            ("probability_30", Kind::Number),
        ],
        Task::Anomaly => &[("prediction", Kind::Boolean), ("score", Kind::Number)],
        Task::Clustering => &[
            ("prediction", Kind::Integer),
            ("distance_0", Kind::Number),
            ("distance_1", Kind::Number),
            ("distance_2", Kind::Number),
        ],
    }
}

#[test]
fn every_package_says_the_types_of_its_columns() {
    let dir = tempfile::tempdir().unwrap();
    let problems = for_all(dir.path(), |_, columns, package| {
        let package = everloop_package::open(package)?;
        let signature = package.signature.ok_or("it has no signature")?;
        let task = package.task.ok_or("it has no task")?;
        let inputs = columns.columns.iter().map(|(name, _, kind)| Input {
            name: (*name).to_owned(),
            kind: *kind,
            required: true,
        });
        let outputs = outputs(task).iter().map(|(name, kind)| Output {
            name: (*name).to_owned(),
            kind: *kind,
        });
        let wanted = Signature {
            inputs: inputs.collect(),
            outputs: outputs.collect(),
        };
        if signature != wanted {
            return Err(format!("it says {signature:?}, not {wanted:?}").into());
        }
        Ok(())
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
