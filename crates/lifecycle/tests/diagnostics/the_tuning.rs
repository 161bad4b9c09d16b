//! `train.tune`: samplers, pruners, folds and what suits a task.

use std::time::Duration;

use everloop_domain::search::{CrossValidation, Domain, FoldsBy, Pruner, Sampler, Search};
use everloop_lifecycle::parse;
use insta::assert_snapshot;

use super::the_evaluation::{lifecycle, said};
use super::the_learning::{learning, plain, training};

#[track_caller]
fn search(tune: &str) -> Search {
    let text = training(&format!(
        "trainer: boosting\n  seed: 11\n  tune: {{minimize: rmse, {tune}}}"
    ));
    lifecycle(&text).train.tune.unwrap()
}

#[test]
fn samplers_and_pruners_have_names() {
    let space = "space: {depth: [1, 2]}";
    for (word, sampler) in [
        ("tpe", Sampler::Tpe),
        ("gp", Sampler::Gp),
        ("random", Sampler::Random),
        ("grid", Sampler::Grid),
    ] {
        assert_eq!(
            search(&format!("sampler: {word}, {space}")).sampler,
            sampler
        );
    }
    let halving = |min_resource, reduction_factor| Pruner::SuccessiveHalving {
        min_resource,
        reduction_factor,
    };
    let median = Pruner::Median {
        startup_trials: 5,
        warmup_steps: 0,
    };
    let hyperband = Pruner::Hyperband {
        min_resource: 2,
        reduction_factor: 3,
    };
    for (written, pruner) in [
        ("none", Pruner::None),
        ("median", median),
        ("successive_halving", halving(1, 3)),
        ("{asha: {reduction_factor: 4}}", halving(1, 4)),
        ("{successive_halving: {min_resource: 9}}", halving(9, 3)),
        ("{hyperband: {min_resource: 2}}", hyperband),
    ] {
        assert_eq!(
            search(&format!("pruner: {written}, {space}")).pruner,
            pruner
        );
    }
}

#[test]
fn searches_take_their_settings() {
    let given = search(
        "trials: 7, parallel: 3, timeout: 2h, trial_timeout: 90s, sampler: grid, \
         space: {rate: {low: 0, high: 1, step: 0.25}, depth: {low: 2, high: 8, step: 2}}",
    );
    assert_eq!((given.trials, given.parallel), (7, 3));
    assert_eq!(given.timeout, Some(Duration::from_hours(2)));
    assert_eq!(given.trial_timeout, Some(Duration::from_secs(90)));
    // Without a seed of its own, the search has that of the training.
    assert_eq!(given.seed, 11);
    let range = |low, high, step, is_whole| Domain::Range {
        low,
        high,
        step: Some(step),
        is_log: false,
        is_whole,
    };
    assert_eq!(given.space[0].domain, range(0.0, 1.0, 0.25, false));
    assert_eq!(given.space[1].domain, range(2.0, 8.0, 2.0, true));
}

