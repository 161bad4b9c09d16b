//! `evaluate.fairness`: how it is read, and what is said of wrong values.

use everloop_lifecycle::{Bound, Mitigation, Parity};
use insta::assert_snapshot;

use super::the_evaluation::{read, said, with, wrong};

#[test]
fn fairness_is_wrong() {
    assert_snapshot!(wrong("{fairness: {groups: sex, intersections: maybe, min_group_size: 0, mitigate: rewighing, parity: equal, tolerance: 2}}"), @r"
error[E0202]: `evaluate.fairness.groups` must be a list, found the text `sex`
   ╭─[everloop.yaml:16:31]
16 │ evaluate: {fairness: {groups: sex, intersections: maybe, min_group_size: 0, mitigate: rewighing, parity: equal, tolerance: 2}}
   ·                               ───
   ╰─
error[E0202]: `evaluate.fairness.intersections` must be true or false, found the text `maybe`
   ╭─[everloop.yaml:16:51]
16 │ evaluate: {fairness: {groups: sex, intersections: maybe, min_group_size: 0, mitigate: rewighing, parity: equal, tolerance: 2}}
   ·                                                   ─────
   ╰─
error[E0205]: `evaluate.fairness.min_group_size` is 0; it must be at least 1
   ╭─[everloop.yaml:16:74]
16 │ evaluate: {fairness: {groups: sex, intersections: maybe, min_group_size: 0, mitigate: rewighing, parity: equal, tolerance: 2}}
   ·                                                                          ─
   ╰─
error[E0204]: `evaluate.fairness.mitigate` cannot be `rewighing`
   ╭─[everloop.yaml:16:87]
16 │ te: {fairness: {groups: sex, intersections: maybe, min_group_size: 0, mitigate: rewighing, parity: equal, tolerance: 2}}
   ·                                                                                 ─────────
   ╰─
hint: did you mean `reweighing`?
error[E0204]: `evaluate.fairness.parity` cannot be `equal`
   ╭─[everloop.yaml:16:106]
16 │ ups: sex, intersections: maybe, min_group_size: 0, mitigate: rewighing, parity: equal, tolerance: 2}}
   ·                                                                                 ─────
   ╰─
hint: it can be: demographic, true_positive_rate, false_positive_rate, equalized_odds
error[E0205]: `evaluate.fairness.tolerance` is 2; it must be at most 1
   ╭─[everloop.yaml:16:124]
16 │ tions: maybe, min_group_size: 0, mitigate: rewighing, parity: equal, tolerance: 2}}
   ·                                                                                 ─
   ╰─
");
    assert_snapshot!(wrong("{fairness: {metrics: {f1_ratio: 0.8, equalized_odds_diference: {max: 1}, equalized_odds_difference: {max: 1.5}}}}"), @r"
error[E0203]: `evaluate.fairness` lacks the key `groups`
   ╭─[everloop.yaml:16:12]
16 │ evaluate: {fairness: {metrics: {f1_ratio: 0.8, equalized_odds_diference: {max: 1}, equalized_odds_difference: {max: 1.5}}}}
   ·            ────────
   ╰─
hint: `groups`: the columns that hold the groups
error[E0202]: `evaluate.fairness.metrics.f1_ratio` must be a map, found the number `0.8`
   ╭─[everloop.yaml:16:43]
16 │ evaluate: {fairness: {metrics: {f1_ratio: 0.8, equalized_odds_diference: {max: 1}, equalized_odds_difference: {max: 1.5}}}}
   ·                                           ───
   ╰─
error[E0201]: unknown key `equalized_odds_diference` in `evaluate.fairness.metrics`
   ╭─[everloop.yaml:16:48]
16 │ evaluate: {fairness: {metrics: {f1_ratio: 0.8, equalized_odds_diference: {max: 1}, equalized_odds_difference: {max: 1.5}}}}
   ·                                                ────────────────────────
   ╰─
hint: did you mean `equalized_odds_difference`?
error[E0205]: `evaluate.fairness.metrics.equalized_odds_difference.max` is 1.5; it must be at most 1
   ╭─[everloop.yaml:16:117]
16 │ atio: 0.8, equalized_odds_diference: {max: 1}, equalized_odds_difference: {max: 1.5}}}}
   ·                                                                                 ───
   ╰─
