//! `train.tune`: how it is read, and what is said of searches that find nothing.

use everloop_domain::search::{Condition, Domain, FoldsBy, Objective, Pruner, Sampler, Search};
use everloop_domain::{ParameterValue, Value};
use everloop_lifecycle::{Trainer, parse};

use super::{GOOD, shown};

const TRAINER: &str = "  trainer: boosting";

fn with(tune: &str) -> String {
    GOOD.replace(TRAINER, &format!("{TRAINER}\n  tune: {tune}"))
}

#[track_caller]
fn read(tune: &str) -> Search {
    let parsed = parse(&with(tune), &[]);
    let lifecycle = parsed
        .lifecycle
        .unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    lifecycle.train.tune.unwrap()
}

/// What is said begins so, in this order, with these hints.
#[track_caller]
fn said(tune: &str, expected: &[&str]) {
    let told = shown(&[(TRAINER, &format!("{TRAINER}\n  tune: {tune}"))]);
    let is_word = |line: &&str| {
        line.starts_with("error") || line.starts_with("warning") || line.starts_with("hint")
    };
    let found: Vec<&str> = told.lines().filter(is_word).collect();
    assert_eq!(found, expected, "{told}");
}

#[test]
fn a_short_search_has_defaults() {
    let search = read("{minimize: rmse, space: {depth: {low: 3, high: 10}}}");
    assert_eq!((search.trials, search.parallel, search.seed), (40, 2, 0));
    assert_eq!(
        (search.sampler, search.pruner),
        (Sampler::Tpe, Pruner::None)
    );
    assert_eq!(
        search.objectives,
        [Objective {
            metric: "rmse".to_owned(),
            is_maximized: false
        }]
    );
    assert!(search.cross_validation.is_none() && search.timeout.is_none());
    let Domain::Range {
        low,
        high,
        is_whole,
        ..
    } = search.space[0].domain
    else {
        panic!("a range");
    };
    assert_eq!((low, high, is_whole), (3.0, 10.0, true));
    let all = read("{minimize: [rmse, mae], maximize: r2, sampler: grid, space: {depth: [1, 2]}}");
    assert_eq!((all.objectives.len(), all.trials), (3, usize::MAX));
}

#[test]
fn pruners_and_folds_have_settings() {
    let search = read(
        "{minimize: rmse, pruner: {median: {warmup_steps: 3}}, cross_validation: {folds: 4, group: city}, space: {depth: [1, 2]}}",
    );
    assert_eq!(
        search.pruner,
        Pruner::Median {
            startup_trials: 5,
            warmup_steps: 3
        }
    );
    let folds = search.cross_validation.unwrap();
    assert_eq!(
        (folds.folds, folds.by),
        (4, FoldsBy::Group("city".to_owned()))
    );
    let search = read(
        "{minimize: rmse, pruner: asha, cross_validation: {}, seed: 3, space: {depth: [1, 2]}}",
    );
    assert_eq!(
        search.pruner,
        Pruner::SuccessiveHalving {
            min_resource: 1,
            reduction_factor: 3
        }
    );
    assert_eq!(
        search.cross_validation.unwrap().by,
        FoldsBy::Time("day".to_owned())
    );
    assert_eq!(search.seed, 3);
}

#[test]
fn nested_parameters_depend_on_their_choice() {
    let search = read(
        "{minimize: rmse, space: {depth: {low: 2, high: 9, when: {trainer: [forest, tree]}}, \
         trainer: {choices: {boosting: {learning_rate: {low: 0.01, high: 0.3, log: true}}, forest: {}, tree: {}}}, \
         hidden: [[64], [64, 32]], trees: 100}}",
    );
    let ids: Vec<&str> = search
        .space
        .iter()
        .map(|dimension| dimension.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "trainer",
            "depth",
            "trainer.boosting.learning_rate",
            "hidden",
            "trees"
        ]
    );
    let when = |place: usize| search.space[place].when.clone();
    let on_trainer = |choices: &[usize]| {
        vec![Condition {
            dimension: 0,
            choices: choices.to_vec(),
        }]
    };
    assert_eq!(when(1), on_trainer(&[1, 2]));
    assert_eq!(when(2), on_trainer(&[0]));
    assert_eq!(search.space[2].parameter, "learning_rate");
    let Domain::Choices(choices) = &search.space[3].domain else {
        panic!("choices");
    };
    assert_eq!(
        choices[1],
        ParameterValue::List(vec![Value::Integer(64), Value::Integer(32)])
    );
    assert_eq!(
        search.space[4].domain,
        Domain::Choices(vec![Value::Integer(100).into()])
    );
}

