//! `evaluate`: how it is read, and what is said of wrong values.

use everloop_lifecycle::{Card, Evaluate, IntervalMethod, Lifecycle, ThresholdGoal as Goal, parse};
use insta::assert_snapshot;

use super::{GOOD, shown};

/// The good file, for two classes and with this in `evaluate`.
pub(super) fn with(evaluate: &str, gates: &str) -> String {
    GOOD.replace("task: regression", "task: binary").replace(
        "gates:\n  - rmse < 80",
        &format!("evaluate: {evaluate}\ngates: {gates}"),
    )
}

#[track_caller]
pub(super) fn lifecycle(text: &str) -> Lifecycle {
    let parsed = parse(text, &[]);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    parsed.lifecycle.unwrap()
}

#[track_caller]
pub(super) fn read(evaluate: &str) -> Evaluate {
    lifecycle(&with(evaluate, "[f1 > 0.5]")).evaluate
}

#[track_caller]
pub(super) fn wrong(evaluate: &str) -> String {
    shown(&[("*", &with(evaluate, "[f1 > 0.5]"))])
}

/// What is said begins so, in this order, with these hints.
#[track_caller]
pub(super) fn said(text: &str, expected: &[&str]) {
    let told = shown(&[("*", text)]);
    let is_word = |line: &&str| {
        line.starts_with("error") || line.starts_with("warning") || line.starts_with("hint")
    };
    let found: Vec<&str> = told.lines().filter(is_word).collect();
    assert_eq!(found, expected, "{told}");
}

#[track_caller]
fn goal(threshold: &str, expected: Goal) {
    assert_eq!(
        read(&format!("{{threshold: {threshold}}}")).threshold,
        Some(expected),
        "{threshold}"
    );
}

