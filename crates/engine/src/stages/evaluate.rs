//! Evaluate: candidate and champion score the same test rows; gates decide on the numbers.
//!
//! Everything that is measured is a function of the rows, the packages and the seed; what takes long is bounded, and
//! `notes` say where. `latency_p99_ms` alone depends on the machine.

mod candidate;
mod chance;
mod curves;
mod disturbed;
mod explain;
pub(crate) mod gates;
mod groups;
mod intervals;
mod naive;
mod permutation;
mod resources;
mod unsupervised;
mod weak;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use everloop_data::read_parquet;
use everloop_domain::StageName;
use everloop_domain::dataset::Part;
use everloop_lifecycle::Lifecycle;
use everloop_measure::{GroupReport, Metric, SliceScore, WeakSlice};
use everloop_package::Scorer;
use serde::{Deserialize, Serialize};

use self::candidate::{Candidate, Measured};
use self::gates::Names;
use super::deploy::Champion;
use super::monitor::write_reference;
use super::prepare::Prepared;
use super::train::Trained;
use super::train::decide::{Decided, HALF};
use super::{Output, blocking, cached};
use crate::report::{self, Facts};
use crate::scoring::{Scored, inputs, part_file, texts};
use crate::{Error, Fingerprint, Runner};

pub use self::curves::Curves;
pub use self::disturbed::{Disturbance, Robustness};
pub use self::explain::{Dependence, DrawnInput, Explanation, Shap};
pub use self::gates::{GateOutcome, GateVerdict};
pub use self::groups::{GroupComparison, GroupRates};
pub use self::intervals::{MetricInterval, Paired};
pub use self::naive::NaiveScores;

const VERSION: u32 = 3;
/// The files that people read, beside the numbers.
pub(crate) const REPORT_FILE: &str = "evaluation.html";
const CARD_FILE: &str = "model_card.html";
const CARD_TEXT: &str = "model_card.md";
/// All of them.
pub(crate) const PAGES: [&str; 3] = [REPORT_FILE, CARD_FILE, CARD_TEXT];

/// What evaluating found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The candidate's scores on the test part, with `n_rows`, what it costs, and comparisons of groups.
    pub metrics: BTreeMap<String, f64>,
    /// Why a metric has no value.
    pub missing: BTreeMap<String, String>,
    /// How certain the scores are.
    pub intervals: BTreeMap<String, MetricInterval>,
    /// The champion's scores on the same rows.
    pub champion: Option<BTreeMap<String, f64>>,
    /// Why the champion could not be scored, if it could not.
    pub champion_problem: Option<String>,
    /// The scores of a prediction that looks at no input, on the same rows.
    #[serde(default)]
    pub naive: NaiveScores,
    /// Candidate against champion on the same rows.
    pub comparison: Vec<Paired>,
    /// By input, how much worse the first metric is when the column is shuffled over the test rows: mean and standard
    /// deviation over the repeats, the greatest first. Without a truth, how many predictions change.
    #[serde(default)]
    pub permutation_importances: Vec<(String, f64, f64)>,
    /// Scores by value of the slice columns.
    pub slices: Vec<SliceScore>,
    /// Fairness by group column, small groups included.
    pub fairness: Vec<GroupReport>,
    /// Every rate of every group, and how far groups lie apart.
    pub groups: Vec<GroupComparison>,
    /// Curves and tables of predictions and truth.
    pub curves: Curves,
    /// Parts of the rows on which the candidate is worse than elsewhere.
    pub weak_slices: Vec<WeakSlice>,
    /// What disturbed inputs do.
    pub robustness: Option<Robustness>,
    /// By what inputs predictions come about.
    pub explanation: Explanation,
    /// What was decided about thresholds and differences between groups, and what it changed.
    pub decided: Vec<Decided>,
    /// The gates with their numbers, in the order of the file; bounds of fairness come last.
    pub gates: Vec<GateOutcome>,
    /// What people should know of the numbers.
    pub notes: Vec<String>,
}

impl Evaluation {
    /// The first gate that refuses the candidate.
    #[must_use]
    pub fn refusal(&self) -> Option<&GateOutcome> {
        self.gates.iter().find(|gate| !gate.passed)
    }

    /// The gates that only warn and do not hold.
    pub fn warnings(&self) -> impl Iterator<Item = &GateOutcome> {
        let gates = self.gates.iter();
        gates.filter(|gate| gate.verdict == GateVerdict::Warn)
    }
}