#[test]
fn the_search_may_choose_the_trainer_alone() {
    let text = GOOD.replace(
        TRAINER,
        "  tune: {minimize: rmse, space: {trainer: [forest, boosting]}}",
    );
    let lifecycle = parse(&text, &[]).lifecycle.unwrap();
    assert_eq!(
        lifecycle.train.trainer,
        Trainer::BuiltIn("forest".to_owned())
    );
}

#[test]
fn objectives_are_needed_and_different() {
    said(
        "{space: {depth: [1, 2]}}",
        &[
            "error[E0203]: `train.tune` lacks the key `minimize` or `maximize`",
            "hint: name a metric: `minimize: rmse`, or `maximize: roc_auc`",
        ],
    );
    said(
        "{minimize: [rmse, mae], maximize: mae, space: {depth: [1, 2]}}",
        &["error[E0316]: `mae` is an objective twice"],
    );
    said(
        "{minimize: rsme, space: {depth: [1, 2]}}",
        &[
            "error[E0204]: `train.tune.minimize` cannot be `rsme`",
            "hint: did you mean `rmse`?",
        ],
    );
    said(
        "{minimize: [rmse, mae], pruner: median, space: {depth: [1, 2]}}",
        &[
            "warning[W0402]: `train.tune.pruner` has no effect: what is seen on the way does not tell of several objectives",
            "hint: remove it, or name one metric",
        ],
    );
}

#[test]
fn spaces_hold_something() {
    let begins = |tune: &str, expected: &str| {
        let told = shown(&[(
            TRAINER,
            &format!("{TRAINER}\n  tune: {{minimize: rmse, space: {tune}}}"),
        )]);
        assert!(told.starts_with(expected), "{told}");
    };
    begins(
        "{}",
        "error[E0203]: `train.tune.space` must name at least one parameter",
    );
    begins(
        "{depth: []}",
        "error[E0203]: `train.tune.space.depth` must not be empty",
    );
    begins(
        "{depth: {low: 5, high: 5}}",
        "error[E0316]: nothing of `depth` lies between low 5 and high 5",
    );
    begins(
        "{l2: {low: 0, high: 1, log: true}}",
        "error[E0205]: `l2` has no logarithm at low 0",
    );
    begins(
        "{l2: {low: 0, high: 1, step: 2}}",
        "error[E0205]: the step of `l2` is 2, expected a number above 0 and up to 1",
    );
    begins(
        "{l2: {low: 1, high: 9, step: 1, log: true}}",
        "error[E0316]: `l2` has a step and a logarithm",
    );
    begins(
        "{l2: {low: 0, high: .inf}}",
        "error[E0202]: `train.tune.space.l2.high` must be a number",
    );
    begins(
        "{l2: {low: 0, hihg: 1}}",
        "error[E0201]: unknown key `hihg` in `train.tune.space.l2`",
    );
}

#[test]
fn conditions_can_hold() {
    let begins = |space: &str, expected: &str| {
        let told = shown(&[(
            TRAINER,
            &format!("{TRAINER}\n  tune: {{minimize: rmse, space: {space}}}"),
        )]);
        assert!(told.starts_with(expected), "{told}");
    };
    begins(
        "{a: {low: 0, high: 1, when: {trainer: forest}}}",
        "error[E0204]: `a` depends on `trainer`, which is not searched",
    );
    begins(
        "{trainer: [forest], a: {low: 0, high: 1, when: {trainer: florest}}}",
        "error[E0204]: `trainer` is never florest",
    );
    begins(
        "{b: {low: 0, high: 1}, a: {low: 0, high: 1, when: {b: 1}}}",
        "error[E0316]: `a` depends on `b`, which is a range",
    );
    begins(
        "{a: {choices: [1, 2], when: {b: 1}}, b: {choices: [1, 2], when: {a: 1}}}",
        "error[E0316]: parameters depend on each other in a circle",
    );
}

#[test]
fn folds_can_be_made() {
    let begins = |folds: &str, expected: &str| {
        let tune =
            format!("{{minimize: rmse, cross_validation: {folds}, space: {{depth: [1, 2]}}}}");
        let told = shown(&[(TRAINER, &format!("{TRAINER}\n  tune: {tune}"))]);
        assert!(told.starts_with(expected), "{told}");
    };
    begins("{folds: 1}", "error[E0205]");
    begins(
        "{by: stratified}",
        "error[E0304]: folds cannot be stratified",
    );
    begins(
        "{by: group}",
        "error[E0304]: folds cannot be divided by group",
    );
    begins(
        "{by: random, group: city}",
        "warning[W0402]: `cross_validation.group` has no effect",
    );
}

#[test]
fn what_is_searched_may_have_a_value_for_other_times() {
    let told = shown(&[(
        TRAINER,
        "  trainer: boosting\n  parameters: {depth: 3}\n  tune: {minimize: rmse, space: {depth: [1, 2]}}",
    )]);
    assert_eq!(told, "");
}
