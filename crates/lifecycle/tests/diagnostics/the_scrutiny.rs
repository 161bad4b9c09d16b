//! Weak slices, disturbances, explanations and gates with three outcomes.

use insta::assert_snapshot;

use super::shown;
use super::the_evaluation::{lifecycle, read, with, wrong};

#[test]
fn searches_and_disturbances_are_wrong() {
    assert_snapshot!(wrong("{weak_slices: {columns: some, min_rows: 1, pairs: 2, false_discovery_rate: 0, max_slices: 1001}}"), @r"
error[E0204]: `evaluate.weak_slices.columns` cannot be `some`
   ╭─[everloop.yaml:16:35]
16 │ evaluate: {weak_slices: {columns: some, min_rows: 1, pairs: 2, false_discovery_rate: 0, max_slices: 1001}}
   ·                                   ────
   ╰─
hint: it can be: all
error[E0205]: `evaluate.weak_slices.min_rows` is 1; it must be at least 2
   ╭─[everloop.yaml:16:51]
16 │ evaluate: {weak_slices: {columns: some, min_rows: 1, pairs: 2, false_discovery_rate: 0, max_slices: 1001}}
   ·                                                   ─
   ╰─
error[E0202]: `evaluate.weak_slices.pairs` must be true or false, found the number `2`
   ╭─[everloop.yaml:16:61]
16 │ evaluate: {weak_slices: {columns: some, min_rows: 1, pairs: 2, false_discovery_rate: 0, max_slices: 1001}}
   ·                                                             ─
   ╰─
error[E0205]: `evaluate.weak_slices.false_discovery_rate` is 0; it must lie between 0 and 1
   ╭─[everloop.yaml:16:86]
16 │ ate: {weak_slices: {columns: some, min_rows: 1, pairs: 2, false_discovery_rate: 0, max_slices: 1001}}
   ·                                                                                 ─
   ╰─
error[E0205]: `evaluate.weak_slices.max_slices` is 1001; it must be at most 1000
   ╭─[everloop.yaml:16:101]
16 │ es: {columns: some, min_rows: 1, pairs: 2, false_discovery_rate: 0, max_slices: 1001}}
   ·                                                                                 ────
   ╰─
");
    assert_snapshot!(wrong("{weak_slices: {columns: []}, robustness: {rows: -1, noise: 11, missing_column: 1, unit_change: -2}}"), @r"
error[E0203]: `evaluate.weak_slices.columns` must not be empty
   ╭─[everloop.yaml:16:26]
16 │ evaluate: {weak_slices: {columns: []}, robustness: {rows: -1, noise: 11, missing_column: 1, unit_change: -2}}
   ·                          ───────
   ╰─
error[E0205]: `evaluate.robustness.rows` is -1; it must be at least 0
   ╭─[everloop.yaml:16:59]
16 │ evaluate: {weak_slices: {columns: []}, robustness: {rows: -1, noise: 11, missing_column: 1, unit_change: -2}}
   ·                                                           ──
   ╰─
error[E0205]: `evaluate.robustness.noise` is 11; it must be at most 10
   ╭─[everloop.yaml:16:70]
16 │ evaluate: {weak_slices: {columns: []}, robustness: {rows: -1, noise: 11, missing_column: 1, unit_change: -2}}
   ·                                                                      ──
   ╰─
error[E0202]: `evaluate.robustness.missing_column` must be true or false, found the number `1`
   ╭─[everloop.yaml:16:90]
16 │  {weak_slices: {columns: []}, robustness: {rows: -1, noise: 11, missing_column: 1, unit_change: -2}}
   ·                                                                                 ─
   ╰─
error[E0205]: `evaluate.robustness.unit_change` is -2; it must be at least 0
   ╭─[everloop.yaml:16:106]
16 │ columns: []}, robustness: {rows: -1, noise: 11, missing_column: 1, unit_change: -2}}
   ·                                                                                 ──
   ╰─
");
    assert_snapshot!(wrong("{explain: {rows: 0.5, shap: 'true', partial_dependence: all}, robustness: false}"), @r"
error[E0202]: `evaluate.explain.rows` must be a whole number, found the number `0.5`
   ╭─[everloop.yaml:16:28]
16 │ evaluate: {explain: {rows: 0.5, shap: 'true', partial_dependence: all}, robustness: false}
   ·                            ───
   ╰─
error[E0202]: `evaluate.explain.shap` must be true or false, found the text `true`
   ╭─[everloop.yaml:16:39]
16 │ evaluate: {explain: {rows: 0.5, shap: 'true', partial_dependence: all}, robustness: false}
   ·                                       ──────
   ╰─
error[E0202]: `evaluate.explain.partial_dependence` must be a whole number, found the text `all`
   ╭─[everloop.yaml:16:67]
16 │ evaluate: {explain: {rows: 0.5, shap: 'true', partial_dependence: all}, robustness: false}
   ·                                                                   ───
   ╰─
error[E0202]: `evaluate.robustness` must be a map, found `false`
   ╭─[everloop.yaml:16:85]
16 │ uate: {explain: {rows: 0.5, shap: 'true', partial_dependence: all}, robustness: false}
   ·                                                                                 ─────
   ╰─
");
}

