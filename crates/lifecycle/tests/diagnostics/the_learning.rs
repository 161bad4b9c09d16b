//! Tasks without a target, weights, trainers and their parameters.

use everloop_domain::{ParameterValue, Value};
use everloop_lifecycle::parse;
use insta::assert_snapshot;

use super::GOOD;
use super::the_evaluation::{lifecycle, said};

/// The good file for another task and trainer; `dataset` stands for the target, or nothing.
pub(super) fn learning(task: &str, trainer: &str, target: &str, rest: &str) -> String {
    GOOD.replace("task: regression", &format!("task: {task}"))
        .replace("trainer: boosting", &format!("trainer: {trainer}"))
        .replace("target: cnt, ", target)
        .replace("gates:\n  - rmse < 80\n", rest)
}

/// The plainest trainer of a task.
pub(super) fn plain(task: &str) -> &'static str {
    match task {
        "anomaly" => "isolation_forest",
        "clustering" => "kmeans",
        _ => "baseline",
    }
}

/// The good file with this below `train`, after the task.
pub(super) fn training(keys: &str) -> String {
    GOOD.replace("trainer: boosting", keys)
}

#[test]
fn rows_have_weights() {
    assert_eq!(lifecycle(GOOD).dataset.weight, None);
    for (written, column) in [("w", "w"), ("7", "7"), ("'a b'", "a b")] {
        let text = GOOD.replace("time: day", &format!("time: day, weight: {written}"));
        assert_eq!(lifecycle(&text).dataset.weight.as_deref(), Some(column));
    }
}

#[test]
fn weights_are_a_column_of_their_own() {
    let text = |weight: &str| GOOD.replace("time: day", &format!("time: day, weight: {weight}"));
    for (weight, role) in [("cnt", "target"), ("day", "time")] {
        said(
            &text(weight),
            &[
                &format!("error[E0316]: the column `{weight}` is both `weight` and `{role}`"),
                "hint: make a column for the weights in `prepare`",
            ],
        );
    }
    said(
        &text("[w]"),
        &["error[E0202]: `dataset.weight` must be text, found a list"],
    );
    said(
        &text("' '"),
        &["error[E0206]: `dataset.weight` must not be empty"],
    );
}

#[test]
fn some_tasks_need_no_target() {
    let metrics = |task: &str, target: &str| {
        let read = lifecycle(&learning(task, plain(task), target, ""));
        (read.dataset.target, read.evaluate.metrics.join(" "))
    };
    let known = "roc_auc average_precision precision recall f1 flagged_share";
    let found = metrics("anomaly", "");
    assert_eq!(found, (String::new(), "flagged_share".to_owned()));
    let found = metrics("anomaly", "target: fraud, ");
    assert_eq!(found, ("fraud".to_owned(), known.to_owned()));
    let clusters = "silhouette davies_bouldin calinski_harabasz inertia";
    for (target, name) in [("", ""), ("target: kind, ", "kind")] {
        let found = metrics("clustering", target);
        assert_eq!(found, (name.to_owned(), clusters.to_owned()));
    }
}

#[test]
fn other_tasks_need_a_target() {
    for task in ["regression", "binary", "multiclass"] {
        said(
            &learning(task, plain(task), "", ""),
            &[
                "error[E0203]: `dataset` lacks the key `target`",
                "hint: `target`: the column to predict",
            ],
        );
    }
}

#[test]
fn nothing_is_compared_with_a_truth_that_is_not_there() {
    let rest = "evaluate: {metrics: [flagged_share, roc_auc], slices: [city]}\n";
    said(
        &learning("anomaly", "isolation_forest", "", rest),
        &[
            "error[E0306]: the metric `roc_auc` of the task `anomaly` needs the truth",
            "hint: set `dataset.target` to the column that holds it",
            "warning[W0402]: `evaluate.slices` has no effect without a target",
        ],
    );
    let with_target = learning("anomaly", "isolation_forest", "target: fraud, ", rest);
    assert_eq!(lifecycle(&with_target).evaluate.slices, ["city"]);
    let labels = learning("clustering", "kmeans", "", "")
        .replace("window: 1d", "window: 1d\n  labels: {key: id}");
    said(
        &labels,
        &[
            "error[E0316]: labels arrive, but there is no target",
            "hint: set `dataset.target` to the column that holds the truth, or remove `labels`",
        ],
    );
}

