//! Whether what is searched are parameters of the trainers, and of which type they are.

use std::collections::{BTreeMap, BTreeSet};

use everloop_domain::search::{Dimension, Domain, Search, TRAINER};
use everloop_domain::{ParameterValue, Task, Value};

use crate::parameters::{ParameterKind, check_parameters};
use crate::{TrainerInfo, trainers};

/// What is wrong with a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceProblem {
    /// The dimension.
    pub dimension: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

/// Checks that every dimension is a parameter of every trainer that it may be set for, and that all its values are
/// possible. `trainer` is the one that is trained unless the search chooses; none for a command, which may take anything.
#[must_use]
pub fn check_search(search: &Search, trainer: Option<&str>, task: Task) -> Vec<SpaceProblem> {
    let space = &search.space;
    let mut problems: Vec<SpaceProblem> = space
        .iter()
        .enumerate()
        .filter_map(|(place, _)| twice(space, place))
        .collect();
    let Some(trainer) = trainer else {
        return problems;
    };
    for (place, dimension) in space.iter().enumerate() {
        if dimension.parameter == TRAINER {
            problems.extend(unknown_trainers(dimension, task));
            continue;
        }
        let mut told = BTreeSet::new();
        for name in trainers_of(space, place, trainer) {
            problems.extend(
                wrong(dimension, &name, task)
                    .filter(|problem| told.insert(problem.message.clone())),
            );
        }
    }
    problems
}

/// The search with whole numbers where the trainer's parameter is whole, and any numbers where it is not.
#[must_use]
pub fn typed(search: &Search, trainer: Option<&str>) -> Search {
    let mut typed = search.clone();
    let Some(trainer) = trainer else {
        return typed;
    };
    for (place, dimension) in typed.space.iter_mut().enumerate() {
        let kind = trainers_of(&search.space, place, trainer)
            .iter()
            .find_map(|name| {
                Some(
                    find(name)?
                        .parameters
                        .iter()
                        .find(|known| known.name == dimension.parameter)?
                        .kind,
                )
            });
        if let (Domain::Range { is_whole, .. }, Some(kind)) = (&mut dimension.domain, kind) {
            *is_whole = !matches!(kind, ParameterKind::Number);
        }
    }
    typed
}

/// The trainer of a trial and all its parameters: what was chosen, and else what is fixed. Where the search chooses the
/// trainer, fixed parameters count for those that have them.
#[must_use]
pub fn parameters_of(
    trainer: &str,
    fixed: &BTreeMap<String, ParameterValue>,
    chosen: &BTreeMap<String, ParameterValue>,
) -> (String, BTreeMap<String, ParameterValue>) {
    let chosen_trainer = chosen.get(TRAINER).map(ToString::to_string);
    let name = chosen_trainer.clone().unwrap_or_else(|| trainer.to_owned());
    let info = find(&name);
    let is_known = |parameter: &str| {
        chosen_trainer.is_none()
            || info.is_none_or(|info| info.parameters.iter().any(|known| known.name == parameter))
    };
    let mut all: BTreeMap<String, ParameterValue> = fixed
        .iter()
        .filter(|(parameter, _)| is_known(parameter))
        .map(|(parameter, value)| (parameter.clone(), value.clone()))
        .collect();
    let chosen = chosen.iter().filter(|(parameter, _)| *parameter != TRAINER);
    all.extend(chosen.map(|(parameter, value)| (parameter.clone(), value.clone())));
    (name, all)
}

fn find(name: &str) -> Option<&'static TrainerInfo> {
    trainers().find(|trainer| trainer.name == name)
}

/// The trainers for which a dimension may be set.
fn trainers_of(space: &[Dimension], place: usize, trainer: &str) -> Vec<String> {
    let Some(chooser) = space
        .iter()
        .position(|dimension| dimension.parameter == TRAINER)
    else {
        return vec![trainer.to_owned()];
    };
    let Domain::Choices(choices) = &space[chooser].domain else {
        return Vec::new();
    };
    let allowed = choices_at(space, place, chooser);
    let possible = choices.iter().enumerate().filter(|(choice, _)| {
        allowed
            .as_ref()
            .is_none_or(|allowed| allowed.contains(choice))
    });
    possible.map(|(_, name)| name.to_string()).collect()
}