#[test]
fn searches_and_disturbances_are_read() {
    let default = read("{}");
    assert_eq!(default.weak_slices.min_rows, 50);
    assert!(default.weak_slices.pairs);
    assert_eq!(default.weak_slices.false_discovery_rate, 0.05);
    assert_eq!(default.robustness.rows, 1000);
    assert_eq!(
        (default.robustness.noise, default.robustness.unit_change),
        (0.1, 1000.0)
    );
    assert_eq!(
        (default.explain.rows, default.explain.partial_dependence),
        (500, 6)
    );
    let given = read(
        "{weak_slices: {columns: [city, 7], min_rows: 2, pairs: false, false_discovery_rate: 0.2, max_slices: 0}, \
         robustness: {rows: 0, noise: 0, missing_column: false, unit_change: 60}, \
         explain: {rows: 0, shap: false, partial_dependence: 0}}",
    );
    assert_eq!(given.weak_slices.columns, ["city", "7"]);
    assert_eq!(
        (given.weak_slices.min_rows, given.weak_slices.max_slices),
        (2, 0)
    );
    assert!(!given.weak_slices.pairs && given.weak_slices.false_discovery_rate == 0.2);
    assert_eq!((given.robustness.rows, given.robustness.noise), (0, 0.0));
    assert!(!given.robustness.missing_column && given.robustness.unit_change == 60.0);
    assert_eq!(
        (given.explain.rows, given.explain.partial_dependence),
        (0, 0)
    );
    assert!(!given.explain.shap);
}

#[test]
fn every_input_may_be_sliced() {
    // `all` is a word, not a column of that name; without it, all is meant, too.
    assert!(
        read("{weak_slices: {columns: all}}")
            .weak_slices
            .columns
            .is_empty()
    );
    assert!(read("{}").weak_slices.columns.is_empty());
    assert_eq!(
        read("{weak_slices: {columns: [all]}}").weak_slices.columns,
        ["all"]
    );
}

#[test]
fn gates_refuse_or_warn() {
    let gates = "[f1 > 0.5, {gate: recall > 0.6, else: warn}, {gate: 'precision > 0.7', else: refuse}, {gate: log_loss < 1, else: }]";
    let gates = lifecycle(&with("{metrics: [accuracy]}", gates)).gates;
    let found: Vec<(&str, bool)> = gates
        .iter()
        .map(|it| (it.text.as_str(), it.warns))
        .collect();
    assert_eq!(
        found,
        [
            ("f1 > 0.5", false),
            ("recall > 0.6", true),
            ("precision > 0.7", false),
            ("log_loss < 1", false),
        ]
    );
}

#[test]
fn gates_are_wrong() {
    let shown = |gates: &str| shown(&[("*", &with("{}", gates))]);
    assert_snapshot!(shown("[{else: warn}, {gate: f1 > 0.5, esle: warn}, {gate: f1 > 0.5, else: wran}]"), @r"
error[E0203]: `gates.0` lacks the key `gate`
   ╭─[everloop.yaml:17:9]
17 │ gates: [{else: warn}, {gate: f1 > 0.5, esle: warn}, {gate: f1 > 0.5, else: wran}]
   ·         ─
   ╰─
hint: `gate`: the condition, for example `rmse < 80`
error[E0201]: unknown key `esle` in `gates.1`
   ╭─[everloop.yaml:17:40]
17 │ gates: [{else: warn}, {gate: f1 > 0.5, esle: warn}, {gate: f1 > 0.5, else: wran}]
   ·                                        ────
   ╰─
hint: did you mean `else`?
error[E0204]: `gates.2.else` cannot be `wran`
   ╭─[everloop.yaml:17:76]
17 │ gates: [{else: warn}, {gate: f1 > 0.5, esle: warn}, {gate: f1 > 0.5, else: wran}]
   ·                                                                            ────
   ╰─
hint: did you mean `warn`?
");
    assert_snapshot!(shown("[{gate: [f1 > 0.5], else: false}, [f1 > 0.5], {gate: f1 >, else: warn}, {gate: f1 * 2}]"), @r"
error[E0202]: `gates.0.gate` must be a condition such as `rmse < 80`, found a list
   ╭─[everloop.yaml:17:10]
17 │ gates: [{gate: [f1 > 0.5], else: false}, [f1 > 0.5], {gate: f1 >, else: warn}, {gate: f1 * 2}]
   ·          ────
   ╰─
error[E0204]: `gates.0.else` cannot be `false`
   ╭─[everloop.yaml:17:34]
17 │ gates: [{gate: [f1 > 0.5], else: false}, [f1 > 0.5], {gate: f1 >, else: warn}, {gate: f1 * 2}]
   ·                                  ─────
   ╰─
hint: it can be: refuse, warn
error[E0202]: `gates.1` must be a condition such as `rmse < 80` or a map, found a list
   ╭─[everloop.yaml:17:42]
17 │ gates: [{gate: [f1 > 0.5], else: false}, [f1 > 0.5], {gate: f1 >, else: warn}, {gate: f1 * 2}]
   ·                                          ─
   ╰─
error[E0210]: `gates.2.gate` is not an expression: expected an operand, found the end
   ╭─[everloop.yaml:17:65]
17 │ gates: [{gate: [f1 > 0.5], else: false}, [f1 > 0.5], {gate: f1 >, else: warn}, {gate: f1 * 2}]
   ·                                                                 ─
   ╰─
error[E0318]: `f1 * 2` is not a condition
   ╭─[everloop.yaml:17:87]
17 │  [{gate: [f1 > 0.5], else: false}, [f1 > 0.5], {gate: f1 >, else: warn}, {gate: f1 * 2}]
   ·                                                                                 ──────
   ╰─
hint: compare it: `rmse < 80`
");
}
