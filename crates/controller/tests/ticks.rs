//! Ticks over a hand-written prediction log: what is seen, what is decided, and that it is decided once.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use everloop_artifacts::Store;
use everloop_controller::planner::Decision;
use everloop_controller::{Controller, Tick};
use everloop_data::write_parquet;
use everloop_domain::{
    CycleOutcome, CycleReason, ManualClock, ModelName, RequestId, Timestamp, Value, VersionNumber,
};
use everloop_engine::{CHAMPION, Deps, METRICS_TAG, Project, Runner};
use everloop_metastore::{Metastore, NewCycle, NewVersion, Transaction};

const DAY: Duration = Duration::from_hours(24);

const LIFECYCLE: &str = "
version: 1
project: bikes
sources: {rides: {path: rides.csv}}
dataset: {table: rides, target: cnt}
train: {task: regression, trainer: linear}
evaluate: {metrics: [rmse]}
monitor: {window: 1d, labels: {key: id, delay: 1d}}
retrain: {when: [drift, rmse > 1.2 * baseline.rmse], cooldown: 6h}
";

/// A project with a champion that went live at `start`, and nothing else.
struct Watched {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    metastore: Metastore,
    controller: Controller,
}

fn start() -> Timestamp {
    "2020-01-01".parse().unwrap()
}

fn model() -> ModelName {
    "bikes".parse().unwrap()
}

async fn watched() -> Watched {
    let dir = tempfile::tempdir().unwrap();
    let project = Project::new(dir.path());
    let clock = Arc::new(ManualClock::new(start()));
    let metastore = Metastore::in_memory().unwrap();
    let reference: ArrayRef = Arc::new(
        (0..500)
            .map(|i| Some(f64::from(i % 50)))
            .collect::<Float64Array>(),
    );
    let columns = [("temp", reference.clone()), ("_prediction", reference)];
    let path = project.reference_path(&model(), VersionNumber(1));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_parquet(&path, &RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    metastore.write(champion).await.unwrap();
    let lifecycle = everloop_lifecycle::parse(LIFECYCLE, &[]);
    let runner = Runner::new(Deps {
        artifacts: Store::local(&project.artifacts_dir()).unwrap(),
        project,
        lifecycle: Arc::new(lifecycle.lifecycle.unwrap()),
        metastore: metastore.clone(),
        clock: clock.clone(),
        load_model: Arc::new(|_| Err("no model is loaded here".to_owned())),
        python: "python3".into(),
        tracking_uri: None,
        n_threads: 1,
        memory_bytes: 1 << 28,
        training_memory_bytes: 1 << 30,
        progress: Arc::new(|_| ()),
    });
    let controller = Controller::new(runner.unwrap(), false);
    Watched {
        dir,
        clock,
        metastore,
        controller,
    }
}

fn champion(tx: &Transaction<'_>) -> Result<(), everloop_metastore::Error> {
    let number = tx.cycles().start(&NewCycle {
        reason: CycleReason::First,
        why: "first".to_owned(),
        now: start(),
        run_id: None,
    })?;
    tx.models().ensure(&model(), start())?;
    let version = tx.models().create_version(&NewVersion {
        name: model(),
        source: "/nowhere".to_owned(),
        run_id: None,
        model_id: None,
        tags: [(METRICS_TAG.to_owned(), r#"{"rmse": 1.0}"#.to_owned())].into(),
        description: None,
        now: start(),
    })?;
    tx.models()
        .set_alias(&model(), CHAMPION, version, start())?;
    let outcome = CycleOutcome::Promoted;
    tx.cycles().finish(
        number,
        outcome,
        "",
        start(),
        &BTreeMap::new(),
        Some(version),
    )
}

/// 300 answered requests in the first hours of a day; `shift` moves input and prediction.
fn log_day(dir: &Path, day: u32, shift: f64) {
    let begin = start() + DAY * day;
    let rows = 0..300_i64;
    let ids: StringArray = rows.clone().map(|i| Some(format!("{day}-{i}"))).collect();
    let times: TimestampMillisecondArray = rows
        .clone()
        .map(|i| Some(begin.as_millis() + i * 1000))
        .collect();
    let values: ArrayRef = Arc::new(
        rows.clone()
            .map(|i| Some((i % 50) as f64 + shift))
            .collect::<Float64Array>(),
    );
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("_id", Arc::new(ids)),
        ("_time", Arc::new(times.with_timezone("UTC"))),
        ("_version", Arc::new(Int64Array::from(vec![1; 300]))),
        ("_status", Arc::new(StringArray::from(vec!["ok"; 300]))),
        ("_latency_us", Arc::new(Int64Array::from(vec![2000; 300]))),
        ("temp", values.clone()),
        ("_prediction", values),
    ];
    write_log(dir, begin, columns);
}

/// 20 requests of a day that the model could not answer.
fn log_failures(dir: &Path, day: u32) {
    let begin = start() + DAY * day;
    let times: TimestampMillisecondArray = (0..20_i64)
        .map(|i| Some(begin.as_millis() + i * 1000))
        .collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("_time", Arc::new(times.with_timezone("UTC"))),
        ("_version", Arc::new(Int64Array::from(vec![1; 20]))),
        ("_status", Arc::new(StringArray::from(vec!["invalid"; 20]))),
    ];
    write_log(dir, begin, columns);
}

fn write_log(dir: &Path, begin: Timestamp, columns: Vec<(&str, ArrayRef)>) {
    let folder = Project::new(dir)
        .predictions_dir()
        .join("bikes")
        .join(format!("day={}", begin.day()));
    std::fs::create_dir_all(&folder).unwrap();
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    write_parquet(&folder.join("a.parquet"), &rows).unwrap();
}

impl Watched {
    async fn tick_after(&self, since_start: Duration) -> Tick {
        self.clock.set(start() + since_start);
        self.controller.tick().await.unwrap()
    }

    /// Labels of a day that are off by `error`.
    async fn label_day(&self, day: u32, error: f64) {
        self.label(day, 0..300, error).await;
    }

    async fn label(&self, day: u32, rows: std::ops::Range<i64>, error: f64) {
        let label = |i: i64| {
            (
                RequestId(format!("{day}-{i}")),
                Value::Number((i % 50) as f64 + error),
            )
        };
        let labels: Vec<_> = rows.map(label).collect();
        let now = start() + DAY * (day + 1);
        let work = move |tx: &Transaction<'_>| tx.labels().insert(&model(), &labels, now);
        self.metastore.write(work).await.unwrap();
    }
}

fn value(tick: &Tick, name: &str) -> Option<f64> {
    let found = tick.signals.iter().find(|signal| signal.name == name);
    found.and_then(|signal| signal.value)
}

#[tokio::test]
async fn calm_days_leave_the_champion_alone() {
    let watched = watched().await;
    log_day(watched.dir.path(), 0, 0.0);
    let early = watched.tick_after(DAY / 2).await;
    assert!(early.signals.is_empty() && early.decision.is_none());
    let tick = watched.tick_after(DAY).await;
    assert_eq!(value(&tick, "n_rows"), Some(300.0));
    assert_eq!(value(&tick, "error_rate"), Some(0.0));
    assert_eq!(value(&tick, "p99_ms"), Some(2.0));
    assert_eq!(value(&tick, "drift"), Some(0.0));
    assert_eq!(tick.decision, None);
    assert!(
        watched.tick_after(DAY).await.signals.is_empty(),
        "a window is looked at once"
    );
}

#[tokio::test]
async fn drift_starts_one_cycle_and_the_audit_says_why() {
    let watched = watched().await;
    log_day(watched.dir.path(), 0, 30.0);
    let tick = watched.tick_after(DAY).await;
    assert_eq!(value(&tick, "drift"), Some(1.0));
    let Some(Decision::Start { reason, why, .. }) = &tick.decision else {
        panic!("{:?}", tick.decision)
    };
    assert_eq!(*reason, CycleReason::Drift);
    assert!(why.contains("drift of") && why.contains("temp"), "{why}");
    // The source is absent: the cycle fails, and that is told.
    assert!(tick.failure.is_some());
    let read = |tx: &Transaction<'_>| {
        Ok((
            tx.audit().list(9)?,
            tx.cycles().list(9)?,
            tx.decisions().unfinished()?,
        ))
    };
    let (audit, cycles, open) = watched.metastore.read(read).await.unwrap();
    assert!(
        audit
            .iter()
            .any(|entry| entry.action == "decide.cycle" && entry.why == *why)
    );
    assert_eq!(
        (cycles.len(), cycles[0].outcome),
        (2, Some(CycleOutcome::Failed))
    );
    assert!(open.is_empty());
    let later = watched.tick_after(DAY * 3 / 2).await;
    assert_eq!(
        later.decision, None,
        "the same window does not start a second cycle"
    );
}

