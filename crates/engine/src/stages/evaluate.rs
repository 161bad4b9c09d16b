//! Evaluate: candidate and champion score the same test rows; gates decide on the numbers.

mod naive;
mod permutation;
mod unsupervised;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use everloop_data::read_parquet;
use everloop_domain::dataset::Part;
use everloop_domain::{StageName, Task};
use everloop_lifecycle::Lifecycle;
use everloop_measure::{GroupReport, Metric, SliceScore, check_gate};
use everloop_package::Scorer;
use serde::{Deserialize, Serialize};

use super::deploy::Champion;
use super::monitor::write_reference;
use super::prepare::Prepared;
use super::train::Trained;
use super::{Output, blocking, cached};
use crate::scoring::{Scored, inputs, part_file, texts};
use crate::{Error, Fingerprint, Runner};

pub use naive::NaiveScores;

const VERSION: u32 = 3;
/// How many single rows are timed for `latency_p99_ms`.
const N_TIMED_ROWS: usize = 300;

/// What evaluating found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The candidate's scores on the test part, with `n_rows` and `latency_p99_ms`.
    pub metrics: BTreeMap<String, f64>,
    /// The champion's scores on the same rows.
    pub champion: Option<BTreeMap<String, f64>>,
    /// Why the champion could not be scored, if it could not.
    pub champion_problem: Option<String>,
    /// The scores of a prediction that looks at no input, on the same rows.
    #[serde(default)]
    pub naive: NaiveScores,
    /// By input, how much worse the first metric is when the column is shuffled over the test rows: mean and standard
    /// deviation over the repeats, the greatest first. Without a truth, how many predictions change.
    #[serde(default)]
    pub permutation_importances: Vec<(String, f64, f64)>,
    /// Scores by value of the slice columns.
    pub slices: Vec<SliceScore>,
    /// Fairness by group column.
    pub fairness: Vec<GroupReport>,
    /// The gates with their numbers, in the order of the file; bounds of fairness come last.
    pub gates: Vec<GateOutcome>,
}

/// A gate and what it found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// The gate as written.
    pub text: String,
    /// Whether the candidate may pass.
    pub passed: bool,
    /// The gate with its numbers.
    pub shown: String,
}

impl Evaluation {
    /// The first gate that refuses the candidate.
    #[must_use]
    pub fn refusal(&self) -> Option<&GateOutcome> {
        self.gates.iter().find(|gate| !gate.passed)
    }
}

pub(crate) async fn run(
    runner: &Runner,
    prepared: &Output<Prepared>,
    trained: &Output<Trained>,
    champion: Option<&Champion>,
) -> Result<Output<Evaluation>, Error> {
    let lifecycle = runner.lifecycle();
    let gates: Vec<&str> = lifecycle
        .gates
        .iter()
        .map(|gate| gate.text.as_str())
        .collect();
    let mut fingerprint = Fingerprint::new(StageName::Evaluate, VERSION)
        .parameter("evaluate", &lifecycle.evaluate)
        .parameter("gates", &gates)
        .parameter("weight", &lifecycle.dataset.weight)
        .input("candidate", trained.result.package)
        .input("train", prepared.result.split.train.digest)
        .input("validation", prepared.result.split.validation.digest)
        .input("test", prepared.result.split.test.digest);
    if let Some(package) = champion.and_then(|champion| champion.package) {
        fingerprint = fingerprint.input("champion", package);
    }
    let work = Work {
        runner: runner.clone(),
        parts: prepared.dir.clone(),
        candidate: trained.package_dir(),
        champion: champion.map(|champion| champion.dir.clone()),
    };
    cached(runner, &fingerprint, |dir| blocking(move || work.run(&dir))).await
}

struct Work {
    runner: Runner,
    parts: PathBuf,
    candidate: PathBuf,
    champion: Option<PathBuf>,
}

impl Work {
    fn run(self, dir: &Path) -> Result<Evaluation, Error> {
        let test = read_parquet(&part_file(&self.parts, Part::Test))?;
        let candidate = self.runner.load_model(&self.candidate)?;
        let (mut metrics, scored) = self.measure(&candidate, &self.candidate, &test)?;
        metrics.insert("n_rows".to_owned(), test.num_rows() as f64);
        metrics.insert(
            "latency_p99_ms".to_owned(),
            latency_p99_ms(
                candidate.as_ref(),
                &inputs(candidate.as_ref(), self.lifecycle(), &test)?,
            )?,
        );
        let (champion, champion_problem) = self.champion(&test);
        let (slices, fairness) = match &scored {
            Some(scored) => (
                slices(self.lifecycle(), scored, &test)?,
                fairness(self.lifecycle(), scored, &test)?,
            ),
            None => (Vec::new(), Vec::new()),
        };
        let all = fairness_metrics(&fairness, metrics.clone());
        let naive = NaiveScores::of(self.lifecycle(), &self.parts, &test);
        let mut known = all.clone();
        known.extend(naive.named());
        let mut gates = gates(self.lifecycle(), &known, champion.as_ref(), &fairness)?;
        gates.extend(bounds(self.lifecycle(), &fairness));
        let importances = permutation::importances(self.lifecycle(), candidate.as_ref(), &test)?;
        self.reference(dir, candidate.as_ref(), &test)?;
        Ok(Evaluation {
            metrics: all,
            champion,
            champion_problem,
            naive,
            permutation_importances: importances,
            slices,
            fairness,
            gates,
        })
    }

