//! The ends: of the ranges of parameters, and of training, wherever it is cancelled.

use std::ops::ControlFlow;

use everloop_domain::{ParameterValue, Value};
use everloop_train::{Error, ParameterInfo, ParameterKind};

use crate::rows::{Case, all_cases, made_up, numbers};

/// As cheap as it gets.
fn cheap_cases() -> Vec<Case> {
    let cheap = |case: Case| match case.trainer {
        "forest" | "boosting" | "isolation_forest" => case.with("trees", 3),
        "neural" => case.with("epochs", 2).with("hidden", 8),
        "kmeans" => case.with("n_init", 2),
        _ => case,
    };
    all_cases().into_iter().map(cheap).collect()
}

/// What fitting says if the call of that number cancels and all others go on; and how often it called.
fn cancelled_at(case: &Case, number: usize) -> (Option<Error>, usize, Option<usize>) {
    let (train, validation) = (made_up(60, 1), made_up(20, 2));
    let (mut n_calls, mut step) = (0, None);
    let fitted = case.fit_watched(&train, &validation, &mut |progress| {
        n_calls += 1;
        if n_calls == number {
            step = Some(progress.step);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    (fitted.err(), n_calls, step)
}

/// A trainer that overhears it goes on: later calls would not stop it.
#[test]
fn training_ends_at_the_call_that_cancels_it() {
    for case in cheap_cases() {
        let name = format!("{} ({})", case.trainer, case.task);
        let (error, n_calls, _) = cancelled_at(&case, 0);
        assert!(error.is_none() && n_calls > 0, "{name}: {error:?}");
        let mut numbers = vec![1, 2, 3, 5, n_calls / 2, n_calls - 1, n_calls];
        numbers.retain(|number| (1..=n_calls).contains(number));
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let (error, n_calls, step) = cancelled_at(&case, number);
            let told = match error {
                Some(Error::Cancelled { step }) => Some(step),
                other => panic!("{name}: call {number}: {other:?}"),
            };
            assert_eq!((n_calls, told), (number, step), "{name}");
        }
    }
}

/// What takes too long at its greatest value.
fn is_costly(parameter: &ParameterInfo) -> bool {
    matches!(parameter.name, "trees" | "epochs" | "hidden" | "n_init")
}

/// A value of a parameter as a file would have it.
fn value(parameter: &ParameterInfo, at: f64) -> Option<ParameterValue> {
    let value = match parameter.kind {
        ParameterKind::Integer | ParameterKind::Integers { .. } => Value::Integer(at as i64),
        ParameterKind::Number => Value::Number(at),
        ParameterKind::Choice(words) => Value::Text(words[at as usize].to_owned()),
        ParameterKind::ByColumn(_) => return None,
    };
    Some(value.into())
}

/// What is wrong with fitting it, or nothing.
fn problem(case: &Case, parameter: &str) -> Option<String> {
    let rows = made_up(60, 1);
    let fitted = match case.fit(&rows, &made_up(20, 2)) {
        Ok(fitted) => fitted,
        Err(error) => {
            let text = error.to_string();
            return (!text.contains(&format!("`{parameter}"))).then_some(text);
        }
    };
    let own = fitted.predict(&rows).ok()?;
    for field in own.schema().fields() {
        let is_number = field.data_type().is_floating();
        if is_number
            && !numbers(&own, field.name())
                .iter()
                .all(|value| value.is_finite())
        {
            return Some(format!("`{}` is not finite", field.name()));
        }
    }
    None
}

#[test]
fn both_ends_of_every_range_fit_or_are_named() {
    let mut problems = Vec::new();
    for case in cheap_cases() {
        let mut infos = everloop_train::trainers();
        let info = infos.find(|info| info.name == case.trainer);
        for parameter in info.unwrap().parameters {
            for at in [parameter.min, parameter.max] {
                if at == parameter.max && is_costly(parameter) {
                    continue;
                }
                let Some(value) = value(parameter, at) else {
                    continue;
                };
                let mut own = case.clone();
                own.parameters.insert(parameter.name.to_owned(), value);
                let found = problem(&own, parameter.name);
                problems.extend(found.map(|found| {
                    let (trainer, task) = (case.trainer, case.task);
                    format!("{trainer} ({task}), `{}` {at}: {found}", parameter.name)
                }));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
