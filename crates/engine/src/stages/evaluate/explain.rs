//! By what inputs the candidate's predictions come about: SHAP values and partial dependence.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use everloop_domain::Task;
use everloop_package::native::{Attributions, Explainer, Scale};
use serde::{Deserialize, Serialize};

use super::chance::evenly;
use super::disturbed::replaced;
use super::{Candidate, rows_of};
use crate::Error;
use crate::scoring::{Scored, inputs, texts};

/// Rows of the train part by which trees are explained at most.
const MAX_BACKGROUND_ROWS: usize = 10_000;
/// Elementary steps of SHAP values at most: with large models fewer rows are explained.
const MAX_STEPS: usize = 60_000_000;
/// Rows that are explained at least.
const MIN_ROWS: usize = 20;
/// Rows and inputs whose single values the report draws.
const MAX_DRAWN_ROWS: usize = 150;
const MAX_DRAWN_INPUTS: usize = 12;
/// Rows that a partial dependence is the mean of, rows that are drawn one by one, and values of an input.
const N_DEPENDENCE_ROWS: usize = 100;
const N_INDIVIDUAL: usize = 20;
const N_GRID: usize = 16;

/// What was found of the candidate's inputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// SHAP values, for models of trees and linear ones.
    pub shap: Option<Shap>,
    /// How the prediction moves with one input.
    pub partial_dependence: Vec<Dependence>,
    /// Of what the numbers are told: the prediction, or the probability of a class.
    pub of: String,
}

/// SHAP values of some rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shap {
    /// How many rows were explained.
    pub n_rows: usize,
    /// Whether values add up to log odds rather than to the prediction.
    pub is_log_odds: bool,
    /// What is predicted of a row of which nothing is known.
    pub base: f64,
    /// The mean of the values without sign, by input, the greatest first.
    pub importances: Vec<(String, f64)>,
    /// Of the first inputs: for some rows the SHAP value, and the place of the input's value between 0 and 1.
    pub drawn: Vec<DrawnInput>,
}

/// The SHAP values of one input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrawnInput {
    /// The input.
    pub input: String,
    /// SHAP value and place of the input's value; no place where it is no number.
    pub points: Vec<(f64, Option<f64>)>,
}

/// How the prediction moves with one input, everything else as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// The input.
    pub input: String,
    /// Its values, as texts.
    pub values: Vec<String>,
    /// The same as numbers, if they are.
    pub numbers: Option<Vec<f64>>,
    /// The mean prediction at each value.
    pub mean: Vec<f64>,
    /// The predictions of some single rows at each value (ICE).
    pub individual: Vec<Vec<f64>>,
}

/// Explains the candidate on test rows; the train rows are the background.
pub(super) fn explain(
    candidate: &Candidate<'_>,
    dir: &Path,
    train: &RecordBatch,
    test: &RecordBatch,
    scored: &Scored,
    notes: &mut Vec<String>,
) -> Result<Explanation, Error> {
    let wanted = &candidate.lifecycle.evaluate.explain;
    if wanted.rows == 0 || test.num_rows() == 0 {
        return Ok(Explanation::default());
    }
    let class = class(scored);
    let shap = if wanted.shap {
        match attributions(candidate, dir, train, test, notes) {
            Ok((rows, found)) => Some(shap(&found, &rows, class)),
            Err(error) => {
                notes.push(format!("no SHAP values: {error}"));
                None
            }
        }
    } else {
        None
    };
    let mut names = candidate.inputs(test);
    if let Some(shap) = &shap {
        let place = |name: &String| {
            let found = shap.importances.iter().position(|(input, _)| input == name);
            found.unwrap_or(usize::MAX)
        };
        names.sort_by_key(place);
    }
    let rows = rows_of(test, &evenly(test.num_rows(), N_DEPENDENCE_ROWS))?;
    let mut partial_dependence = Vec::new();
    for name in names.into_iter().take(wanted.partial_dependence) {
        match dependence(candidate, test, &rows, &name, class) {
            Ok(found) => partial_dependence.extend(found),
            Err(error) => notes.push(format!("no partial dependence on `{name}`: {error}")),
        }
    }
    Ok(Explanation {
        shap,
        partial_dependence,
        of: match scored.task {
            Task::Regression => "prediction".to_owned(),
            _ => scored.classes.get(class).map_or_else(
                || "probability".to_owned(),
                |class| format!("probability of {class}"),
            ),
        },
    })
}

