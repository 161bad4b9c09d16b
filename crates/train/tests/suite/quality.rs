//! How well models do on real data, where it is here.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::DataType;
use everloop_domain::Task;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::rows::{Case, numbers, shared, texts};

/// Fits, tells how long it took, predicts.
fn run(case: &Case, train: &RecordBatch, test: &RecordBatch) -> RecordBatch {
    let start = Instant::now();
    let fitted = case.fit(train, &test.slice(0, 0)).unwrap();
    let fit_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let predictions = fitted.predict(test).unwrap();
    let predict_seconds = start.elapsed().as_secs_f64();
    println!(
        "{} on {} rows: fit {fit_seconds:.2} s, own predictions {predict_seconds:.2} s",
        case.trainer,
        train.num_rows()
    );
    predictions
}

fn accuracy(test: &RecordBatch, target: &str, predictions: &RecordBatch) -> f64 {
    let (truth, own) = (texts(test, target), texts(predictions, "prediction"));
    let hits = truth
        .iter()
        .zip(&own)
        .filter(|(truth, own)| truth == own)
        .count();
    hits as f64 / truth.len() as f64
}

fn rmse(test: &RecordBatch, target: &str, predictions: &RecordBatch) -> f64 {
    let (truth, own) = (numbers(test, target), numbers(predictions, "prediction"));
    let squares: f64 = truth
        .iter()
        .zip(&own)
        .map(|(truth, own)| (truth - own).powi(2))
        .sum();
    (squares / truth.len() as f64).sqrt()
}

/// The share of pairs of a positive and a negative row that are in order.
fn auc(is_positive: &[bool], scores: &[f64]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (positive, high) in is_positive.iter().zip(scores) {
        for (other, low) in is_positive.iter().zip(scores) {
            if *positive && !*other {
                pairs += 1.0;
                wins += if high > low {
                    1.0
                } else if high == low {
                    0.5
                } else {
                    0.0
                };
            }
        }
    }
    wins / pairs
}

fn parquet(path: &std::path::Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let rows = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    let columns = rows
        .schema()
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, column)| {
            let wanted = match column.data_type() {
                DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
                other => other.clone(),
            };
            (
                field.name().clone(),
                arrow::compute::cast(column, &wanted).unwrap(),
            )
        })
        .collect::<Vec<_>>();
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Numbers without a header; the last column is the target `y`, as text.
fn plain(source: impl Read, skip: usize) -> RecordBatch {
    let lines: Vec<Vec<String>> = BufReader::new(source)
        .lines()
        .skip(skip)
        .map(|line| line.unwrap().trim().split(',').map(str::to_owned).collect())
        .collect();
    let width = lines[0].len();
    let mut columns: Vec<(String, ArrayRef)> = (0..width - 1)
        .map(|at| {
            let values = lines.iter().map(|line| line[at].parse::<f64>().unwrap());
            (
                format!("x{at}"),
                Arc::new(Float64Array::from_iter_values(values)) as ArrayRef,
            )
        })
        .collect();
    let targets = lines.iter().map(|line| Some(line[width - 1].as_str()));
    columns.push(("y".to_owned(), Arc::new(targets.collect::<StringArray>())));
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The rows in two parts by chance.
fn split(rows: &RecordBatch, train: f64) -> (RecordBatch, RecordBatch) {
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(5));
    let middle = (order.len() as f64 * train) as usize;
    let take = |part: &[u32]| {
        arrow::compute::take_record_batch(rows, &UInt32Array::from(part.to_vec())).unwrap()
    };
    (take(&order[..middle]), take(&order[middle..]))
}

#[test]
fn adult_census() {
    let (Some(train), Some(test)) = (
        shared("adult_census/adult_train.parquet"),
        shared("adult_census/adult_test.parquet"),
    ) else {
        return;
    };
    let (train, test) = (parquet(&train), parquet(&test));
    for (trainer, least) in [
        ("boosting", 0.865),
        ("forest", 0.855),
        ("tree", 0.845),
        ("logistic", 0.85),
        ("neural", 0.845),
    ] {
        let case = Case::on(trainer, Task::Binary, &train, "income");
        let accuracy = accuracy(&test, "income", &run(&case, &train, &test));
        println!("{trainer}: accuracy {accuracy:.4}");
        assert!(accuracy >= least, "{trainer}: {accuracy}");
    }
}

#[test]
fn bike_sharing() {
    let Some(path) = shared("bike_sharing/hour.csv") else {
        return;
    };
    let (schema, _) = arrow::csv::reader::Format::default()
        .with_header(true)
        .infer_schema(File::open(&path).unwrap(), Some(1000))
        .unwrap();
    let reader = arrow::csv::ReaderBuilder::new(Arc::new(schema))
        .with_header(true)
        .with_batch_size(100_000)
        .build(File::open(&path).unwrap())
        .unwrap();
    let rows = reader.map(Result::unwrap).next().unwrap();
    let (train, test) = split(&rows, 0.8);
    for (trainer, most) in [
        ("boosting", 45.0),
        ("forest", 60.0),
        ("tree", 75.0),
        ("linear", 150.0),
        ("neural", 60.0),
    ] {
        let mut case = Case::on(trainer, Task::Regression, &train, "cnt");
        case.columns
            .retain(|name| !["instant", "dteday", "casual", "registered"].contains(&name.as_str()));
        let rmse = rmse(&test, "cnt", &run(&case, &train, &test));
        println!("{trainer}: rmse {rmse:.2}");
        assert!(rmse <= most, "{trainer}: {rmse}");
    }
}

#[test]
fn small_tables_of_scikit_learn() {
    for (path, classes, least) in [
        ("iris_sklearn", 3, 0.93),
        ("wine_data", 3, 0.93),
        ("breast_cancer", 2, 0.93),
    ] {
        let Some(path) = shared(&format!("sklearn_small/{path}.csv")) else {
            return;
        };
        let rows = plain(File::open(&path).unwrap(), 1);
        let (train, test) = split(&rows, 0.7);
        let task = if classes == 2 {
            Task::Binary
        } else {
            Task::Multiclass
        };
        for trainer in ["logistic", "forest", "boosting"] {
            let predictions = run(&Case::on(trainer, task, &train, "y"), &train, &test);
            let accuracy = accuracy(&test, "y", &predictions);
            println!("{} {trainer}: accuracy {accuracy:.4}", path.display());
            assert!(
                accuracy >= least,
                "{} {trainer}: {accuracy}",
                path.display()
            );
            if task == Task::Binary {
                let truth: Vec<bool> = texts(&test, "y").iter().map(|text| text == "1").collect();
                let auc = auc(&truth, &numbers(&predictions, "probability"));
                println!("{} {trainer}: auc {auc:.4}", path.display());
                assert!(auc >= 0.98, "{} {trainer}: {auc}", path.display());
            }
        }
    }
}

#[test]
fn wine_quality() {
    let Some(path) = shared("wine_quality/winequality-red.csv") else {
        return;
    };
    let rows = plain(File::open(&path).unwrap(), 0);
    let (train, test) = split(&rows, 0.8);
    let predictions = run(
        &Case::on("forest", Task::Multiclass, &train, "y"),
        &train,
        &test,
    );
    let accuracy = accuracy(&test, "y", &predictions);
    println!("forest: accuracy {accuracy:.4}");
    assert!(accuracy >= 0.62, "{accuracy}");
}