    fn lifecycle(&self) -> &Lifecycle {
        self.runner.lifecycle()
    }

    /// The scores of a model on rows, and what they were computed from where there is a truth.
    fn measure(
        &self,
        scorer: &Arc<dyn Scorer>,
        dir: &Path,
        rows: &RecordBatch,
    ) -> Result<(BTreeMap<String, f64>, Option<Scored>), Error> {
        let lifecycle = self.lifecycle();
        if lifecycle.train.task.is_supervised() {
            let scored = self.score(scorer, dir, rows)?;
            return Ok((scores(lifecycle, &scored)?, Some(scored)));
        }
        let predictions = scorer.score(&inputs(scorer.as_ref(), lifecycle, rows)?)?;
        let mut metrics = unsupervised::scores(lifecycle, &self.parts, rows, &predictions)?;
        if lifecycle.train.task == Task::Clustering || lifecycle.dataset.target.is_empty() {
            return Ok((metrics, None));
        }
        let scored = self.score(scorer, dir, rows)?;
        metrics.extend(scores(lifecycle, &scored)?);
        Ok((metrics, Some(scored)))
    }

    fn score(
        &self,
        scorer: &Arc<dyn Scorer>,
        dir: &Path,
        rows: &RecordBatch,
    ) -> Result<Scored, Error> {
        let dataset = &self.lifecycle().dataset;
        let truth = rows.column_by_name(&dataset.target).ok_or_else(|| {
            Error::Invalid(format!("the test rows have no column `{}`", dataset.target))
        })?;
        let predictions = scorer.score(&inputs(scorer.as_ref(), self.lifecycle(), rows)?)?;
        let classes = everloop_package::open(dir)?.classes;
        let scored = Scored::new(self.lifecycle().train.task, truth, &predictions, &classes)?;
        let weights = match &dataset.weight {
            Some(weight) => Some(everloop_train::sample_weights(rows, weight, "test")?),
            None => None,
        };
        Ok(scored.weighted(weights))
    }

    /// The champion's scores on the candidate's rows. A champion that cannot take these rows any more
    /// (a column is gone) does not stop the cycle: the gates then see no champion, and it is told.
    fn champion(&self, test: &RecordBatch) -> (Option<BTreeMap<String, f64>>, Option<String>) {
        let Some(dir) = &self.champion else {
            return (None, None);
        };
        let scored = self
            .runner
            .load_model(dir)
            .and_then(|champion| self.measure(&champion, dir, test));
        match scored {
            Ok((metrics, _)) => (Some(metrics), None),
            Err(error) => (None, Some(error.to_string())),
        }
    }

    /// Inputs and predictions on rows that the candidate was not fitted on.
    fn reference(
        &self,
        dir: &Path,
        candidate: &dyn Scorer,
        test: &RecordBatch,
    ) -> Result<(), Error> {
        let validation = read_parquet(&part_file(&self.parts, Part::Validation))?;
        let rows = arrow::compute::concat_batches(&test.schema(), [&validation, test])
            .map_err(|error| Error::Invalid(format!("validation and test rows differ: {error}")))?;
        let inputs = inputs(candidate, self.lifecycle(), &rows)?;
        write_reference(dir, &inputs, &candidate.score(&inputs)?)
    }
}

/// Every metric of the task that can be computed on these rows.
fn scores(lifecycle: &Lifecycle, scored: &Scored) -> Result<BTreeMap<String, f64>, Error> {
    let mut metrics = BTreeMap::new();
    // What is measured without a truth is no metric of outcomes.
    let is_own =
        |name: &&String| scored.task == lifecycle.train.task || Metric::parse(name).is_some();
    for name in lifecycle.evaluate.metrics.iter().filter(is_own) {
        let metric = Metric::parse(name)
            .ok_or_else(|| Error::Invalid(format!("unknown metric `{name}`")))?;
        if metric.needs_probabilities() && scored.probabilities.is_none() {
            continue;
        }
        metrics.insert(name.clone(), scored.score(metric)?);
    }
    Ok(metrics)
}

fn column_texts(rows: &RecordBatch, column: &str) -> Result<Vec<String>, Error> {
    let found = rows
        .column_by_name(column)
        .ok_or_else(|| Error::Invalid(format!("the test rows have no column `{column}`")))?;
    Ok(texts(found)
        .into_iter()
        .map(|text| text.unwrap_or_else(|| "missing".to_owned()))
        .collect())
}