#[test]
fn gates_need_the_truth_too() {
    let gate = |gate: &str, target: &str| {
        learning(
            "anomaly",
            "isolation_forest",
            target,
            &format!("gates: [{gate}]\n"),
        )
    };
    for written in [
        "roc_auc > 0.9",
        "roc_auc.lower > 0.9",
        "champion.roc_auc > 0.5",
    ] {
        said(
            &gate(written, ""),
            &[
                "error[E0306]: the metric `roc_auc` of the task `anomaly` needs the truth",
                "hint: set `dataset.target` to the column that holds it",
            ],
        );
        lifecycle(&gate(written, "target: fraud, "));
    }
    lifecycle(&gate("flagged_share < 0.1", ""));
    let alert = gate("flagged_share < 0.1", "").replace(
        "gates:",
        "retrain: {when: [average_precision < 0.5]}\ngates:",
    );
    let told = parse(&alert, &[]).diagnostics;
    let expected = "the metric `average_precision` of the task `anomaly` needs the truth";
    assert!(told.iter().any(|it| it.message == expected), "{told:?}");
}

#[test]
fn trainers_do_their_tasks_only() {
    for (trainer, tasks) in everloop_lifecycle::trainer_tasks() {
        for task in everloop_domain::Task::ALL {
            let target = if task.is_supervised() {
                "target: y, "
            } else {
                ""
            };
            let told = parse(&learning(task.as_str(), trainer, target, ""), &[]).diagnostics;
            let message = format!("the trainer `{trainer}` does not suit the task `{task}`");
            let is_told = told
                .iter()
                .any(|it| (it.code, &it.message) == ("E0308", &message));
            assert_eq!(
                is_told,
                !tasks.contains(&task),
                "{trainer} {task}: {told:?}"
            );
        }
    }
    said(
        &learning("clustering", "boosting", "", ""),
        &[
            "error[E0308]: the trainer `boosting` does not suit the task `clustering`",
            "hint: those that do: kmeans",
        ],
    );
}

#[test]
fn a_search_chooses_from_trainers_of_the_task() {
    for choices in [
        "[tree, kmeans]",
        "{choices: [tree, kmeans]}",
        "{choices: {tree: {}, kmeans: {}}}",
    ] {
        said(
            &training(&format!(
                "tune: {{minimize: rmse, space: {{trainer: {choices}}}}}"
            )),
            &[
                "error[E0308]: the trainer `kmeans` does not suit the task `regression`",
                "hint: those that do: linear, tree, forest, boosting, svm, neural, nearest, baseline",
            ],
        );
    }
}

#[test]
fn memory_is_a_size() {
    let text = |size: &str| training(&format!("trainer: boosting\n  max_memory: {size}"));
    assert_eq!(lifecycle(GOOD).train.max_memory, None);
    assert_eq!(
        lifecycle(&text("4GiB")).train.max_memory,
        Some(4_294_967_296)
    );
    for (size, message) in [
        ("lots", "error[E0206]: `lots` is not a size"),
        ("4", "error[E0206]: `4` is not a size"),
        ("1.5GiB", "error[E0206]: `1.5GiB` is not a size"),
    ] {
        let hint = "hint: write a whole number and a unit: 512MiB, 4GiB or 8GB";
        said(&text(size), &[message, hint]);
    }
    said(
        &text("0GiB"),
        &["error[E0205]: `train.max_memory` must be more than nothing"],
    );
    said(
        &training("run: python train.py\n  max_memory: 4GiB"),
        &[
            "warning[W0402]: `train.max_memory` has no effect on a command",
            "hint: it bounds built-in trainers",
        ],
    );
}

#[test]
fn metrics_of_other_tasks_do_not_suit() {
    let gate = |task: &str, metric: &str| {
        learning(
            task,
            plain(task),
            "target: y, ",
            &format!("gates: [{metric} > 0.1]\n"),
        )
    };
    for (task, metric) in [
        ("anomaly", "silhouette"),
        ("clustering", "flagged_share"),
        ("clustering", "rmse"),
        ("regression", "inertia"),
    ] {
        let told = parse(&gate(task, metric), &[]).diagnostics;
        assert_eq!(told.len(), 1, "{told:?}");
        let expected = format!("the metric `{metric}` does not suit the task `{task}`");
        assert_eq!((told[0].code, &*told[0].message), ("E0306", &*expected));
    }
    let read = lifecycle(&gate("anomaly", "roc_auc"));
    assert_eq!(read.evaluate.metrics.len(), 6);
}

