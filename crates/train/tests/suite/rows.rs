//! Rows for tests, and the single place that calls `fit`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use everloop_domain::expression::Expression;
use everloop_domain::{ParameterValue, Task, Value};
use everloop_train::{Error, FitRequest, Fitted, fit};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// What a test varies.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) task: Task,
    pub(crate) trainer: &'static str,
    pub(crate) parameters: BTreeMap<String, ParameterValue>,
    pub(crate) columns: Vec<String>,
    pub(crate) features: Vec<(String, Expression)>,
    pub(crate) target: String,
    pub(crate) weight: Option<String>,
    pub(crate) time: Option<String>,
    pub(crate) n_threads: usize,
    pub(crate) memory_bytes: usize,
    pub(crate) seed: u64,
}

impl Case {
    /// A trainer on the columns of [`made_up`].
    pub(crate) fn new(trainer: &'static str, task: Task) -> Self {
        let target = match task {
            Task::Regression => "amount",
            Task::Binary => "answer",
            Task::Multiclass => "level",
            Task::Anomaly | Task::Clustering => "",
        };
        let feature = everloop_domain::expression::parse("sqrt(abs(size)) + count").unwrap();
        Self {
            task,
            trainer,
            parameters: BTreeMap::new(),
            columns: ["size", "count", "color", "flag"]
                .map(str::to_owned)
                .to_vec(),
            features: vec![("mix".to_owned(), feature)],
            target: target.to_owned(),
            weight: None,
            time: None,
            n_threads: 2,
            memory_bytes: 1 << 30,
            seed: 7,
        }
    }

    /// A trainer on all columns of a table but the target.
    pub(crate) fn on(trainer: &'static str, task: Task, rows: &RecordBatch, target: &str) -> Self {
        let schema = rows.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        Self {
            columns: names.filter(|name| name != target).collect(),
            features: Vec::new(),
            target: target.to_owned(),
            ..Self::new(trainer, task)
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Parameter>) -> Self {
        self.parameters
            .insert(name.to_owned(), value.into().0.into());
        self
    }

    pub(crate) fn threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads;
        self
    }

    pub(crate) fn fit(
        &self,
        train: &RecordBatch,
        validation: &RecordBatch,
    ) -> Result<Fitted, Error> {
        self.fit_watched(train, validation, &mut |_| ControlFlow::Continue(()))
    }

    pub(crate) fn fit_watched(
        &self,
        train: &RecordBatch,
        validation: &RecordBatch,
        progress: &mut dyn FnMut(everloop_train::Progress) -> ControlFlow<()>,
    ) -> Result<Fitted, Error> {
        let request = FitRequest {
            task: self.task,
            trainer: self.trainer,
            parameters: &self.parameters,
            seed: self.seed,
            features: &self.features,
            columns: &self.columns,
            target: &self.target,
            weight: self.weight.as_deref(),
            time: self.time.as_deref(),
            row_weights: None,
            n_threads: self.n_threads,
            memory_bytes: self.memory_bytes,
        };
        fit(&request, train, validation, progress)
    }
}

/// A value of a parameter.
pub(crate) struct Parameter(Value);

impl From<i64> for Parameter {
    fn from(value: i64) -> Self {
        Self(Value::Integer(value))
    }
}

impl From<f64> for Parameter {
    fn from(value: f64) -> Self {
        Self(Value::Number(value))
    }
}

impl From<&str> for Parameter {
    fn from(value: &str) -> Self {
        Self(Value::Text(value.to_owned()))
    }
}

/// All trainers with all tasks that they suit.
pub(crate) fn all_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for info in everloop_train::trainers() {
        for task in info.tasks {
            let case = Case::new(info.name, *task);
            let few = matches!(info.name, "forest" | "boosting" | "isolation_forest");
            cases.push(if few { case.with("trees", 12) } else { case });
        }
    }
    cases
}