pub(crate) async fn run(
    runner: &Runner,
    prepared: &Output<Prepared>,
    trained: &Output<Trained>,
    champion: Option<&Champion>,
) -> Result<Output<Evaluation>, Error> {
    let lifecycle = runner.lifecycle();
    let gates: Vec<(&str, bool)> = lifecycle
        .gates
        .iter()
        .map(|gate| (gate.text.as_str(), gate.warns))
        .collect();
    let mut fingerprint = Fingerprint::new(StageName::Evaluate, VERSION)
        .parameter("evaluate", &lifecycle.evaluate)
        .parameter("gates", &gates)
        .parameter("weight", &lifecycle.dataset.weight)
        .parameter("seed", &lifecycle.train.seed)
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
        costs: trained.result.costs(),
        facts: facts(runner, prepared, trained),
        decided: trained.result.decided.clone(),
    };
    cached(runner, &fingerprint, |dir| blocking(move || work.run(&dir))).await
}

/// What is known of the candidate before it is evaluated.
fn facts(runner: &Runner, prepared: &Output<Prepared>, trained: &Output<Trained>) -> Facts {
    let lifecycle = runner.lifecycle();
    let split = &prepared.result.split;
    let part =
        |name, part: &everloop_data::PartReport| (name, part.n_rows, part.digest.to_string());
    let parameters = lifecycle.train.parameters.iter();
    Facts {
        project: lifecycle.project.clone(),
        task: lifecycle.train.task,
        target: lifecycle.dataset.target.clone(),
        trainer: trained.result.trainer.clone(),
        parameters: parameters
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect(),
        seed: lifecycle.train.seed,
        parts: vec![
            part("train", &split.train),
            part("validation", &split.validation),
            part("test", &split.test),
        ],
        package: trained.result.package.to_string(),
        inputs: Vec::new(),
        metrics: lifecycle.evaluate.metrics.clone(),
        importances: trained.result.importances.clone(),
        training_notes: trained.result.notes.clone(),
        threshold: threshold(&trained.result.decided),
        card: lifecycle.evaluate.card.clone(),
        program: env!("CARGO_PKG_VERSION"),
    }
}

/// The threshold of all rows; nothing if groups have their own, or if no row is to be positive.
fn threshold(decided: &[Decided]) -> Option<f64> {
    decided.last().map_or(Some(HALF), |it| it.threshold)
}

struct Work {
    runner: Runner,
    parts: PathBuf,
    candidate: PathBuf,
    champion: Option<PathBuf>,
    /// What training cost, by name.
    costs: BTreeMap<String, f64>,
    facts: Facts,
    decided: Vec<Decided>,
}

impl Work {
    /// Evaluates, and writes the report and the model card beside the numbers.
    fn run(mut self, dir: &Path) -> Result<Evaluation, Error> {
        let evaluation = self.evaluate(dir)?;
        for (name, text) in [
            (REPORT_FILE, report::page(&self.facts, &evaluation)),
            (CARD_FILE, report::card_page(&self.facts, &evaluation)),
            (CARD_TEXT, report::card_markdown(&self.facts, &evaluation)),
        ] {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(|source| Error::file("write", &path, source))?;
        }
        Ok(evaluation)
    }

    fn evaluate(&mut self, dir: &Path) -> Result<Evaluation, Error> {
        let runner = self.runner.clone();
        let lifecycle = runner.lifecycle();
        let seed = lifecycle.train.seed;
        let train = read_parquet(&part_file(&self.parts, Part::Train))?;
        let test = read_parquet(&part_file(&self.parts, Part::Test))?;
        let loaded = self.runner.load_model(&self.candidate)?;
        let candidate = Candidate::new(loaded.as_ref(), lifecycle, &self.candidate)?;
        self.facts.inputs = candidate.inputs(&test);
        let Measured {
            mut metrics,
            missing,
            scored,
        } = candidate.measure(&train, &test)?;
        let scored = scored.as_ref();
        let mut notes = Vec::new();
        let evaluate = &lifecycle.evaluate;
        let intervals = scored.map_or_else(BTreeMap::new, |scored| {
            intervals::intervals(evaluate, scored, &metrics, seed, &mut notes)
        });
        self.cost(&candidate, &test, &mut metrics)?;
        let (champion, champion_problem) = self.champion(&train, &test);
        let both = scored.zip(champion.as_ref().and_then(|it| it.scored.as_ref()));
        let comparison = both.map_or_else(Vec::new, |(scored, champion)| {
            intervals::paired(evaluate, scored, champion, seed, &mut notes)
        });
        let champion = champion.map(|champion| champion.metrics);
        let slices = of(scored, |scored| slices(lifecycle, scored, &test))?;
        let groups = of(scored, |scored| groups::groups(evaluate, scored, &test))?;
        let naive = NaiveScores::of(lifecycle, &train, &test);
        let mut names = Names::new(&metrics, &missing, champion.as_ref());
        names.add_groups(naive.named().collect());
        names.add_intervals(&intervals);
        names.add_slices(&slices);
        names.add_groups(groups::named(&groups));
        names.add_comparison(&comparison);
        let mut gates = names.check(&lifecycle.gates, &groups)?;
        gates.extend(groups::bounds(evaluate, &groups));
        metrics.extend(compared(&groups));
        self.reference(dir, loaded.as_ref(), &test)?;
        // What follows looks at how predictions of a target come about.
        let taught = scored.filter(|_| lifecycle.train.task.is_supervised());
        Ok(Evaluation {
            missing,
            intervals,
            champion,
            champion_problem,
            naive,
            comparison,
            permutation_importances: permutation::importances(lifecycle, candidate.scorer, &test)?,
            fairness: of(scored, |scored| fairness(lifecycle, scored, &test))?,
            groups,
            curves: scored.map(curves::curves).unwrap_or_default(),
            weak_slices: of(taught, |scored| {
                weak::weak(lifecycle, scored, &test, &mut notes)
            })?,
            robustness: of(taught, |_| {
                disturbed::robustness(&candidate, &test, seed, &mut notes)
            })?,
            explanation: of(taught, |scored| {
                let dir = &self.candidate;
                explain::explain(&candidate, dir, &train, &test, scored, &mut notes)
            })?,
            decided: std::mem::take(&mut self.decided),
            metrics,
            slices,
            gates,
            notes,
        })
    }