/// The class that is explained: the positive one, or the one that most rows have.
fn class(scored: &Scored) -> usize {
    if scored.task != Task::Multiclass {
        return usize::from(scored.task == Task::Binary);
    }
    let n_of = |class: usize| {
        scored
            .truth
            .iter()
            .filter(|it| **it == class as f64)
            .count()
    };
    (0..scored.classes.len())
        .max_by_key(|class| (n_of(*class), usize::MAX - class))
        .unwrap_or_default()
}

fn attributions(
    candidate: &Candidate<'_>,
    dir: &Path,
    train: &RecordBatch,
    test: &RecordBatch,
    notes: &mut Vec<String>,
) -> Result<(RecordBatch, Attributions), Error> {
    let graph = everloop_package::open(dir)?.graph()?;
    let conformed = |rows: &RecordBatch, max: usize| -> Result<RecordBatch, Error> {
        let rows = rows_of(rows, &evenly(rows.num_rows(), max))?;
        inputs(candidate.scorer, candidate.lifecycle, &rows)
    };
    let explainer = Explainer::new(&graph, &conformed(train, MAX_BACKGROUND_ROWS)?)?;
    let affordable = (MAX_STEPS / explainer.steps_per_row().max(1)).max(MIN_ROWS);
    let wanted = candidate.lifecycle.evaluate.explain.rows;
    let rows = conformed(test, wanted.min(affordable))?;
    if rows.num_rows() < wanted.min(test.num_rows()) {
        notes.push(format!(
            "SHAP values are of {} rows: the model is too large for more",
            rows.num_rows()
        ));
    }
    let found = explainer.explain(&rows)?;
    Ok((rows, found))
}

fn shap(found: &Attributions, rows: &RecordBatch, class: usize) -> Shap {
    let target = if found.n_targets > class { class } else { 0 };
    let n_inputs = found.inputs.len();
    let value = |row: usize, input: usize| {
        found.values[(row * n_inputs + input) * found.n_targets + target]
    };
    let n_rows = rows.num_rows();
    let mut importances: Vec<(usize, f64)> = (0..n_inputs)
        .map(|input| {
            let sum: f64 = (0..n_rows).map(|row| value(row, input).abs()).sum();
            (input, sum / n_rows.max(1) as f64)
        })
        .collect();
    importances.sort_by(|one, other| other.1.total_cmp(&one.1));
    let drawn_rows = evenly(n_rows, MAX_DRAWN_ROWS);
    let drawn = importances
        .iter()
        .take(MAX_DRAWN_INPUTS)
        .map(|(input, _)| {
            let name = &found.inputs[*input];
            let places = places(rows, name);
            let points = drawn_rows.iter();
            DrawnInput {
                input: name.clone(),
                points: points
                    .map(|row| (value(*row, *input), places[*row]))
                    .collect(),
            }
        })
        .collect();
    Shap {
        n_rows,
        is_log_odds: found.scale == Scale::LogOdds,
        base: found.base.get(target).copied().unwrap_or_default(),
        importances: importances
            .into_iter()
            .map(|(input, mean)| (found.inputs[input].clone(), mean))
            .collect(),
        drawn,
    }
}

/// Where the values of a column lie between its 5th and its 95th percentile, 0 to 1; nothing for texts.
fn places(rows: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    let Some(numbers) = rows.column_by_name(name).and_then(numbers) else {
        return vec![None; rows.num_rows()];
    };
    let mut sorted: Vec<f64> = numbers
        .iter()
        .copied()
        .filter(|it| it.is_finite())
        .collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * sorted.len().saturating_sub(1) as f64;
        sorted.get(place as usize).copied().unwrap_or_default()
    };
    let (low, high) = (at(0.05), at(0.95));
    let width = if high > low { high - low } else { 1.0 };
    numbers
        .iter()
        .map(|it| it.is_finite().then(|| ((it - low) / width).clamp(0.0, 1.0)))
        .collect()
}