/// Rows with missing numbers, missing and rare texts, and a target for every task.
pub(crate) fn made_up(n_rows: usize, seed: u64) -> RecordBatch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || rng.random::<f64>();
    let (mut size, mut count, mut color, mut flag) = (vec![], vec![], vec![], vec![]);
    let (mut amount, mut answer, mut level) = (vec![], vec![], vec![]);
    for _ in 0..n_rows {
        let is_missing = draw() < 0.1;
        let (x, n) = (draw() * 10.0 - 5.0, (draw() * 6.0) as i64);
        let text = ["red", "green", "blue", "", "grey"][(draw() * 5.0) as usize];
        let is_set = draw() < 0.5;
        let base = if is_missing { 2.0 } else { x };
        let bonus = if text == "red" {
            4.0
        } else {
            f64::from(u8::from(is_set))
        };
        let y = base * 2.0 + n as f64 + bonus + draw();
        size.push((!is_missing).then_some(x));
        count.push(n);
        color.push((!text.is_empty()).then_some(text));
        flag.push(is_set);
        amount.push(y);
        answer.push(if y > 4.0 { "yes" } else { "no" });
        level.push(if y < 0.0 {
            10
        } else {
            20 + 10 * i64::from(y > 6.0)
        });
    }
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("size", Arc::new(Float64Array::from(size)), true),
        ("count", Arc::new(Int64Array::from(count)), false),
        ("color", Arc::new(StringArray::from(color)), true),
        ("flag", Arc::new(BooleanArray::from(flag)), false),
        ("amount", Arc::new(Float64Array::from(amount)), false),
        ("answer", Arc::new(StringArray::from(answer)), false),
        ("level", Arc::new(Int64Array::from(level)), false),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// The rows with a column replaced or added.
pub(crate) fn with_column(rows: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = rows.schema();
    let mut columns: Vec<(&str, ArrayRef, bool)> = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .filter(|(field, _)| field.name() != name)
        .map(|(field, column)| (field.name().as_str(), Arc::clone(column), true))
        .collect();
    columns.push((name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// A column as numbers.
pub(crate) fn numbers(rows: &RecordBatch, name: &str) -> Vec<f64> {
    let column = rows.column_by_name(name).unwrap();
    match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().values().to_vec(),
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>().values();
            values.iter().map(|value| *value as f64).collect()
        }
        other => panic!("`{name}` is {other}"),
    }
}

/// What is predicted for rows, as numbers: values, probabilities, scores or distances, column by column.
pub(crate) fn outputs(case: &Case, train: &RecordBatch, rows: &RecordBatch) -> Vec<f64> {
    let fitted = case.fit(train, &train.slice(0, 0)).unwrap();
    let own = fitted.predict(rows).unwrap();
    let schema = own.schema();
    let fields = schema.fields().iter();
    fields
        .filter(|field| field.data_type().is_floating())
        .flat_map(|field| numbers(&own, field.name()))
        .collect()
}

/// The greatest difference between two lists, as a share of the greater value where that is more than 1.
pub(crate) fn difference(left: &[f64], right: &[f64]) -> f64 {
    assert_eq!(left.len(), right.len());
    let pairs = left.iter().zip(right);
    let gaps = pairs.map(|(left, right)| (left - right).abs() / left.abs().max(1.0));
    gaps.fold(0.0, |most, gap| {
        if gap > most || gap.is_nan() {
            gap
        } else {
            most
        }
    })
}

/// A column as texts.
pub(crate) fn texts(rows: &RecordBatch, name: &str) -> Vec<String> {
    let column = arrow::compute::cast(rows.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    let texts = column.as_string::<i32>();
    (0..texts.len())
        .map(|row| texts.value(row).to_owned())
        .collect()
}

/// A file of the shared data sets, if they are here.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(path);
    if path.exists() {
        Some(path)
    } else {
        println!("skipped: `{}` is not here", path.display());
        None
    }
}
