use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMillisecondArray};

use super::*;

/// Rows `id time version status prediction`, one a line, as a file of a day.
fn write(dir: &Path, file: &str, rows: &str) {
    let rows: Vec<Vec<&str>> = rows
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let texts = |at: usize| {
        rows.iter()
            .map(|row| Some(row[at]))
            .collect::<StringArray>()
    };
    let numbers = |at: usize| {
        rows.iter()
            .map(|row| row[at].parse().ok())
            .collect::<Int64Array>()
    };
    let times: TimestampMillisecondArray =
        rows.iter().map(|row| row[1].parse::<i64>().ok()).collect();
    let predictions: Float64Array = rows.iter().map(|row| row[4].parse::<f64>().ok()).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("_id", Arc::new(texts(0))),
        ("_time", Arc::new(times.with_timezone("UTC"))),
        ("_version", Arc::new(numbers(2))),
        ("_status", Arc::new(texts(3))),
        ("_latency_us", Arc::new(numbers(1))),
        ("_prediction", Arc::new(predictions)),
    ];
    let path = dir.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    everloop_data::write_parquet(&path, &batch).unwrap();
}

fn read(dir: &Path, version: u64) -> Option<VersionLog> {
    VersionLog::read(dir, VersionNumber(version), Timestamp::from_millis(0)).unwrap()
}

#[test]
fn rows_of_the_version_come_in_order_of_time_and_once() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "day=1970-01-01/a.parquet",
        "a 30 1 ok 1.0\nb 10 1 ok 2.0\nc 15 2 ok 9.0",
    );
    write(
        dir.path(),
        "day=1970-01-02/b.parquet",
        "a 40 1 ok 3.0\nd 50 1 invalid 0",
    );
    let log = read(dir.path(), 1).unwrap();
    assert_eq!(log.ids, ["b", "a"]);
    assert_eq!(log.times, [10, 40].map(Timestamp::from_millis));
    assert_eq!(log.latencies_ms, [0.01, 0.04]);
    assert_eq!(log.failed, [Timestamp::from_millis(50)]);
    let window = (Timestamp::from_millis(10), Timestamp::from_millis(40));
    assert_eq!(log.between(window), 0..1);
}

#[test]
fn a_version_that_was_asked_for_nothing_has_no_log() {
    let dir = tempfile::tempdir().unwrap();
    assert!(read(dir.path(), 1).is_none());
    assert!(read(&dir.path().join("absent"), 1).is_none());
    write(dir.path(), "day=1970-01-01/a.parquet", "c 15 2 ok 9.0");
    assert!(read(dir.path(), 1).is_none());
}

#[test]
fn a_version_that_only_failed_has_a_log() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "day=1970-01-01/a.parquet",
        "a 10 1 invalid 0\nb 20 1 invalid 0",
    );
    let log = read(dir.path(), 1).unwrap();
    let all = (Timestamp::from_millis(0), Timestamp::from_millis(99));
    assert_eq!((log.n_requests(all), log.n_failed(all)), (2, 2));
}

#[test]
fn days_before_the_version_and_unfinished_files_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "day=1970-01-01/a.parquet", "a 1 1 ok 1.0");
    write(
        dir.path(),
        "day=1970-01-03/b.parquet",
        "b 172800001 1 ok 1.0",
    );
    std::fs::write(dir.path().join("day=1970-01-03/c.parquet.tmp"), "torn").unwrap();
    let since = Timestamp::from_millis(172_800_000);
    let log = VersionLog::read(dir.path(), VersionNumber(1), since).unwrap();
    assert_eq!(log.unwrap().ids, ["b"]);
}
