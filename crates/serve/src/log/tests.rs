use std::fs;
use std::path::PathBuf;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, StringArray};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use arrow::record_batch::RecordBatch;
use everloop_domain::{Digest, Timestamp, VersionNumber};
use everloop_package::{Input, Kind, Output, Signature};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

const NOON: i64 = 1_760_000_000_000;

fn signature() -> Arc<Signature> {
    let input = |name: &str, kind| Input {
        name: name.to_owned(),
        kind,
        required: true,
    };
    Arc::new(Signature {
        inputs: vec![input("x", Kind::Number), input("_id", Kind::Text)],
        outputs: vec![Output {
            name: "prediction".to_owned(),
            kind: Kind::Number,
        }],
    })
}

/// A request whose rows are `0..n_rows`, or one that failed.
fn entry(at_ms: i64, n_rows: usize, status: &'static str) -> Entry {
    let numbers = Float64Array::from_iter_values((0..n_rows).map(|row| row as f64));
    let numbers: ArrayRef = Arc::new(numbers);
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["t"; n_rows]));
    let inputs = RecordBatch::try_from_iter([("x", numbers.clone()), ("_id", texts)]).unwrap();
    let outputs = RecordBatch::try_from_iter([("prediction", numbers)]).unwrap();
    let is_ok = status == "ok";
    Entry {
        model: "m".parse().unwrap(),
        version: VersionNumber(3),
        digest: Digest::of("package"),
        signature: signature(),
        time: Timestamp::from_millis(at_ms),
        latency_us: 250,
        status,
        ids: (0..n_rows).map(|row| format!("{at_ms}-{row}")).collect(),
        inputs: is_ok.then_some(inputs),
        outputs: is_ok.then_some(outputs),
    }
}

