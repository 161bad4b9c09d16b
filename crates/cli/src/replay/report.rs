//! What a replay was worth: the quality that was served against the quality of the first model, had it stayed.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result};
use arrow::array::{ArrayRef, AsArray as _, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Int64Type;
use everloop_domain::dataset::{Format, Source};
use everloop_domain::{CycleOutcome, VersionNumber};
use everloop_engine::{Scored, texts};
use everloop_measure::Metric;
use everloop_package::Scorer as _;
use serde::Serialize;

use super::rows::Rows;
use crate::commands::data::session;
use crate::commands::status;
use crate::output::{number, table};
use crate::workspace::{Workspace, engine_settings};

/// What a replay was worth.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Rows that were served.
    pub(crate) n_rows: usize,
    /// Cycles by outcome.
    pub(crate) cycles: BTreeMap<String, usize>,
    /// The whole replay, as served.
    pub(crate) served: BTreeMap<String, f64>,
    /// The whole replay, had the first model stayed.
    pub(crate) first_model: BTreeMap<String, f64>,
    /// The stretch that each version served.
    pub(crate) versions: Vec<VersionReport>,
    #[serde(skip)]
    status: String,
}

/// The rows that one version served.
#[derive(Debug, Serialize)]
pub(crate) struct VersionReport {
    /// The version.
    pub(crate) version: u64,
    /// Rows.
    pub(crate) n_rows: usize,
    /// Its quality on them.
    pub(crate) served: BTreeMap<String, f64>,
    /// The first model's quality on them.
    pub(crate) first_model: BTreeMap<String, f64>,
}

/// Rows that were served, in order of time, with truth, predictions and versions.
pub(crate) struct Served {
    /// Row numbers in [`Rows`].
    pub(crate) rows: Vec<usize>,
    /// The version that answered each.
    pub(crate) versions: Vec<i64>,
    /// Columns `prediction`, `probability` …
    pub(crate) predictions: RecordBatch,
    /// What the first model says.
    pub(crate) first_model: RecordBatch,
    /// The truth.
    pub(crate) truth: ArrayRef,
    classes: Vec<everloop_domain::Value>,
}

impl Report {
    pub(crate) async fn make(
        workspace: &Workspace,
        rows: &Rows,
        first: VersionNumber,
    ) -> Result<Self> {
        let served = Served::read(workspace, rows, first).await?;
        let all: Vec<usize> = (0..served.rows.len()).collect();
        let mut numbers: Vec<i64> = served.versions.clone();
        numbers.sort_unstable();
        numbers.dedup();
        let versions = numbers
            .into_iter()
            .map(|version| {
                let own: Vec<usize> = all
                    .iter()
                    .copied()
                    .filter(|row| served.versions[*row] == version)
                    .collect();
                Ok(VersionReport {
                    version: version as u64,
                    n_rows: own.len(),
                    served: served.scores(workspace, &served.predictions, &own)?,
                    first_model: served.scores(workspace, &served.first_model, &own)?,
                })
            })
            .collect::<Result<_>>()?;
        let state = workspace.status(usize::MAX >> 1).await?;
        let mut cycles = BTreeMap::new();
        for cycle in &state.cycles {
            let outcome = cycle.outcome.map_or("running", CycleOutcome::as_str);
            *cycles.entry(outcome.to_owned()).or_default() += 1;
        }
        Ok(Self {
            n_rows: all.len(),
            cycles,
            served: served.scores(workspace, &served.predictions, &all)?,
            first_model: served.scores(workspace, &served.first_model, &all)?,
            versions,
            status: status::text(&workspace.status(2).await?),
        })
    }
}

impl Served {
    /// Joins the prediction log with the truth, and scores the same rows with the first model.
    pub(crate) async fn read(
        workspace: &Workspace,
        rows: &Rows,
        first: VersionNumber,
    ) -> Result<Self> {
        let log = read_log(workspace).await?;
        let ids = log
            .column_by_name("_id")
            .context("the prediction log has no `_id`")?;
        let by_id: BTreeMap<String, u32> = texts(ids)
            .into_iter()
            .enumerate()
            .filter_map(|(row, id)| Some((id?, row as u32)))
            .collect();
        let n_rows = rows.batch().num_rows();
        let found: Vec<(usize, u32)> = (0..n_rows)
            .filter_map(|row| Some((row, *by_id.get(rows.id(row))?)))
            .collect();
        let log = take_record_batch(
            &log,
            &UInt32Array::from_iter_values(found.iter().map(|(_, at)| *at)),
        )?;
        let played = UInt32Array::from_iter_values(found.iter().map(|(row, _)| *row as u32));
        let played_rows = take_record_batch(rows.batch(), &played)?;
        let target = &workspace.lifecycle.dataset.target;
        let truth = played_rows
            .column_by_name(target)
            .context("the target is gone")?
            .clone();
        let (first_model, classes) = score_with(workspace, first, &played_rows).await?;
        let versions = log
            .column_by_name("_version")
            .context("the prediction log has no `_version`")?;
        Ok(Self {
            rows: found.iter().map(|(row, _)| *row).collect(),
            versions: versions.as_primitive::<Int64Type>().values().to_vec(),
            predictions: predictions(&log)?,
            first_model,
            truth,
            classes,
        })
    }