fn slices(
    lifecycle: &Lifecycle,
    scored: &Scored,
    test: &RecordBatch,
) -> Result<Vec<SliceScore>, Error> {
    let metrics: Vec<Metric> = lifecycle
        .evaluate
        .metrics
        .iter()
        .filter_map(|name| Metric::parse(name))
        .collect();
    let mut found = Vec::new();
    for column in &lifecycle.evaluate.slices {
        let values = column_texts(test, column)?;
        found.extend(everloop_measure::slices(
            &scored.outcomes(),
            column,
            &values,
            &metrics,
        )?);
    }
    Ok(found)
}

fn fairness(
    lifecycle: &Lifecycle,
    scored: &Scored,
    test: &RecordBatch,
) -> Result<Vec<GroupReport>, Error> {
    let Some(fairness) = &lifecycle.evaluate.fairness else {
        return Ok(Vec::new());
    };
    fairness
        .groups
        .iter()
        .map(|column| {
            let groups = column_texts(test, column)?;
            Ok(everloop_measure::fairness(
                &scored.outcomes(),
                &groups,
                column,
            )?)
        })
        .collect()
}

/// The metrics, and the greatest difference (the smallest ratio) over all group columns under its plain name.
fn fairness_metrics(
    reports: &[GroupReport],
    mut metrics: BTreeMap<String, f64>,
) -> BTreeMap<String, f64> {
    for report in reports {
        for (name, value) in report.differences() {
            let greatest = metrics.entry(name.to_owned()).or_insert(value);
            *greatest = greatest.max(value);
            metrics.insert(format!("{name}.{}", report.column), value);
        }
        for (name, value) in report.ratios() {
            let smallest = metrics.entry(name.to_owned()).or_insert(value);
            *smallest = smallest.min(value);
            metrics.insert(format!("{name}.{}", report.column), value);
        }
    }
    metrics
}

fn gates(
    lifecycle: &Lifecycle,
    metrics: &BTreeMap<String, f64>,
    champion: Option<&BTreeMap<String, f64>>,
    fairness: &[GroupReport],
) -> Result<Vec<GateOutcome>, Error> {
    lifecycle
        .gates
        .iter()
        .map(|gate| {
            let value = |name: &str| match name.strip_prefix("champion.") {
                Some(metric) => champion.and_then(|metrics| metrics.get(metric)).copied(),
                None => metrics.get(name).copied(),
            };
            let result = check_gate(&gate.expression, &value)?;
            let mut shown = result.shown;
            for name in gate.expression.names() {
                if let Some(words) = groups(name, fairness) {
                    shown = format!("{shown}; {words}");
                }
            }
            Ok(GateOutcome {
                text: gate.text.clone(),
                passed: result.passed,
                shown,
            })
        })
        .collect()
}

/// Which groups make a difference that a gate names, if it names one.
fn groups(name: &str, reports: &[GroupReport]) -> Option<String> {
    let (name, column) = name
        .split_once('.')
        .map_or((name, None), |(name, column)| (name, Some(column)));
    // The less fair, the greater.
    let value = |report: &GroupReport| {
        let ratios = report.ratios().into_iter();
        let ratios = ratios.map(|(found, value)| (found, -value));
        let mut all = report.differences().into_iter().chain(ratios);
        all.find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    };
    reports
        .iter()
        .filter(|report| column.is_none_or(|column| report.column == column))
        .filter_map(|report| Some((value(report)?, report)))
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, report)| report.explain(name))
}

/// The bounds that `evaluate.fairness.metrics` sets, as gates that name the groups.
fn bounds(lifecycle: &Lifecycle, reports: &[GroupReport]) -> Vec<GateOutcome> {
    let Some(fairness) = &lifecycle.evaluate.fairness else {
        return Vec::new();
    };
    let mut gates = Vec::new();
    for (name, max) in &fairness.bounds {
        for report in reports {
            let Some((_, value)) = report
                .differences()
                .into_iter()
                .find(|(found, _)| found == name)
            else {
                continue;
            };
            gates.push(GateOutcome {
                text: format!("{name} <= {max} by {}", report.column),
                passed: value <= *max,
                shown: format!("{name} = {value:.4} <= {max}; {}", report.explain(name)),
            });
        }
    }
    gates
}

/// The 99th percentile of the time that one row takes, after a first row that warms up.
fn latency_p99_ms(scorer: &dyn Scorer, inputs: &RecordBatch) -> Result<f64, Error> {
    if inputs.num_rows() == 0 {
        return Ok(0.0);
    }
    scorer.score(&inputs.slice(0, 1))?;
    let mut times = Vec::with_capacity(N_TIMED_ROWS);
    for index in 0..N_TIMED_ROWS.min(inputs.num_rows()) {
        let start = Instant::now();
        scorer.score(&inputs.slice(index, 1))?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[(times.len() - 1) * 99 / 100])
}