    fn lifecycle(&self) -> &Lifecycle {
        self.runner.lifecycle()
    }

    /// Adds what the candidate costs to the metrics.
    fn cost(
        &self,
        candidate: &Candidate<'_>,
        test: &RecordBatch,
        metrics: &mut BTreeMap<String, f64>,
    ) -> Result<(), Error> {
        let inputs = inputs(candidate.scorer, candidate.lifecycle, test)?;
        let latency = resources::latency_p99_ms(candidate.scorer, &inputs)?;
        metrics.insert("n_rows".to_owned(), test.num_rows() as f64);
        metrics.insert("latency_p99_ms".to_owned(), latency);
        let package_mb = resources::package_mb(&self.candidate)?;
        metrics.insert("package_mb".to_owned(), package_mb);
        metrics.extend(self.costs.clone());
        Ok(())
    }

    /// The champion's scores on the candidate's rows. A champion that cannot take these rows any more
    /// (a column is gone) does not stop the cycle: the gates then see no champion, and it is told.
    fn champion(
        &self,
        train: &RecordBatch,
        test: &RecordBatch,
    ) -> (Option<Measured>, Option<String>) {
        let Some(dir) = &self.champion else {
            return (None, None);
        };
        let measured = self.runner.load_model(dir).and_then(|champion| {
            let champion = Candidate::new(champion.as_ref(), self.lifecycle(), dir)?;
            champion.measure(train, test)
        });
        match measured {
            Ok(found) => (Some(found), None),
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
        let kept = candidate.signature().kept(&inputs)?;
        write_reference(dir, &kept, &candidate.score(&inputs)?)
    }
}

/// What is found of scored rows; nothing if there are none.
fn of<T: Default>(
    scored: Option<&Scored>,
    find: impl FnOnce(&Scored) -> Result<T, Error>,
) -> Result<T, Error> {
    scored.map_or_else(|| Ok(T::default()), find)
}

/// The metrics of the file that outcomes have.
fn metrics(lifecycle: &Lifecycle) -> Vec<Metric> {
    let names = lifecycle.evaluate.metrics.iter();
    names.filter_map(|name| Metric::parse(name)).collect()
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
    let metrics = metrics(lifecycle);
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

/// Comparisons of groups that are logged as metrics: the usual ones, and those that the file bounds.
fn compared(groups: &[GroupComparison]) -> BTreeMap<String, f64> {
    const USUAL: [&str; 3] = ["demographic_parity", "equalized_odds", "equal_opportunity"];
    let mut named = groups::named(groups);
    // Names of metrics hold no comma: intersections are told in `groups` alone.
    named.retain(|name, _| !name.contains(',') && USUAL.iter().any(|it| name.starts_with(it)));
    named
}

/// The rows of a table at these places.
fn rows_of(rows: &RecordBatch, places: &[usize]) -> Result<RecordBatch, Error> {
    let places = arrow::array::UInt32Array::from_iter_values(places.iter().map(|it| *it as u32));
    arrow::compute::take_record_batch(rows, &places)
        .map_err(|error| Error::Invalid(error.to_string()))
}
