//! Fits a trainer on a Parquet file, and prints as JSON what it cost, for `cargo xtask bench train`.
//!
//! Its only argument is a JSON object: the files `train` and `test` with the target in `y`, `task`, `trainer`, `parameters`, `threads`.

#![expect(clippy::print_stdout, reason = "a tool for developers")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::ops::ControlFlow;
use std::time::Instant;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::DataType;
use everloop_domain::{ParameterValue, Task};
use everloop_package::Scorer as _;
use everloop_package::native::NativeModel;
use everloop_train::{FitRequest, fit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let job = std::env::args().nth(1).ok_or("no job is given")?;
    let job: Value = serde_json::from_str(&job)?;
    let text = |key: &str| job[key].as_str().ok_or(format!("the job has no `{key}`"));
    let train = read(text("train")?)?;
    let task: Task = text("task")?.parse()?;
    let parameters: BTreeMap<String, ParameterValue> =
        serde_json::from_value(job["parameters"].clone())?;
    let schema = train.schema();
    let names = schema.fields().iter().map(|field| field.name().clone());
    let columns: Vec<String> = names.filter(|name| name != "y").collect();
    let request = FitRequest {
        task,
        trainer: text("trainer")?,
        parameters: &parameters,
        seed: 1,
        features: &[],
        columns: &columns,
        target: "y",
        weight: None,
        time: None,
        row_weights: None,
        memory_bytes: usize::MAX,
        n_threads: job["threads"].as_u64().unwrap_or(1) as usize,
    };
    let (wall, cpu) = (Instant::now(), cpu_seconds()?);
    let fitted = fit(&request, &train, &train.slice(0, 0), &mut |_| {
        ControlFlow::Continue(())
    })?;
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let peak = peak_bytes()?;
    drop(train);
    let test = read(text("test")?)?;
    let model = NativeModel::new(&fitted.graph)?;
    let inputs = model.signature().conform(&test)?;
    let (predict_wall, predict_cpu) = (Instant::now(), cpu_seconds()?);
    let predictions = model.score(&inputs)?;
    println!(
        "{}",
        json!({
            "wall": wall, "cpu": cpu, "rss": peak, "score": score(task, &test, &predictions)?,
            "predict_wall": predict_wall.elapsed().as_secs_f64(), "predict_cpu": cpu_seconds()? - predict_cpu,
        })
    );
    Ok(())
}

fn read(path: &str) -> Result<RecordBatch, Box<dyn Error>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let n_rows = usize::try_from(builder.metadata().file_metadata().num_rows())?;
    let batches: Vec<RecordBatch> = builder
        .with_batch_size(n_rows)
        .build()?
        .collect::<Result<_, _>>()?;
    match batches.as_slice() {
        [whole] => Ok(whole.clone()),
        [] => Err(format!("`{path}` has no rows").into()),
        [first, ..] => Ok(concat_batches(&first.schema(), &batches)?),
    }
}

/// Accuracy, or R² of numbers.
fn score(task: Task, test: &RecordBatch, predictions: &RecordBatch) -> Result<f64, Box<dyn Error>> {
    let truth = numbers(test, "y")?;
    let own = numbers(predictions, "prediction")?;
    let pairs = || truth.iter().zip(&own);
    let count = truth.len() as f64;
    if task.is_classification() {
        return Ok(pairs().filter(|(truth, own)| truth == own).count() as f64 / count);
    }
    let mean = truth.iter().sum::<f64>() / count;
    let errors: f64 = pairs().map(|(truth, own)| (truth - own).powi(2)).sum();
    let spread: f64 = truth.iter().map(|truth| (truth - mean).powi(2)).sum();
    Ok(1.0 - errors / spread)
}

fn numbers(rows: &RecordBatch, name: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let column = rows.column_by_name(name).ok_or(format!("no `{name}`"))?;
    let column = cast(column, &DataType::Float64)?;
    let column = column.as_primitive::<arrow::datatypes::Float64Type>();
    Ok((0..column.len()).map(|row| column.value(row)).collect())
}

/// User and system time of this process: the 14th and 15th fields of `stat`, in hundredths of a second.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn peak_bytes() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmHWM")?.parse::<f64>()? * 1024.0)
}
