//! What scikit-learn gives for the same rows: `tests/golden/simple.json`, made by `gen/simple.py`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use everloop_domain::Task;
use serde_json::Value as Json;

use crate::rows::{Case, numbers};

pub(crate) fn golden() -> Json {
    serde_json::from_str(include_str!("../golden/simple.json")).unwrap()
}

fn floats(list: &Json) -> Vec<f64> {
    let list = list.as_array().unwrap();
    list.iter().map(|value| value.as_f64().unwrap()).collect()
}

/// The columns of a table in the file.
fn table(columns: &Json) -> RecordBatch {
    let columns = columns.as_object().unwrap().iter();
    let columns = columns.map(|(name, list)| {
        let list = list.as_array().unwrap();
        let column: ArrayRef = match &list[0] {
            Json::String(_) => Arc::new(list.iter().map(Json::as_str).collect::<StringArray>()),
            Json::Bool(_) => Arc::new(list.iter().map(Json::as_bool).collect::<BooleanArray>()),
            _ => Arc::new(list.iter().map(Json::as_f64).collect::<Float64Array>()),
        };
        (name.clone(), column)
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

fn case(trainer: &'static str, target: &str, columns: &[&str]) -> Case {
    let task = match target {
        "amount" => Task::Regression,
        "answer" => Task::Binary,
        _ => Task::Multiclass,
    };
    let mut case = Case::new(trainer, task);
    case.columns = columns.iter().map(|name| (*name).to_owned()).collect();
    case.features.clear();
    case
}

/// Fits and compares with values, or with the probabilities of the classes row by row.
#[track_caller]
fn check(case: &Case, golden: &Json, expected: &Json, what: &str) {
    let (train, test) = (table(&golden["train"]), table(&golden["test"]));
    let fitted = case.fit(&train, &test).unwrap();
    let own = fitted.predict(&test).unwrap();
    let names = match case.task {
        Task::Regression => vec!["prediction"],
        Task::Binary => vec!["probability"],
        _ => vec!["probability_low", "probability_mid", "probability_top"],
    };
    for (place, name) in names.iter().enumerate() {
        for (row, (own, expected)) in numbers(&own, name)
            .into_iter()
            .zip(expected.as_array().unwrap())
            .enumerate()
        {
            let expected = match case.task {
                Task::Regression => expected.as_f64().unwrap(),
                Task::Binary => expected[1].as_f64().unwrap(),
                _ => expected[place].as_f64().unwrap(),
            };
            assert!(
                (own - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{what}, {name}, row {row}: {own} {expected}"
            );
        }
    }
}

#[test]
fn nearest_neighbours_are_those_of_scikit_learn() {
    let golden = golden();
    for settings in golden["nearest"].as_array().unwrap() {
        for target in ["amount", "answer", "level"] {
            let case = case("nearest", target, &["x0", "x1", "x2"])
                .with("k", settings["k"].as_i64().unwrap())
                .with("weights", settings["weights"].as_str().unwrap())
                .with("metric", settings["metric"].as_str().unwrap());
            let what = format!(
                "k {} {} {}",
                settings["k"], settings["weights"], settings["metric"]
            );
            check(&case, &golden, &settings[target], &what);
        }
    }
}

#[test]
fn naive_bayes_is_that_of_scikit_learn() {
    let golden = golden();
    for settings in golden["naive_bayes"].as_array().unwrap() {
        for target in ["answer", "level"] {
            let mut case = case("naive_bayes", target, &["x0", "x1", "x2", "color", "flag"])
                .with("smoothing", settings["smoothing"].as_f64().unwrap());
            case.weight = settings["weighted"]
                .as_bool()
                .unwrap()
                .then(|| "weight".to_owned());
            check(
                &case,
                &golden,
                &settings[target],
                &settings["smoothing"].to_string(),
            );
        }
    }
}

/// What naive Bayes makes of a missing value: nothing.
#[test]
fn naive_bayes_skips_what_is_missing() {
    let golden = golden();
    let (train, test) = (table(&golden["train"]), table(&golden["test"]));
    let probability = |columns: &[&str], rows: &RecordBatch| {
        let fitted = case("naive_bayes", "answer", columns)
            .fit(&train, &test)
            .unwrap();
        numbers(&fitted.predict(rows).unwrap(), "probability")
    };
    let none: ArrayRef = Arc::new(Float64Array::from(vec![None::<f64>; test.num_rows()]));
    let rows = crate::rows::with_column(&test, "x1", none);
    let without = probability(&["x0", "color"], &rows);
    let missing = probability(&["x0", "x1", "color"], &rows);
    for (without, missing) in without.iter().zip(&missing) {
        assert!((without - missing).abs() < 1e-9, "{without} {missing}");
    }
}

#[test]
fn the_baseline_is_a_constant() {
    let golden = golden();
    let (train, test) = (table(&golden["train"]), table(&golden["test"]));
    let amounts = floats(&golden["train"]["amount"]);
    let said = |case: &Case| match case.fit(&train, &test) {
        Ok(fitted) => {
            let name = if case.task == Task::Regression {
                "prediction"
            } else {
                "probability"
            };
            let all = numbers(&fitted.predict(&test).unwrap(), name);
            assert!(all.iter().all(|own| *own == all[0]));
            format!("{:.9}", all[0])
        }
        Err(error) => error.to_string(),
    };
    let regression =
        |strategy: &str| case("baseline", "amount", &["x0", "color"]).with("strategy", strategy);
    let mean = amounts.iter().sum::<f64>() / amounts.len() as f64;
    assert_eq!(said(&regression("auto")), format!("{mean:.9}"));
    let mut sorted = amounts.clone();
    sorted.sort_by(f64::total_cmp);
    let median = f64::midpoint(sorted[59], sorted[60]);
    assert_eq!(said(&regression("median")), format!("{median:.9}"));
    let low = sorted[11] + 0.9 * (sorted[12] - sorted[11]);
    assert_eq!(
        said(&regression("quantile").with("quantile", 0.1)),
        format!("{low:.9}")
    );
    let mut last = regression("last");
    assert_eq!(
        said(&last),
        "parameter `strategy`: `last` needs to know which row is the last: set `dataset.time`"
    );
    last.time = Some("x0".to_owned());
    last.columns = vec!["color".to_owned()];
    let times = floats(&golden["train"]["x0"]);
    let latest = (0..times.len()).max_by(|left, right| times[*left].total_cmp(&times[*right]));
    assert_eq!(said(&last), format!("{:.9}", amounts[latest.unwrap()]));
    let classes = |strategy: &str| case("baseline", "answer", &["x0"]).with("strategy", strategy);
    let answers = golden["train"]["answer"].as_array().unwrap();
    let share = answers.iter().filter(|answer| *answer == "yes").count() as f64 / 120.0;
    assert_eq!(said(&classes("auto")), format!("{share:.9}"));
    let majority = f64::from(u8::from(share > 0.5));
    assert_eq!(said(&classes("majority")), format!("{majority:.9}"));
    assert_eq!(
        said(&classes("mean")),
        "parameter `strategy`: `mean` does not suit a binary task; take `prior` or `majority`"
    );
}

#[test]
fn nearest_says_what_it_cannot_keep() {
    let golden = golden();
    let (train, test) = (table(&golden["train"]), table(&golden["test"]));
    let said = |name: &str, value: i64| {
        let case = case("nearest", "amount", &["x0"]).with(name, value);
        case.fit(&train, &test).unwrap_err().to_string()
    };
    assert_eq!(
        said("max_rows", 100),
        "`nearest` keeps all 120 train rows, at most 100 are allowed: raise `max_rows` (a prediction takes longer with every row), or learn from fewer rows"
    );
    assert_eq!(
        said("k", 121),
        "parameter `k`: 121 neighbours are asked for, and there are 120 train rows"
    );
}

/// Rows of a list of lists.
fn points(list: &Json) -> RecordBatch {
    let rows: Vec<Vec<f64>> = list.as_array().unwrap().iter().map(floats).collect();
    let columns = (0..rows[0].len()).map(|column| {
        let values = rows.iter().map(|row| row[column]);
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
        (format!("x{column}"), values)
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The share of pairs of an anomaly and another row that are in order.
fn auc(truth: &[f64], scores: &[f64]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (_, high) in truth.iter().zip(scores).filter(|(truth, _)| **truth > 0.5) {
        for (_, low) in truth.iter().zip(scores).filter(|(truth, _)| **truth < 0.5) {
            pairs += 1.0;
            wins += if high > low {
                1.0
            } else {
                f64::from(u8::from(high == low)) / 2.0
            };
        }
    }
    wins / pairs
}

#[test]
fn isolation_forests_score_as_those_of_scikit_learn() {
    let golden = golden();
    let golden = &golden["anomalies"];
    let (train, test) = (points(&golden["train"]), points(&golden["test"]));
    let (truth, expected) = (floats(&golden["truth"]), floats(&golden["mean_score"]));
    let mut mean = vec![0.0; truth.len()];
    let (mut aucs, mut flagged) = (Vec::new(), Vec::new());
    for seed in 0..5 {
        let mut case =
            Case::on("isolation_forest", Task::Anomaly, &train, "").with("contamination", 0.05);
        case.seed = seed;
        let own = case.fit(&train, &test).unwrap().predict(&test).unwrap();
        let scores = numbers(&own, "score");
        mean.iter_mut()
            .zip(&scores)
            .for_each(|(mean, score)| *mean += score / 5.0);
        aucs.push(auc(&truth, &scores));
        let flags = own.column_by_name("prediction").unwrap();
        let flags = arrow::array::AsArray::as_boolean(flags);
        flagged.push(flags.true_count() as f64 / truth.len() as f64);
    }
    let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let of_peer = average(&floats(&golden["auc"]));
    assert!(
        (average(&aucs) - of_peer).abs() < 0.01,
        "{aucs:?} {of_peer}"
    );
    let of_peer = average(&floats(&golden["share_flagged"]));
    assert!(
        (average(&flagged) - of_peer).abs() < 0.03,
        "{flagged:?} {of_peer}"
    );
    let differences: Vec<f64> = mean
        .iter()
        .zip(&expected)
        .map(|(own, peer)| (own - peer).abs())
        .collect();
    assert!(average(&differences) < 0.01, "{}", average(&differences));
}

#[test]
fn groups_are_those_of_scikit_learn() {
    let golden = golden();
    let golden = &golden["clusters"];
    let rows = points(&golden["rows"]);
    let case = Case::on("kmeans", Task::Clustering, &rows, "")
        .with("clusters", 4)
        .with("n_init", 10);
    let own = case.fit(&rows, &rows).unwrap().predict(&rows).unwrap();
    let found = numbers(&own, "prediction");
    let expected = floats(&golden["labels"]);
    for left in 0..found.len() {
        for right in 0..left {
            let together = (
                found[left] == found[right],
                expected[left] == expected[right],
            );
            assert!(together.0 == together.1, "rows {left} and {right}");
        }
    }
    let inertia: f64 = (0..found.len())
        .map(|row| {
            let distances = (0..4).map(|place| numbers(&own, &format!("distance_{place}"))[row]);
            distances.fold(f64::INFINITY, f64::min).powi(2)
        })
        .sum();
    let expected = golden["inertia"].as_f64().unwrap();
    assert!(
        (inertia - expected).abs() < 1e-6 * expected,
        "{inertia} {expected}"
    );
}