    /// The metrics of the lifecycle file on some of the rows; one that cannot be computed is left out.
    fn scores(
        &self,
        workspace: &Workspace,
        predictions: &RecordBatch,
        rows: &[usize],
    ) -> Result<BTreeMap<String, f64>> {
        let picked = UInt32Array::from_iter_values(rows.iter().map(|row| *row as u32));
        let truth = arrow::compute::take(&self.truth, &picked, None)?;
        let predictions = take_record_batch(predictions, &picked)?;
        let scored = Scored::new(
            workspace.lifecycle.train.task,
            &truth,
            &predictions,
            &self.classes,
        )?;
        let mut metrics = BTreeMap::new();
        for name in &workspace.lifecycle.evaluate.metrics {
            if let Some(metric) = Metric::parse(name)
                && let Ok(value) = everloop_measure::score(metric, &scored.outcomes())
            {
                metrics.insert(name.clone(), value);
            }
        }
        Ok(metrics)
    }
}

/// The whole prediction log of the project's model, the last entry of each id.
async fn read_log(workspace: &Workspace) -> Result<RecordBatch> {
    let model = &workspace.lifecycle.deploy.model;
    let dir = workspace.project.predictions_dir().join(model.as_str());
    let session = session(workspace.project.dir());
    let source = Source {
        name: "log".to_owned(),
        path: format!("{}/*/*.parquet", dir.display()),
        format: Some(Format::Parquet),
        delimiter: None,
        has_header: true,
        null_values: Vec::new(),
    };
    session.register_source(&source).await?;
    let batches = session
        .sql("select * from log where _status = 'ok' order by _time")
        .await?;
    let first = batches.first().context("the prediction log is empty")?;
    Ok(concat_batches(&first.schema(), &batches)?)
}

/// The columns of the log that a model gave, under the model's names.
fn predictions(log: &RecordBatch) -> Result<RecordBatch> {
    let schema = log.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(log.columns())
        .filter_map(|(field, column)| {
            let name = field.name().strip_prefix('_')?;
            (name == "prediction" || name.starts_with("probability"))
                .then(|| (name.to_owned(), column.clone()))
        });
    Ok(RecordBatch::try_from_iter(columns)?)
}

async fn score_with(
    workspace: &Workspace,
    version: VersionNumber,
    rows: &RecordBatch,
) -> Result<(RecordBatch, Vec<everloop_domain::Value>)> {
    let model = workspace.lifecycle.deploy.model.clone();
    let found = workspace
        .metastore
        .read(move |tx| tx.models().get_version(&model, version))
        .await?;
    let dir = std::path::PathBuf::from(found.source);
    let engine = everloop_serve::load(&dir, &engine_settings())?;
    let inputs = engine.conform(rows)?;
    Ok((
        engine.score(&inputs)?,
        everloop_package::open(&dir)?.classes,
    ))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        let cycles: Vec<String> = self
            .cycles
            .iter()
            .map(|(outcome, count)| format!("{count} {outcome}"))
            .collect();
        writeln!(
            f,
            "{} requests served; cycles: {}",
            self.n_rows,
            cycles.join(", ")
        )?;
        let mut rows = Vec::new();
        for version in &self.versions {
            rows.push(row(
                &format!("version {}", version.version),
                version.n_rows,
                &version.served,
                &version.first_model,
            ));
        }
        rows.push(row("all", self.n_rows, &self.served, &self.first_model));
        let names: Vec<&str> = self.served.keys().map(String::as_str).collect();
        let mut header = vec!["served by", "rows"];
        header.extend(&names);
        let first: Vec<String> = names
            .iter()
            .map(|name| format!("first model's {name}"))
            .collect();
        header.extend(first.iter().map(String::as_str));
        write!(f, "{}", table(&header, &rows))
    }
}

fn row(
    name: &str,
    n_rows: usize,
    served: &BTreeMap<String, f64>,
    first: &BTreeMap<String, f64>,
) -> Vec<String> {
    let mut cells = vec![name.to_owned(), n_rows.to_string()];
    cells.extend(
        served
            .values()
            .chain(first.values())
            .map(|value| number(*value)),
    );
    cells
}