");
    assert_snapshot!(wrong("{fairness: {groups: [], metrics: {f1_ratio: {}}}}"), @r"
error[E0203]: `evaluate.fairness.groups` must not be empty
   ╭─[everloop.yaml:16:23]
16 │ evaluate: {fairness: {groups: [], metrics: {f1_ratio: {}}}}
   ·                       ──────
   ╰─
error[E0203]: `evaluate.fairness.metrics.f1_ratio` has neither `min` nor `max`
   ╭─[everloop.yaml:16:45]
16 │ evaluate: {fairness: {groups: [], metrics: {f1_ratio: {}}}}
   ·                                             ────────
   ╰─
hint: write `{max: 0.1}`
");
}

#[test]
fn thresholds_of_groups_need_the_group() {
    let fairness = "{fairness: {groups: [sex, age], mitigate: group_thresholds}}";
    let excluding = |column: &str| {
        with(fairness, "[]").replace("time: day}", &format!("time: day, exclude: [{column}]}}"))
    };
    said(
        &excluding("sex"),
        &[
            "error[E0316]: `mitigate: group_thresholds` needs `sex` as an input of the model, but `dataset.exclude` names it",
            "hint: remove it from `dataset.exclude`, or use `mitigate: reweighing`",
        ],
    );
    // Only the first column has thresholds, and weights ask for no input at all.
    said(&excluding("age"), &[]);
    said(
        &excluding("sex").replace("group_thresholds", "reweighing"),
        &[],
    );
}

#[test]
fn fairness_is_read() {
    let fairness = read("{fairness: {groups: [sex]}}").fairness.unwrap();
    assert_eq!(fairness.groups, ["sex"]);
    assert!(fairness.intersections && fairness.bounds.is_empty());
    assert_eq!((fairness.min_group_size, fairness.mitigate), (30, None));
    let fairness = read(
        "{fairness: {groups: [sex, 7], intersections: false, min_group_size: 1, mitigate: group_thresholds, parity: demographic, tolerance: 0, \
         metrics: {equalized_odds_difference: {max: 0.1}, f1_ratio: {min: 0.8, max: 1}}}}",
    )
    .fairness
    .unwrap();
    assert_eq!(fairness.groups, ["sex", "7"]);
    assert!(!fairness.intersections);
    assert_eq!(fairness.min_group_size, 1);
    let bound = |min, max| Bound { min, max };
    assert_eq!(
        fairness.bounds,
        [
            (
                "equalized_odds_difference".to_owned(),
                bound(None, Some(0.1))
            ),
            ("f1_ratio".to_owned(), bound(Some(0.8), Some(1.0))),
        ]
    );
    let (parity, tolerance) = (Parity::Demographic, 0.0);
    let mitigation = Mitigation::GroupThresholds { parity, tolerance };
    assert_eq!(fairness.mitigate, Some(mitigation));
}

#[test]
fn groups_are_made_equal_in_what_is_asked() {
    for (written, parity) in [
        ("", Parity::EqualizedOdds),
        (", parity: true_positive_rate", Parity::TruePositiveRate),
        (", parity: false_positive_rate", Parity::FalsePositiveRate),
        (", parity: equalized_odds", Parity::EqualizedOdds),
    ] {
        let evaluate =
            format!("{{fairness: {{groups: [sex], mitigate: group_thresholds{written}}}}}");
        let tolerance = 0.05;
        let mitigation = Mitigation::GroupThresholds { parity, tolerance };
        assert_eq!(
            read(&evaluate).fairness.unwrap().mitigate,
            Some(mitigation),
            "{written}"
        );
    }
}
