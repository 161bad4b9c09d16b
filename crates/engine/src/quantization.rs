//! What a model loses when its weights are rounded to 8 bits, on rows that its cycle kept.
//!
//! The rows are those of the test part, which lie in the cache with the fingerprint that the cycle's run names. Where the
//! cache was cleared, the reference of the version is left: its inputs without the truth, so that only differences of
//! predictions can be told.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use everloop_artifacts::StageCache;
use everloop_data::read_parquet;
use everloop_domain::dataset::Part;
use everloop_domain::{Digest, RunId, StageName};
use everloop_lifecycle::Lifecycle;
use everloop_measure::Metric;
use everloop_metastore::{Metastore, ModelVersion};
use everloop_package::{Package, Quantized};
use serde::Serialize;

use crate::origin::Origin;
use crate::scoring::{Scored, part_file};
use crate::stages::blocking;
use crate::{Error, Project};

/// The version of the format of [`QuantizationLoss`] as JSON.
const FORMAT_VERSION: u32 = 1;

/// Rows to compare models on.
#[derive(Clone, Debug)]
pub struct KeptRows {
    /// The rows.
    pub rows: RecordBatch,
    /// What they are, in words.
    pub origin: String,
}

/// A number of the model as it was and in 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BeforeAfter<T> {
    /// As it was.
    pub before: T,
    /// In 8 bits.
    pub after: T,
}

/// A metric of both models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricLoss {
    /// The metric, as in `evaluate.metrics`.
    pub name: String,
    /// As it was.
    pub before: f64,
    /// In 8 bits.
    pub after: f64,
}

/// What rounding costs and what it saves; written beside the exported model as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuantizationLoss {
    /// The version of this format.
    pub format_version: u32,
    /// How numbers are stored now.
    pub method: &'static str,
    /// What rows both models were compared on.
    pub rows: String,
    /// How many.
    pub n_rows: usize,
    /// The metrics of the evaluation, the first of the lifecycle file first; none where the truth is not known.
    pub metrics: Vec<MetricLoss>,
    /// Why metrics have no values.
    pub notes: Vec<String>,
    /// The greatest difference of a probability, or of a predicted number.
    pub max_difference: f64,
    /// The mean of these differences.
    pub mean_difference: f64,
    /// The rows whose predicted class is another.
    pub n_relabelled: usize,
    /// How many matrices of weights and tables of embeddings were rounded.
    pub n_rounded: usize,
    /// The size of the graph in bytes.
    pub bytes: BeforeAfter<usize>,
}

impl KeptRows {
    /// The rows that are left of the evaluation of a version, if there are any.
    ///
    /// # Errors
    ///
    /// Fails if the store or the rows cannot be read.
    pub async fn find(
        project: &Project,
        metastore: &Metastore,
        version: &ModelVersion,
    ) -> Result<Option<Self>, Error> {
        let run: Option<RunId> = version.run_id.as_ref().and_then(|id| id.parse().ok());
        let tags = metastore
            .read(move |tx| match &run {
                Some(run) => tx.runs().tags(run),
                None => Ok(BTreeMap::new()),
            })
            .await?;
        let fingerprint = Origin::read(&tags).fingerprints.remove(&StageName::Prepare);
        let fingerprint: Option<Digest> = fingerprint.and_then(|text| text.parse().ok());
        let cache = StageCache::open(&project.cache_dir())?;
        let prepare = StageName::Prepare.as_str();
        let test = fingerprint.and_then(|digest| cache.find(prepare, &digest));
        let test = test.map(|dir| part_file(&dir, Part::Test));
        let reference = project.reference_path(&version.name, version.version);
        let number = version.version;
        blocking(move || {
            let places = [
                (test, format!("test part of version {number}")),
                (Some(reference), format!("reference of version {number}")),
            ];
            for (file, origin) in places {
                let Some(file) = file.filter(|file| file.is_file()) else {
                    continue;
                };
                let rows = read_parquet(&file)?;
                if rows.num_rows() > 0 {
                    return Ok(Some(Self { rows, origin }));
                }
            }
            Ok(None)
        })
        .await
    }
}

impl QuantizationLoss {
    /// What `quantized`, made of this package, costs on the rows that it was compared on.
    ///
    /// # Errors
    ///
    /// Fails if the rows hold a target that suits no metric, such as one that is missing.
    pub fn of(
        package: &Package,
        quantized: &Quantized,
        kept: &KeptRows,
        lifecycle: Option<&Lifecycle>,
    ) -> Result<Self, Error> {
        let mut notes = Vec::new();
        let metrics = match knows_truth(package, kept, lifecycle) {
            Ok(lifecycle) => {
                let score = |predictions| {
                    Scored::of(
                        lifecycle,
                        ("kept", &kept.rows),
                        predictions,
                        &package.classes,
                    )
                };
                let (before, after) = &quantized.predictions;
                metrics(lifecycle, &score(before)?, &score(after)?, &mut notes)
            }
            Err(why) => {
                notes.push(format!("no metrics: {why}"));
                Vec::new()
            }
        };
        Ok(Self {
            format_version: FORMAT_VERSION,
            method: "int8",
            rows: kept.origin.clone(),
            n_rows: quantized.n_rows,
            metrics,
            notes,
            max_difference: quantized.max_difference,
            mean_difference: quantized.mean_difference,
            n_relabelled: quantized.n_relabelled,
            n_rounded: quantized.n_rounded,
            bytes: BeforeAfter {
                before: quantized.n_bytes.0,
                after: quantized.n_bytes.1,
            },
        })
    }
}

/// The file that says what the truth is, or why it is not known.
fn knows_truth<'a>(
    package: &Package,
    kept: &KeptRows,
    lifecycle: Option<&'a Lifecycle>,
) -> Result<&'a Lifecycle, String> {
    let lifecycle = lifecycle.ok_or("there is no project that names the target")?;
    let task = lifecycle.train.task;
    if package.task != Some(task) {
        return Err(format!(
            "the project's task is `{task}`, the model has another"
        ));
    }
    let dataset = &lifecycle.dataset;
    let mut needed = std::iter::once(&dataset.target).chain(&dataset.weight);
    match needed.find(|name| kept.rows.column_by_name(name).is_none()) {
        Some(name) => Err(format!("the {} has no column `{name}`", kept.origin)),
        None => Ok(lifecycle),
    }
}

fn metrics(
    lifecycle: &Lifecycle,
    before: &Scored,
    after: &Scored,
    notes: &mut Vec<String>,
) -> Vec<MetricLoss> {
    let mut found = Vec::new();
    for name in &lifecycle.evaluate.metrics {
        let Some(metric) = Metric::parse(name) else {
            continue;
        };
        match (before.score(metric), after.score(metric)) {
            (Ok(before), Ok(after)) => found.push(MetricLoss {
                name: name.clone(),
                before,
                after,
            }),
            (Err(error), _) | (_, Err(error)) => notes.push(format!("no `{name}`: {error}")),
        }
    }
    found
}