/// The choices that a dimension must have for another one to apply; nothing if it may have any.
fn choices_at(space: &[Dimension], place: usize, chooser: usize) -> Option<BTreeSet<usize>> {
    let mut allowed: Option<BTreeSet<usize>> = None;
    for condition in &space[place].when {
        let own = if condition.dimension == chooser {
            Some(condition.choices.iter().copied().collect())
        } else {
            choices_at(space, condition.dimension, chooser)
        };
        allowed = match (allowed, own) {
            (Some(allowed), Some(own)) => Some(&allowed & &own),
            (allowed, own) => allowed.or(own),
        };
    }
    allowed
}

/// Whether an earlier dimension sets the same parameter at the same time.
fn twice(space: &[Dimension], place: usize) -> Option<SpaceProblem> {
    let dimension = &space[place];
    let excludes = |other: usize| {
        (0..space.len()).any(|chooser| {
            match (
                choices_at(space, place, chooser),
                choices_at(space, other, chooser),
            ) {
                (Some(own), Some(others)) => own.is_disjoint(&others),
                _ => false,
            }
        })
    };
    let other = (0..place)
        .find(|other| space[*other].parameter == dimension.parameter && !excludes(*other))?;
    Some(SpaceProblem {
        dimension: dimension.id.clone(),
        message: format!(
            "`{}` and `{}` set the same parameter",
            space[other].id, dimension.id
        ),
        help: Some("let conditions keep them apart, or name it once".to_owned()),
    })
}

fn unknown_trainers(dimension: &Dimension, task: Task) -> Vec<SpaceProblem> {
    let Domain::Choices(choices) = &dimension.domain else {
        return vec![SpaceProblem {
            dimension: dimension.id.clone(),
            message: "`trainer` is a name, not a number".to_owned(),
            help: Some("list trainers: `trainer: [boosting, forest]`".to_owned()),
        }];
    };
    let names: Vec<&str> = trainers().map(|trainer| trainer.name).collect();
    let problem = |choice: &ParameterValue| {
        let name = choice.to_string();
        let message = match find(&name) {
            None => format!("there is no trainer `{name}`"),
            Some(info) if !info.tasks.contains(&task) => {
                format!("trainer `{name}` does not suit a {task} task")
            }
            Some(_) => return None,
        };
        Some(SpaceProblem {
            dimension: dimension.id.clone(),
            message,
            help: Some(format!("the trainers are {}", names.join(", "))),
        })
    };
    choices.iter().filter_map(problem).collect()
}

/// What is wrong with the values of a dimension for a trainer.
fn wrong(dimension: &Dimension, trainer: &str, task: Task) -> impl Iterator<Item = SpaceProblem> {
    let values: Vec<ParameterValue> = match dimension.domain {
        Domain::Choices(ref choices) => choices.clone(),
        Domain::Range {
            low, high, step, ..
        } => {
            // A step that is no whole number leads between whole numbers.
            let second = step.map(|step| low + step).filter(|second| *second <= high);
            [Some(low), second, Some(high)]
                .into_iter()
                .flatten()
                .map(number)
                .collect()
        }
    };
    let problems = values.into_iter().flat_map(|value| {
        let one = BTreeMap::from([(dimension.parameter.clone(), value)]);
        check_parameters(trainer, task, &one)
    });
    let of_parameter: Vec<SpaceProblem> = problems
        .filter(|problem| problem.parameter == dimension.parameter)
        .map(|problem| SpaceProblem {
            dimension: dimension.id.clone(),
            message: problem.message,
            help: problem.help,
        })
        .collect();
    of_parameter.into_iter()
}

fn number(value: f64) -> ParameterValue {
    if value.fract() == 0.0 {
        Value::Integer(value as i64).into()
    } else {
        Value::Number(value).into()
    }
}