fn settings(flush_rows: usize, max_pending_rows: usize) -> LogSettings {
    LogSettings {
        flush_rows,
        flush_interval: Duration::from_hours(1),
        max_pending_rows,
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    let version = reader
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .unwrap()
        .iter();
    let version = version
        .clone()
        .find(|pair| pair.key == "everloop.format_version")
        .unwrap();
    assert_eq!(version.value.as_deref(), Some("1"));
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

#[tokio::test]
async fn rows_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let log = PredictionLog::open(dir.path(), &settings(1000, 1000)).unwrap();
    log.append(entry(NOON, 2, "ok"));
    log.append(entry(NOON + 5, 1, "invalid"));
    log.flush().await.unwrap();
    assert_eq!(
        log.stats(),
        LogStats {
            written: 3,
            ..LogStats::default()
        }
    );
    let files = files(dir.path());
    assert_eq!(
        files,
        [dir.path()
            .join(format!("m/day=2025-10-09/{NOON}-0.parquet"))]
    );
    let rows = read(&files[0]);
    let names: Vec<String> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let expected = [
        "_id",
        "_time",
        "_model",
        "_version",
        "_digest",
        "_latency_us",
        "_status",
        "x",
        "__id",
        "_prediction",
    ];
    assert_eq!(names, expected);
    let ids: Vec<&str> = rows["_id"].as_string::<i32>().iter().flatten().collect();
    assert_eq!(
        ids,
        [
            format!("{NOON}-0"),
            format!("{NOON}-1"),
            format!("{}-0", NOON + 5)
        ]
    );
    let times = rows["_time"].as_primitive::<TimestampMillisecondType>();
    assert_eq!(times.values(), &[NOON, NOON, NOON + 5]);
    assert_eq!(times.timezone(), Some("UTC"));
    assert_eq!(
        rows["_version"].as_primitive::<Int64Type>().values(),
        &[3, 3, 3]
    );
    assert_eq!(rows["_status"].as_string::<i32>().value(2), "invalid");
    assert_eq!(
        rows["_digest"].as_string::<i32>().value(0),
        Digest::of("package").to_string()
    );
    assert!(rows["x"].is_null(2) && rows["_prediction"].is_null(2));
    assert!(rows["x"].is_valid(1) && rows["_prediction"].is_valid(1));
}

#[tokio::test]
async fn other_columns_and_other_days_are_other_files() {
    let dir = tempfile::tempdir().unwrap();
    let log = PredictionLog::open(dir.path(), &settings(1000, 1000)).unwrap();
    log.append(entry(NOON, 1, "ok"));
    log.append(entry(NOON + 86_400_000, 1, "ok"));
    let mut changed = entry(NOON, 1, "ok");
    changed.inputs = changed.inputs.map(|rows| rows.project(&[0]).unwrap());
    log.append(changed);
    log.append(entry(NOON, 1, "ok"));
    log.flush().await.unwrap();
    let n_rows: Vec<usize> = files(dir.path())
        .iter()
        .map(|path| read(path).num_rows())
        .collect();
    assert_eq!(n_rows.len(), 3);
    assert_eq!(n_rows.iter().sum::<usize>(), 4);
}

#[test]
fn size_age_and_the_end_write() {
    let dir = tempfile::tempdir().unwrap();
    let log = PredictionLog::open(dir.path(), &settings(10, 1000)).unwrap();
    for _ in 0..3 {
        log.append(entry(NOON, 4, "ok"));
    }
    drop(log);
    let n_rows: Vec<usize> = files(dir.path())
        .iter()
        .map(|path| read(path).num_rows())
        .collect();
    assert_eq!(n_rows, [12]);

    let soon = LogSettings {
        flush_interval: Duration::from_millis(20),
        ..LogSettings::default()
    };
    let log = PredictionLog::open(dir.path(), &soon).unwrap();
    log.append(entry(NOON, 1, "ok"));
    while log.stats().written == 0 {
        std::thread::yield_now();
    }
    assert_eq!(
        files(dir.path()).len(),
        2,
        "the same first moment takes another number"
    );
}

#[tokio::test]
async fn what_has_no_room_is_dropped_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let log = PredictionLog::open(dir.path(), &settings(1000, 5)).unwrap();
    log.append(entry(NOON, 4, "ok"));
    log.append(entry(NOON, 4, "ok"));
    log.append(entry(NOON, 1, "ok"));
    let stats = log.stats();
    assert_eq!((stats.dropped, stats.pending), (4, 5));
    log.flush().await.unwrap();
    log.append(entry(NOON, 4, "ok"));
    assert_eq!(
        log.stats(),
        LogStats {
            written: 5,
            dropped: 4,
            pending: 4,
            failed_writes: 0
        }
    );
}

#[tokio::test]
async fn what_cannot_be_written_is_kept_for_later() {
    let dir = tempfile::tempdir().unwrap();
    let log = PredictionLog::open(dir.path(), &settings(1000, 1000)).unwrap();
    let in_the_way = dir.path().join("m");
    fs::write(&in_the_way, "a file where a directory should be").unwrap();
    log.append(entry(NOON, 2, "ok"));
    let error = log.flush().await.unwrap_err();
    assert!(error.to_string().starts_with("cannot make `"), "{error}");
    assert_eq!(
        log.stats(),
        LogStats {
            pending: 2,
            failed_writes: 1,
            ..LogStats::default()
        }
    );
    fs::remove_file(in_the_way).unwrap();
    log.flush().await.unwrap();
    assert_eq!(
        log.stats(),
        LogStats {
            written: 2,
            failed_writes: 1,
            ..LogStats::default()
        }
    );
}

#[test]
fn half_written_files_are_swept_and_never_read() {
    let dir = tempfile::tempdir().unwrap();
    let day = dir.path().join("m/day=2025-10-09");
    fs::create_dir_all(&day).unwrap();
    fs::write(day.join("1-0.parquet.tmp"), "torn").unwrap();
    fs::write(day.join("1-1.parquet"), "whole").unwrap();
    drop(PredictionLog::open(dir.path(), &LogSettings::default()).unwrap());
    assert_eq!(files(dir.path()), [day.join("1-1.parquet")]);
}