#[tokio::test]
async fn bad_labels_start_a_cycle_for_performance() {
    let watched = watched().await;
    log_day(watched.dir.path(), 0, 0.0);
    watched.label_day(0, 2.0).await;
    let early = watched.tick_after(DAY).await;
    assert_eq!(value(&early, "rmse"), None, "labels have a day to arrive");
    let tick = watched.tick_after(DAY * 2).await;
    assert_eq!(value(&tick, "rmse"), Some(2.0));
    let Some(Decision::Start { reason, .. }) = tick.decision else {
        panic!("{:?}", tick.decision)
    };
    assert_eq!(reason, CycleReason::Performance);
}

#[tokio::test]
async fn labels_that_come_late_or_are_corrected_score_their_window_again() {
    let watched = watched().await;
    log_day(watched.dir.path(), 0, 0.0);
    let due = DAY * 2;
    assert_eq!(value(&watched.tick_after(due).await, "rmse"), None);
    watched.label(0, 0..10, 0.5).await;
    let first = watched.tick_after(due + DAY / 24).await;
    assert_eq!(
        (value(&first, "rmse"), value(&first, "n_labels")),
        (Some(0.5), Some(10.0))
    );
    let calm = watched.tick_after(due + DAY / 12).await;
    assert!(calm.signals.is_empty(), "{:?}", calm.signals);
    watched.label(0, 0..300, 1.0).await;
    let later = watched.tick_after(due + DAY).await;
    assert_eq!(
        (value(&later, "rmse"), value(&later, "n_labels")),
        (Some(1.0), Some(300.0))
    );
    watched.label(0, 0..300, 0.25).await;
    let corrected = watched.tick_after(due + DAY * 2).await;
    assert_eq!(
        (value(&corrected, "rmse"), value(&corrected, "n_labels")),
        (Some(0.25), None)
    );
}

#[tokio::test]
async fn a_day_on_which_every_request_failed_is_seen() {
    let watched = watched().await;
    log_failures(watched.dir.path(), 0);
    let tick = watched.tick_after(DAY).await;
    assert_eq!(value(&tick, "error_rate"), Some(1.0));
    assert_eq!(value(&tick, "drift"), None);
}