#[test]
fn linear_models_suit_numbers_or_classes() {
    for task in ["binary", "multiclass"] {
        lifecycle(&learning(task, "logistic", "target: y, ", ""));
        said(
            &learning(task, "linear", "target: y, ", ""),
            &[
                &format!("error[E0308]: the trainer `linear` does not suit the task `{task}`"),
                "hint: `logistic` is the linear model of classes",
            ],
        );
    }
    lifecycle(&learning("regression", "linear", "target: y, ", ""));
}

#[test]
fn trainers_and_tasks_are_known() {
    said(
        &learning("anomally", "isolation_florest", "", ""),
        &[
            "error[E0203]: `dataset` lacks the key `target`",
            "hint: `target`: the column to predict",
            "error[E0204]: `train.task` cannot be `anomally`",
            "hint: did you mean `anomaly`?",
            "error[E0204]: `train.trainer` cannot be `isolation_florest`",
            "hint: did you mean `isolation_forest`?",
        ],
    );
}

#[test]
fn parameters_are_values_lists_and_maps() {
    let keys = "trainer: neural\n  parameters: {depth: 3, rate: 0.5, name: '3', on: true, hidden: [64, 0.5, x], age: {up: 1, down: no}}";
    let parameters = lifecycle(&training(keys)).train.parameters;
    let text = |text: &str| Value::Text(text.to_owned());
    let map = [
        ("up".to_owned(), Value::Integer(1)),
        ("down".to_owned(), text("no")),
    ];
    let expected = [
        ("age", ParameterValue::Map(map.into())),
        ("depth", Value::Integer(3).into()),
        (
            "hidden",
            ParameterValue::List(vec![Value::Integer(64), Value::Number(0.5), text("x")]),
        ),
        ("name", text("3").into()),
        ("on", Value::Boolean(true).into()),
        ("rate", Value::Number(0.5).into()),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(parameters, expected.into());
    assert!(lifecycle(GOOD).train.parameters.is_empty());
}

#[test]
fn parameters_do_not_nest() {
    let shown = |parameters: &str| {
        let text = training(&format!("trainer: neural\n  parameters: {parameters}"));
        super::shown(&[("*", &text)])
    };
    assert_snapshot!(shown("{hidden: [], age: {}, a: [[1], {b: 2}], c: {d: [3]}}"), @r"
error[E0203]: `train.parameters.hidden` must not be empty
   ╭─[everloop.yaml:16:16]
16 │   parameters: {hidden: [], age: {}, a: [[1], {b: 2}], c: {d: [3]}}
   ·                ──────
   ╰─
error[E0203]: `train.parameters.age` must name at least one column
   ╭─[everloop.yaml:16:28]
16 │   parameters: {hidden: [], age: {}, a: [[1], {b: 2}], c: {d: [3]}}
   ·                            ───
   ╰─
error[E0202]: `train.parameters.a.0` must be a text, a number or a boolean, found a list
   ╭─[everloop.yaml:16:41]
16 │   parameters: {hidden: [], age: {}, a: [[1], {b: 2}], c: {d: [3]}}
   ·                                         ─
   ╰─
error[E0202]: `train.parameters.a.1` must be a text, a number or a boolean, found a map
   ╭─[everloop.yaml:16:46]
16 │   parameters: {hidden: [], age: {}, a: [[1], {b: 2}], c: {d: [3]}}
   ·                                              ─
   ╰─
error[E0202]: `train.parameters.c.d` must be a text, a number or a boolean, found a list
   ╭─[everloop.yaml:16:59]
16 │   parameters: {hidden: [], age: {}, a: [[1], {b: 2}], c: {d: [3]}}
   ·                                                           ─
   ╰─
");
    assert_snapshot!(shown("[depth, 3]"), @r"
error[E0202]: `train.parameters` must be a map, found a list
   ╭─[everloop.yaml:16:3]
16 │   parameters: [depth, 3]
   ·   ──────────
   ╰─
");
}