#[test]
fn intervals_are_wrong() {
    assert_snapshot!(wrong("{intervals: {confidence: 95%, method: bootstarp, resamples: 99, seed: 1}}"), @r"
error[E0202]: `evaluate.intervals.confidence` must be a number, found the text `95%`
   ╭─[everloop.yaml:16:36]
16 │ evaluate: {intervals: {confidence: 95%, method: bootstarp, resamples: 99, seed: 1}}
   ·                                    ───
   ╰─
error[E0204]: `evaluate.intervals.method` cannot be `bootstarp`
   ╭─[everloop.yaml:16:49]
16 │ evaluate: {intervals: {confidence: 95%, method: bootstarp, resamples: 99, seed: 1}}
   ·                                                 ─────────
   ╰─
hint: did you mean `bootstrap`?
error[E0205]: `evaluate.intervals.resamples` is 99; it must be at least 100
   ╭─[everloop.yaml:16:71]
16 │ evaluate: {intervals: {confidence: 95%, method: bootstarp, resamples: 99, seed: 1}}
   ·                                                                       ──
   ╰─
error[E0201]: unknown key `seed` in `evaluate.intervals`
   ╭─[everloop.yaml:16:75]
16 │ evaluate: {intervals: {confidence: 95%, method: bootstarp, resamples: 99, seed: 1}}
   ·                                                                           ────
   ╰─
hint: the keys of `evaluate.intervals` are: confidence, method, resamples
");
    assert_snapshot!(wrong("{intervals: {confidence: 1, resamples: 1e3}}"), @r"
error[E0205]: `evaluate.intervals.confidence` is 1; it must lie between 0 and 1
   ╭─[everloop.yaml:16:36]
16 │ evaluate: {intervals: {confidence: 1, resamples: 1e3}}
   ·                                    ─
   ╰─
error[E0202]: `evaluate.intervals.resamples` must be a whole number, found the number `1e3`
   ╭─[everloop.yaml:16:50]
16 │ evaluate: {intervals: {confidence: 1, resamples: 1e3}}
   ·                                                  ───
   ╰─
");
}

#[test]
fn intervals_are_read() {
    let given = read("{intervals: {confidence: 0.9, method: bca, resamples: 100}}").intervals;
    assert_eq!(
        (given.confidence, given.method, given.resamples),
        (0.9, IntervalMethod::Bca, 100)
    );
    let given = read("{intervals: {method: none}}").intervals;
    assert_eq!(
        (given.confidence, given.method, given.resamples),
        (0.95, IntervalMethod::None, 1000)
    );
    let given = read("{intervals: {method: bootstrap, resamples: 100000}}").intervals;
    assert_eq!(
        (given.method, given.resamples),
        (IntervalMethod::Bootstrap, 100_000)
    );
    // A key with nothing behind it counts as absent.
    assert_eq!(read("{intervals: }").intervals, read("{}").intervals);
}

#[test]
fn thresholds_have_costs() {
    let cost = |false_positive, false_negative, true_positive, true_negative| Goal::Cost {
        false_positive,
        false_negative,
        true_positive,
        true_negative,
    };
    goal("{minimize: cost}", cost(1.0, 1.0, 0.0, 0.0));
    goal("{minimize: cost, costs: {}}", cost(1.0, 1.0, 0.0, 0.0));
    goal(
        "{minimize: cost, costs: {false_positive: 2, false_negative: 0.5, true_positive: -3, true_negative: -1}}",
        cost(2.0, 0.5, -3.0, -1.0),
    );
}

#[test]
fn thresholds_make_something_large() {
    goal("{maximize: f1}", Goal::F { beta: 1.0 });
    goal("{maximize: f0_5}", Goal::F { beta: 0.5 });
    goal("{maximize: accuracy}", Goal::Accuracy);
    goal("{maximize: balanced_accuracy}", Goal::BalancedAccuracy);
    goal(
        "{maximize: recall, where: false_positive_rate <= 0.05}",
        Goal::RecallAtFalsePositiveRate(0.05),
    );
    goal(
        "{maximize: recall, where: selection_rate <= 1}",
        Goal::RecallAtSelectionRate(1.0),
    );
}

#[test]
fn thresholds_are_wrong() {
    assert_snapshot!(wrong("{threshold: {minimize: f1}}"), @r"
error[E0204]: `evaluate.threshold.minimize` cannot be `f1`
   ╭─[everloop.yaml:16:34]
16 │ evaluate: {threshold: {minimize: f1}}
   ·                                  ──
   ╰─
hint: it can be: cost
");
    assert_snapshot!(wrong("{threshold: {minimize: cost, costs: {false_positve: 2, false_negative: much}}}"), @r"
error[E0201]: unknown key `false_positve` in `evaluate.threshold.costs`
   ╭─[everloop.yaml:16:48]
16 │ evaluate: {threshold: {minimize: cost, costs: {false_positve: 2, false_negative: much}}}
   ·                                                ─────────────
   ╰─
hint: did you mean `false_positive`?
error[E0202]: `evaluate.threshold.costs.false_negative` must be a number, found the text `much`
   ╭─[everloop.yaml:16:82]
16 │ valuate: {threshold: {minimize: cost, costs: {false_positve: 2, false_negative: much}}}
   ·                                                                                 ────
   ╰─
");
    assert_snapshot!(wrong("{threshold: 0.3}"), @r"
error[E0202]: `evaluate.threshold` must be a map, found the number `0.3`
   ╭─[everloop.yaml:16:23]
16 │ evaluate: {threshold: 0.3}
   ·                       ───
   ╰─
");
    assert_snapshot!(wrong("{threshold: {maximize: recall, where: 'precision >='}}"), @r"
error[E0210]: `evaluate.threshold.where` is not an expression: expected an operand, found the end
   ╭─[everloop.yaml:16:62]
16 │ evaluate: {threshold: {maximize: recall, where: 'precision >='}}
   ·                                                              ─
   ╰─
");
}

#[test]
fn the_parts_of_a_threshold_belong_together() {
    #[track_caller]
    fn check(threshold: &str, message: &str, hint: &str) {
        let message = format!("error[E0316]: `evaluate.threshold{message}");
        let hint = format!("hint: {hint}");
        let text = with(&format!("{{threshold: {threshold}}}"), "[]");
        said(&text, &[&message, &hint]);
    }
    let either = "write `minimize: cost` or `maximize: f1`";
    let needs = "` needs either `minimize` or `maximize`";
    check("{}", needs, either);
    check("{where: precision >= 0.5}", needs, either);
    check("{minimize: cost, maximize: f1}", needs, either);
    check(
        "{maximize: f1, costs: {false_negative: 5}}",
        ".costs` belongs to `minimize: cost`",
        "remove `costs`, or write `minimize: cost`",
    );
    check(
        "{minimize: cost, where: recall >= 0.5}",
        ".where` belongs to `maximize`",
        "say in `costs` what errors cost",
    );
    let under = "with `maximize: recall` one of `precision >= 0.8`, `false_positive_rate <= 0.05`, `selection_rate <= 0.1`; with `maximize: precision` `recall >= 0.9`";
    for threshold in [
        "{maximize: recall}",
        "{maximize: f1, where: precision >= 0.8}",
        "{maximize: recall, where: precision > 0.8}",
        "{maximize: recall, where: 0.8 <= precision}",
        "{maximize: recall, where: precision >= 80}",
        "{maximize: recall, where: selection_rate >= 0.1}",
        "{maximize: precision, where: recall <= 0.9}",
    ] {
        check(threshold, "` cannot be chosen under this condition", under);
    }
}

#[test]
fn commands_choose_for_themselves() {
    let text = with(
        "{threshold: {maximize: f1}, fairness: {groups: [sex], mitigate: reweighing}}",
        "[]",
    );
    said(
        &text.replace("trainer: boosting", "run: python train.py"),
        &[
            "error[E0316]: `evaluate.threshold` cannot change the model that `train.run` leaves",
            "hint: choose the threshold in your own code",
            "error[E0316]: `evaluate.fairness.mitigate` cannot change the model that `train.run` leaves",
            "hint: mitigate in your own code, for example with Fairlearn",
        ],
    );
}

#[test]
fn the_card_is_text() {
    assert_snapshot!(wrong("{card: {owner: [a, b], licence: 2, contact: '', intended_for: x}}"), @r#"
error[E0202]: `evaluate.card.owner` must be text, found a list
   ╭─[everloop.yaml:16:19]
16 │ evaluate: {card: {owner: [a, b], licence: 2, contact: '', intended_for: x}}
   ·                   ─────
   ╰─
error[E0202]: `evaluate.card.licence` must be text, found the number `2`
   ╭─[everloop.yaml:16:43]
16 │ evaluate: {card: {owner: [a, b], licence: 2, contact: '', intended_for: x}}
   ·                                           ─
   ╰─
hint: put it in quotes if it is meant as text: "2"
error[E0206]: `evaluate.card.contact` must not be empty
   ╭─[everloop.yaml:16:55]
16 │ evaluate: {card: {owner: [a, b], licence: 2, contact: '', intended_for: x}}
   ·                                                       ──
   ╰─
error[E0201]: unknown key `intended_for` in `evaluate.card`
   ╭─[everloop.yaml:16:59]
16 │ evaluate: {card: {owner: [a, b], licence: 2, contact: '', intended_for: x}}
   ·                                                           ────────────
   ╰─
hint: did you mean `intended_use`?
"#);
    assert_eq!(read("{card: {}}").card, Card::default());
    let card = read("{card: {intended_use: a, out_of_scope: b, limits: c, owner: d, licence: MIT, contact: '1'}}").card;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        card,
        Card {
            intended_use: text("a"),
            out_of_scope: text("b"),
            limits: text("c"),
            owner: text("d"),
            licence: text("MIT"),
            contact: text("1"),
        }
    );
}

#[test]
fn what_tells_of_two_classes_has_no_effect_on_others() {
    let text = with(
        "{fairness: {groups: [sex], mitigate: reweighing}, threshold: {}}",
        "[]",
    );
    for task in ["regression", "multiclass"] {
        let (fairness, threshold) = (
            format!(
                "warning[W0402]: `evaluate.fairness` has no effect: it compares what is predicted of two classes, and the task is `{task}`"
            ),
            format!(
                "warning[W0402]: `evaluate.threshold` has no effect: only one of two classes is predicted by a threshold, and the task is `{task}`"
            ),
        );
        let text = text.replace("task: binary", &format!("task: {task}"));
        let slices = "hint: use `evaluate.slices` to compare errors between groups";
        said(&text, &[&fairness, slices, &threshold, "hint: remove it"]);
        let evaluate = parse(&text, &[]).lifecycle.unwrap().evaluate;
        assert!(evaluate.fairness.is_none() && evaluate.threshold.is_none());
    }
}
