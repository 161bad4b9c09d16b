//! What a search has found: for the run, for people, and for the next training.

use std::collections::BTreeMap;

use everloop_domain::search::Search;
use everloop_domain::{ParameterValue, RunId, Value};
use everloop_train::tuning::{Study, Trial, html, parameters_of};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Place, built_in, first_problem};
use crate::Error;

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// The trainer of the best trial, if it is a built-in one.
    pub trainer: Option<String>,
    /// All parameters that the model is trained with: the best ones, and those that are fixed.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// The number of the best trial.
    pub best_trial: usize,
    /// The best trial's objectives by metric.
    pub scores: BTreeMap<String, f64>,
    /// How many trials ended, by state.
    pub n_trials: BTreeMap<String, usize>,
    /// The run whose children the trials are.
    pub run: RunId,
}

impl Tuned {
    /// The best parameters, to be pasted into a lifecycle file.
    #[must_use]
    pub fn yaml(&self) -> String {
        let mut text = "train:\n".to_owned();
        if let Some(trainer) = &self.trainer {
            text.push_str(&format!("  trainer: {trainer}\n"));
        }
        if self.parameters.is_empty() {
            return text + "  parameters: {}\n";
        }
        text.push_str("  parameters:\n");
        for (name, value) in &self.parameters {
            text.push_str(&format!("    {name}: {}\n", written(value)));
        }
        text
    }

    /// How it went, in a line.
    pub(crate) fn words(&self) -> String {
        let scores: Vec<String> = self
            .scores
            .iter()
            .map(|(metric, value)| format!("{metric} {}", shown(*value)))
            .collect();
        let counts: Vec<String> = self
            .n_trials
            .iter()
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        format!(
            "trial {} is the best ({}) of {}",
            self.best_trial,
            scores.join(", "),
            counts.join(", ")
        )
    }
}

/// A value as YAML: texts are quoted unless they are plain words.
fn written(value: &ParameterValue) -> String {
    match value {
        ParameterValue::One(value) => scalar(value),
        ParameterValue::List(values) => {
            let values: Vec<String> = values.iter().map(scalar).collect();
            format!("[{}]", values.join(", "))
        }
        ParameterValue::Map(values) => {
            let pairs: Vec<String> = values
                .iter()
                .map(|(name, value)| format!("{}: {}", text(name), scalar(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Text(words) => text(words),
        other => other.to_string(),
    }
}

fn text(words: &str) -> String {
    let is_plain = words.starts_with(|c: char| c.is_ascii_alphabetic())
        && words
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && !matches!(
            words.to_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if is_plain {
        words.to_owned()
    } else {
        format!("\"{}\"", words.escape_debug())
    }
}

/// A trial in a line.
pub(super) fn line(search: &Search, trial: &Trial) -> String {
    let parameters: Vec<String> = trial
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let parameters = parameters.join(", ");
    if let Some(problem) = &trial.problem {
        return format!("trial {} failed: {problem} ({parameters})", trial.number);
    }
    let scores = search.objectives.iter().zip(&trial.values);
    let scores: Vec<String> = scores
        .map(|(objective, value)| format!("{} {}", objective.metric, shown(*value)))
        .collect();
    if scores.is_empty() {
        format!("trial {} was ended early ({parameters})", trial.number)
    } else {
        format!(
            "trial {}: {} ({parameters})",
            trial.number,
            scores.join(", ")
        )
    }
}

fn shown(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) {
        format!("{value:.4e}")
    } else {
        format!("{value:.5}")
    }
}

/// What a study has found; its files are written into the directory of the stage.
pub(super) fn of(place: &Place<'_>, study: &Study) -> Result<Tuned, Error> {
    let lifecycle = place.runner.lifecycle();
    let Some(best) = study.best() else {
        let count = study.trials().count();
        let why = first_problem(study.trials()).unwrap_or("no trial was carried to its end");
        return Err(Error::Invalid(format!(
            "none of {count} trials of `train.tune` could be scored; the first: {why}"
        )));
    };
    let trainer = built_in(&lifecycle.train.trainer);
    let (name, parameters) = parameters_of(
        trainer.unwrap_or_default(),
        &lifecycle.train.parameters,
        &best.parameters,
    );
    let mut n_trials = BTreeMap::new();
    for trial in study.trials() {
        *n_trials.entry(trial.state.as_str().to_owned()).or_default() += 1;
    }
    let scores = study.search().objectives.iter().zip(&best.values);
    let tuned = Tuned {
        trainer: trainer.map(|_| name),
        parameters,
        best_trial: best.number,
        scores: scores
            .map(|(objective, value)| (objective.metric.clone(), *value))
            .collect(),
        n_trials,
        run: place.run.id.clone(),
    };
    write(
        place,
        "tuning.json",
        &serde_json::to_vec_pretty(&record(study, &tuned)).unwrap_or_default(),
    )?;
    write(
        place,
        "tuning.html",
        html(study, &lifecycle.project).as_bytes(),
    )?;
    write(place, "best_parameters.yaml", tuned.yaml().as_bytes())?;
    Ok(tuned)
}

fn record(study: &Study, tuned: &Tuned) -> serde_json::Value {
    let front: Vec<usize> = study.front().iter().map(|trial| trial.number).collect();
    let objectives = study.search().objectives.iter().enumerate();
    let importances: BTreeMap<&str, _> = objectives
        .map(|(place, objective)| (objective.metric.as_str(), study.importances(place)))
        .collect();
    json!({
        "version": 1,
        "search": study.search(),
        "best": tuned,
        "front": front,
        "importances": importances,
        "trials": study.trials().collect::<Vec<_>>(),
    })
}

fn write(place: &Place<'_>, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = place.dir.join(name);
    std::fs::write(&path, bytes).map_err(|source| Error::file("write", &path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_parameters_can_be_pasted() {
        let text = |words: &str| Value::Text(words.to_owned());
        let tuned = Tuned {
            trainer: Some("neural".to_owned()),
            parameters: BTreeMap::from([
                (
                    "hidden".to_owned(),
                    ParameterValue::List(vec![Value::Integer(64), Value::Integer(32)]),
                ),
                ("learning_rate".to_owned(), Value::Number(0.01).into()),
                ("mode".to_owned(), text("no").into()),
                ("weights".to_owned(), text("a \"b\"").into()),
                ("word".to_owned(), text("balanced").into()),
            ]),
            best_trial: 3,
            scores: BTreeMap::from([("rmse".to_owned(), 0.25)]),
            n_trials: BTreeMap::from([("complete".to_owned(), 9), ("failed".to_owned(), 1)]),
            run: RunId::from_bytes([1; 16]),
        };
        assert_eq!(
            tuned.yaml(),
            "train:\n  trainer: neural\n  parameters:\n    hidden: [64, 32]\n    learning_rate: 0.01\n    mode: \"no\"\n    weights: \"a \\\"b\\\"\"\n    word: balanced\n"
        );
        assert_eq!(
            tuned.words(),
            "trial 3 is the best (rmse 0.25000) of 9 complete, 1 failed"
        );
    }
}