/// A column as numbers, NaN where missing; nothing for texts.
fn numbers(column: &ArrayRef) -> Option<Vec<f64>> {
    if !matches!(
        column.data_type(),
        DataType::Int64 | DataType::Float64 | DataType::Boolean
    ) {
        return None;
    }
    let number = |text: Option<String>| match text.as_deref() {
        Some("true") => 1.0,
        Some("false") => 0.0,
        Some(text) => text.parse().unwrap_or(f64::NAN),
        None => f64::NAN,
    };
    Some(texts(column).into_iter().map(number).collect())
}

fn dependence(
    candidate: &Candidate<'_>,
    test: &RecordBatch,
    rows: &RecordBatch,
    name: &str,
    class: usize,
) -> Result<Option<Dependence>, Error> {
    let Some(column) = test.column_by_name(name) else {
        return Ok(None);
    };
    let (values, numbers) = grid(column);
    if values.is_empty() {
        return Ok(None);
    }
    let n_rows = rows.num_rows();
    let mut individual = vec![Vec::with_capacity(values.len()); N_INDIVIDUAL.min(n_rows)];
    let mut mean = Vec::with_capacity(values.len());
    for value in &values {
        let constant = constant(column.data_type(), value, n_rows);
        let predicted = predicted(candidate, &replaced(rows, name, &constant)?, class)?;
        mean.push(predicted.iter().sum::<f64>() / n_rows.max(1) as f64);
        for (curve, value) in individual.iter_mut().zip(&predicted) {
            curve.push(*value);
        }
    }
    Ok(Some(Dependence {
        input: name.to_owned(),
        values,
        numbers,
        mean,
        individual,
    }))
}

/// The values of a column that predictions are made for: quantiles of many numbers, else the most frequent ones.
fn grid(column: &ArrayRef) -> (Vec<String>, Option<Vec<f64>>) {
    let mut counts: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for text in texts(column).into_iter().flatten() {
        *counts.entry(text).or_default() += 1;
    }
    let Some(found) = numbers(column).filter(|_| *column.data_type() != DataType::Boolean) else {
        let mut frequent: Vec<(String, usize)> = counts.into_iter().collect();
        frequent.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        frequent.truncate(N_GRID);
        return (frequent.into_iter().map(|(text, _)| text).collect(), None);
    };
    let mut sorted: Vec<f64> = found.into_iter().filter(|it| it.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    if counts.len() <= N_GRID {
        sorted.dedup();
    } else {
        let last = sorted.len() - 1;
        // The outermost hundredths are left out: few rows tell of them.
        let at = |step: usize| 0.01 + 0.98 * step as f64 / (N_GRID - 1) as f64;
        sorted = (0..N_GRID)
            .map(|step| sorted[(at(step) * last as f64) as usize])
            .collect();
        sorted.dedup();
    }
    let texts = sorted.iter().map(ToString::to_string).collect();
    (texts, Some(sorted))
}

/// A column of one value.
fn constant(kind: &DataType, value: &str, n_rows: usize) -> ArrayRef {
    match kind {
        DataType::Int64 => Arc::new(Int64Array::from(vec![
            value
                .parse::<f64>()
                .ok()
                .map(|it| it as i64);
            n_rows
        ])),
        DataType::Float64 => Arc::new(Float64Array::from(vec![value.parse::<f64>().ok(); n_rows])),
        DataType::Boolean => Arc::new(arrow::array::BooleanArray::from(vec![
            value == "true";
            n_rows
        ])),
        _ => Arc::new(StringArray::from(vec![value; n_rows])),
    }
}

/// What is predicted: the number, or the probability of a class.
fn predicted(
    candidate: &Candidate<'_>,
    rows: &RecordBatch,
    class: usize,
) -> Result<Vec<f64>, Error> {
    let scored = candidate.score(rows)?;
    Ok(match (&scored.probabilities, scored.task) {
        (Some(all), Task::Multiclass) => {
            let n_classes = scored.classes.len();
            all.iter().skip(class).step_by(n_classes).copied().collect()
        }
        (Some(all), _) => all.clone(),
        (None, Task::Regression) => scored.predicted,
        (None, _) => {
            let is_class = scored.predicted.iter().map(|it| *it == class as f64);
            is_class.map(|it| f64::from(u8::from(it))).collect()
        }
    })
}