#[test]
fn searches_are_wrong() {
    let text = training(
        "trainer: boosting\n  tune: {minimize: [], trials: 0, sampler: tpee, pruner: medain, parallel: 0, timeout: 0s, space: [depth]}",
    );
    assert_snapshot!(super::shown(&[("*", &text)]), @r"
error[E0203]: `train.tune.minimize` must not be empty
   ╭─[everloop.yaml:16:10]
16 │   tune: {minimize: [], trials: 0, sampler: tpee, pruner: medain, parallel: 0, timeout: 0s, space: [depth]}
   ·          ────────
   ╰─
error[E0205]: `train.tune.trials` is 0; it must be at least 1
   ╭─[everloop.yaml:16:32]
16 │   tune: {minimize: [], trials: 0, sampler: tpee, pruner: medain, parallel: 0, timeout: 0s, space: [depth]}
   ·                                ─
   ╰─
error[E0204]: `train.tune.sampler` cannot be `tpee`
   ╭─[everloop.yaml:16:44]
16 │   tune: {minimize: [], trials: 0, sampler: tpee, pruner: medain, parallel: 0, timeout: 0s, space: [depth]}
   ·                                            ────
   ╰─
hint: did you mean `tpe`?
error[E0204]: `train.tune.pruner` cannot be `medain`
   ╭─[everloop.yaml:16:58]
16 │   tune: {minimize: [], trials: 0, sampler: tpee, pruner: medain, parallel: 0, timeout: 0s, space: [depth]}
   ·                                                          ──────
   ╰─
hint: did you mean `median`?
error[E0205]: `train.tune.parallel` is 0; it must be at least 1
   ╭─[everloop.yaml:16:76]
16 │   tune: {minimize: [], trials: 0, sampler: tpee, pruner: medain, parallel: 0, timeout: 0s, space: [depth]}
   ·                                                                            ─
   ╰─
error[E0205]: `train.tune.timeout` must be longer than nothing
   ╭─[everloop.yaml:16:88]
16 │  {minimize: [], trials: 0, sampler: tpee, pruner: medain, parallel: 0, timeout: 0s, space: [depth]}
   ·                                                                                 ──
   ╰─
error[E0202]: `train.tune.space` must be a map, found a list
   ╭─[everloop.yaml:16:92]
16 │ nimize: [], trials: 0, sampler: tpee, pruner: medain, parallel: 0, timeout: 0s, space: [depth]}
   ·                                                                                 ─────
   ╰─
");
    let text = training(
        "trainer: boosting\n  tune: {maximize: r2, pruner: {asha: {reduction_factor: 1}}, space: {kind: {choices: {1: {}, b: {c: {low: 1}}}}}}",
    );
    assert_snapshot!(super::shown(&[("*", &text)]), @r"
error[E0205]: `train.tune.pruner.asha.reduction_factor` is 1; it must be at least 2
   ╭─[everloop.yaml:16:58]
16 │   tune: {maximize: r2, pruner: {asha: {reduction_factor: 1}}, space: {kind: {choices: {1: {}, b: {c: {low: 1}}}}}}
   ·                                                          ─
   ╰─
error[E0206]: the choice `1` of `kind` is no word
   ╭─[everloop.yaml:16:88]
16 │  {maximize: r2, pruner: {asha: {reduction_factor: 1}}, space: {kind: {choices: {1: {}, b: {c: {low: 1}}}}}}
   ·                                                                                 ─
   ╰─
hint: choices as a map are words; list other values and use `when`
error[E0203]: `train.tune.space.kind.choices.b.c` lacks the key `high`
   ╭─[everloop.yaml:16:99]
16 │  r2, pruner: {asha: {reduction_factor: 1}}, space: {kind: {choices: {1: {}, b: {c: {low: 1}}}}}}
   ·                                                                                 ─
   ╰─
hint: `high`: the greatest value
");
}

#[test]
fn commands_are_searched_in_their_own_way() {
    said(
        &training(
            "run: python train.py\n  tune: {minimize: rmse, pruner: median, cross_validation: {}, space: {trainer: [forest, tree]}}",
        ),
        &[
            "warning[W0402]: `train.tune.pruner` has no effect on a command",
            "hint: the command scores itself: its metric is read from its run",
            "warning[W0402]: `train.tune.cross_validation` has no effect on a command",
            "hint: the command scores itself: its metric is read from its run",
            "error[E0316]: `trainer` cannot be searched: training is the command of `run`",
        ],
    );
}

#[test]
fn folds_suit_the_task() {
    #[track_caller]
    fn check(text: &str, folds: usize, by: FoldsBy) {
        let tune = lifecycle(text).train.tune.unwrap();
        assert_eq!(tune.cross_validation, Some(CrossValidation { folds, by }));
    }

    let folds = |task: &str, dataset: &str, folds: &str| {
        let trainer = format!(
            "{}\n  tune: {{maximize: f1, cross_validation: {folds}, space: {{a: [1, 2]}}}}",
            plain(task)
        );
        learning(task, &trainer, "target: y, ", "")
            .replace(", time: day", dataset)
            .replace("split: {by: time", "split: {by: random")
    };
    check(&folds("binary", "", "{}"), 5, FoldsBy::Stratified);
    let random = folds("multiclass", ", time: day", "{by: random, folds: 2}");
    check(&random, 2, FoldsBy::Random);
    let stratified = folds("binary", ", time: day", "{by: stratified}");
    check(&stratified, 5, FoldsBy::Stratified);
    check(&folds("anomaly", "", "{}"), 5, FoldsBy::Random);
    said(
        &folds("binary", "", "{by: time}"),
        &[
            "error[E0304]: folds cannot be divided by time: `dataset.time` is not set",
            "hint: set `dataset.time` to the column that orders rows, or choose `by: random`",
        ],
    );
    for task in ["regression", "anomaly", "clustering"] {
        let text = folds(task, "", "{by: stratified}").replace("maximize: f1", "maximize: []");
        let told = parse(&text, &[]).diagnostics;
        let message =
            format!("folds cannot be stratified: the target of `task: {task}` has no classes");
        assert!(told.iter().any(|it| it.message == message), "{told:?}");
    }
}