#[cfg(test)]
mod tests {
    use everloop_domain::search::{Objective, Pruner, Sampler};

    use super::super::space::tests::{choices, range, when};
    use super::*;

    fn search(space: Vec<Dimension>) -> Search {
        Search {
            trials: 10,
            objectives: vec![Objective {
                metric: "rmse".to_owned(),
                is_maximized: false,
            }],
            sampler: Sampler::Tpe,
            pruner: Pruner::None,
            space,
            cross_validation: None,
            parallel: 1,
            timeout: None,
            trial_timeout: None,
            seed: 0,
        }
    }

    #[track_caller]
    fn check(space: Vec<Dimension>, expected: &[&str]) {
        let found = check_search(&search(space), Some("boosting"), Task::Regression);
        let found: Vec<&str> = found
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn dimensions_are_parameters_with_possible_values() {
        check(vec![range("depth", 2.0, 9.0, false, true)], &[]);
        check(vec![range("learning_rate", 0.01, 1.0, true, false)], &[]);
        check(
            vec![range("learning_rat", 0.01, 0.3, true, false)],
            &["trainer `boosting` has no parameter `learning_rat`"],
        );
        check(
            vec![range("learning_rate", 0.01, 5.0, true, false)],
            &["parameter `learning_rate` is 5, expected number, 0.0001 to 1"],
        );
        check(
            vec![range("class_weight", 0.0, 1.0, false, false)],
            &[
                "parameter `class_weight` is 0, expected none or balanced",
                "parameter `class_weight` is 1, expected none or balanced",
            ],
        );
        check(vec![choices("class_weight", &["none", "balanced"])], &[]);
        assert!(
            check_search(
                &search(vec![range("any", 0.0, 1.0, false, false)]),
                None,
                Task::Binary
            )
            .is_empty()
        );
    }

    #[test]
    fn conditions_tell_which_trainer_is_meant() {
        let trainer = || choices("trainer", &["boosting", "forest"]);
        check(
            vec![
                trainer(),
                when(range("learning_rate", 0.01, 0.3, true, false), 0, 0),
            ],
            &[],
        );
        check(
            vec![trainer(), range("learning_rate", 0.01, 0.3, true, false)],
            &["trainer `forest` has no parameter `learning_rate`"],
        );
        check(
            vec![choices("trainer", &["boosting", "logistic", "florest"])],
            &[
                "trainer `logistic` does not suit a regression task",
                "there is no trainer `florest`",
            ],
        );
        let same = |id: &str, choice| {
            let mut dimension = when(range(id, 2.0, 9.0, false, true), 0, choice);
            dimension.parameter = "depth".to_owned();
            dimension
        };
        check(vec![trainer(), same("a", 0), same("b", 1)], &[]);
        check(
            vec![trainer(), same("a", 0), same("b", 0)],
            &["`a` and `b` set the same parameter"],
        );
    }

    #[test]
    fn types_are_those_of_the_trainer() {
        let typed = typed(
            &search(vec![
                range("subsample", 0.0, 1.0, false, true),
                range("depth", 3.0, 9.0, false, false),
            ]),
            Some("boosting"),
        );
        let is_whole = |place: usize| {
            matches!(
                typed.space[place].domain,
                Domain::Range { is_whole: true, .. }
            )
        };
        assert!(!is_whole(0) && is_whole(1));
    }

    #[test]
    fn fixed_parameters_count_for_trainers_that_have_them() {
        let fixed = BTreeMap::from([
            ("learning_rate".to_owned(), number(0.5)),
            ("depth".to_owned(), number(4.0)),
        ]);
        let chosen = BTreeMap::from([(
            "trainer".to_owned(),
            Value::Text("forest".to_owned()).into(),
        )]);
        let (trainer, parameters) = parameters_of("boosting", &fixed, &chosen);
        assert_eq!(trainer, "forest");
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["depth"]);
        let (trainer, parameters) = parameters_of("boosting", &fixed, &BTreeMap::new());
        assert_eq!((trainer.as_str(), parameters.len()), ("boosting", 2));
    }
}
