//! Tables: metrics with intervals, gates, champion, slices, groups.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::chart::{Frame, figure, number, place, range};
use super::explained::signed;
use crate::{Decided, Evaluation, GateOutcome, GroupComparison, Paired};

/// Groups and slices of a table at most.
const MAX_ROWS: usize = 40;

pub(super) fn metrics(evaluation: &Evaluation, order: &[String]) -> Markup {
    html! {
        table {
            thead { tr { th { "metric" } th class="n" { "value" } th class="n" { "interval" } th { "how" } @if evaluation.champion.is_some() { th class="n" { "champion" } } } }
            tbody {
                @for name in order {
                    tr {
                        td { code { (name) } }
                        @if let Some(value) = evaluation.metrics.get(name) {
                            td class="n" { strong { (number(*value)) } }
                        } @else {
                            td class="n" { "none" }
                        }
                        @if let Some(found) = evaluation.intervals.get(name) {
                            td class="n" { (number(found.interval.low)) " to " (number(found.interval.high)) }
                            td { (found.method) ", " (number(100.0 * found.interval.level)) " %" }
                        } @else {
                            td class="n" {}
                            td { (evaluation.missing.get(name).map_or("", String::as_str)) }
                        }
                        @if let Some(champion) = &evaluation.champion {
                            td class="n" { @if let Some(value) = champion.get(name) { (number(*value)) } }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn gates(gates: &[GateOutcome]) -> Markup {
    html! {
        @if gates.is_empty() { p { "No gates are set: every candidate is promoted." } }
        @else {
            table {
                thead { tr { th { "outcome" } th { "gate" } th { "numbers" } } }
                tbody {
                    @for gate in gates {
                        tr {
                            td { span class=(format!("badge {}", gate.verdict.as_str())) { (gate.verdict.as_str()) } }
                            td { code { (gate.text) } }
                            td { (gate.shown) }
                        }
                    }
                }
            }
        }
    }
}

/// Candidate against champion: every difference in units of the champion's score, so that one picture holds all.
pub(super) fn comparison(paired: &[Paired]) -> Markup {
    let scaled = |it: &Paired, value: f64| {
        let unit = it.champion.abs();
        if unit > 0.0 {
            100.0 * value / unit
        } else {
            100.0 * value
        }
    };
    let ends = |it: &Paired| [it.difference.low, it.difference.high].map(|value| scaled(it, value));
    let (low, high) = range(paired.iter().flat_map(ends));
    let height = paired.len() as f64 * 26.0 + 56.0;
    let frame =
        Frame::new(440.0, height, (low.min(0.0), high.max(0.0)), (0.0, 1.0)).with_left(150.0);
    let zero = place(frame.x(0.0));
    let drawn = html! {
        (frame.x_axis("candidate less champion, % of the champion's"))
        line class="zero" x1=(zero) x2=(zero) y1="6" y2=(place(height - 40.0)) {}
        @for (at, it) in paired.iter().enumerate() {
            @let y = place(20.0 + at as f64 * 26.0);
            @let [from, to] = ends(it);
            text class="tick" x=(place(frame.left() - 8.0)) y=(y) text-anchor="end" dominant-baseline="middle" { (it.metric) }
            line class="whisker" x1=(place(frame.x(from))) x2=(place(frame.x(to))) y1=(y) y2=(y) {}
            circle class="dot small" cx=(place(frame.x(scaled(it, it.difference.estimate)))) cy=(y) r="4" {}
        }
    };
    let n_certain = paired.iter().filter(|it| it.p_value < 0.05).count();
    let alt = format!(
        "Candidate against champion: {n_certain} of {} metrics differ by more than chance.",
        paired.len()
    );
    html! {
        div class="pictures" { (figure("Candidate less champion", &alt, (440.0, height), &drawn, "Lines are intervals: one that crosses zero may be chance.")) }
        table {
            thead { tr { th { "metric" } th class="n" { "champion" } th class="n" { "candidate" } th class="n" { "difference" } th class="n" { "interval" } th class="n" { "p-value" } th { "test" } } }
            tbody {
                @for it in paired {
                    tr {
                        td { code { (it.metric) } }
                        td class="n" { (number(it.champion)) }
                        td class="n" { (number(it.candidate)) }
                        td class="n" { (signed(it.difference.estimate)) }
                        td class="n" { (signed(it.difference.low)) " to " (signed(it.difference.high)) }
                        td class="n" { (p_value(it.p_value)) }
                        td { (it.test) }
                    }
                }
            }
        }
    }
}

/// A p-value for people.
fn p_value(value: f64) -> String {
    if value < 0.0001 {
        "< 0.0001".to_owned()
    } else {
        format!("{value:.4}")
    }
}

/// What was decided about thresholds and groups, with numbers before and after.
pub(super) fn decided(all: &[Decided]) -> Markup {
    html! {
        @for it in all {
            h3 { (it.goal) }
            @if let (Some(threshold), true) = (it.threshold, it.column.is_none()) {
                p { "The positive class is predicted from a probability of " strong { (number(threshold)) } " on." }
            }
            @for (group, threshold) in &it.by_group {
                p { code { (group) } ": " @if let Some(threshold) = threshold { "from " (number(*threshold)) " on" } @else { "never" } }
            }
            table {
                thead { tr { th { "number" } th class="n" { "before" } th class="n" { "after" } } }
                tbody {
                    @for (name, before) in &it.before {
                        tr { td { (name.replace('_', " ")) } td class="n" { (number(*before)) } td class="n" { @if let Some(after) = it.after.get(name) { (number(*after)) } } }
                    }
                }
            }
            p class="words" { "On the rows that it was chosen by, not on the test rows." }
        }
    }
}

pub(super) fn slices(evaluation: &Evaluation, order: &[String]) -> Markup {
    html! {
        table {
            thead { tr { th { "column" } th { "value" } th class="n" { "rows" } @for name in order { th class="n" { (name) } } } }
            tbody {
                @for slice in evaluation.slices.iter().take(MAX_ROWS) {
                    tr {
                        td { (slice.column) } td { (slice.value) } td class="n" { (slice.n_rows) }
                        @for name in order {
                            td class="n" { @if let Some(value) = slice.metrics.get(name) { (number(*value)) } @else { "none" } }
                        }
                    }
                }
            }
        }
        @if evaluation.slices.len() > MAX_ROWS {
            p class="words" { "The first " (MAX_ROWS) " of " (evaluation.slices.len()) " slices; all are in evaluation.json." }
        }
    }
}

pub(super) fn weak_slices(evaluation: &Evaluation) -> Markup {
    html! {
        @if evaluation.weak_slices.is_empty() {
            p { "No part of the rows was found on which the model is worse than elsewhere by more than chance." }
        } @else {
            p { "Found by trying; the share of false ones among them is kept by Benjamini and Hochberg's procedure. The loss is " (if evaluation.curves.classes.is_empty() { "the absolute error" } else { "the log loss (without probabilities, the share of errors)" }) "." }
            table {
                thead { tr { th { "rows where" } th class="n" { "rows" } th class="n" { "mean loss" } th class="n" { "elsewhere" } th class="n" { "effect" } th class="n" { "q-value" } } }
                tbody {
                    @for slice in &evaluation.weak_slices {
                        tr {
                            td { @for (at, (column, value)) in slice.conditions.iter().enumerate() { @if at > 0 { " and " } code { (column) " = " (value) } } }
                            td class="n" { (slice.n_rows) }
                            td class="n" { (number(slice.mean_loss)) }
                            td class="n" { (number(slice.mean_loss_elsewhere)) }
                            td class="n" { (number(slice.effect)) }
                            td class="n" { (p_value(slice.q_value)) }
                        }
                    }
                }
            }
        }
    }
}

/// The groups of every column: a picture of their rates, a table, and how far they lie apart.
pub(super) fn groups(comparison: &GroupComparison) -> Markup {
    const SHOWN: [(&str, &str); 4] = [
        ("selection_rate", "selection rate"),
        ("true_positive_rate", "true positive rate"),
        ("false_positive_rate", "false positive rate"),
        ("accuracy", "accuracy"),
    ];
    let is_drawn = comparison.groups.len() <= 12;
    html! {
        h3 { "By " (comparison.column) }
        @if let Some(problem) = &comparison.problem { p class="words" { (problem) "." } }
        div class="pictures" {
            @if is_drawn { @for (rate, words) in SHOWN { (group_rates(comparison, rate, words)) } }
        }
        table {
            thead { tr { th { "group" } th class="n" { "rows" } @for (_, words) in SHOWN { th class="n" { (words) } } } }
            tbody {
                @for group in comparison.groups.iter().take(MAX_ROWS) {
                    tr class=(if group.is_small { "small" } else { "" }) {
                        td { (group.group) @if group.is_small { " " span class="badge warn" { "few rows" } } }
                        td class="n" { (group.n_rows) }
                        @for (rate, _) in SHOWN { td class="n" { @if let Some(value) = group.rates.get(rate) { (number(*value)) } } }
                    }
                }
            }
        }
        (apart(comparison))
    }
}

fn apart(comparison: &GroupComparison) -> Markup {
    let usual = ["demographic_parity", "equalized_odds", "equal_opportunity"];
    let named: BTreeSet<String> = usual
        .iter()
        .flat_map(|name| [format!("{name}_difference"), format!("{name}_ratio")])
        .collect();
    let found: Vec<String> = named
        .iter()
        .filter_map(|name| {
            Some(format!(
                "{} {}",
                name.replace('_', " "),
                number(*comparison.comparisons.get(name)?)
            ))
        })
        .collect();
    html! { @if !found.is_empty() { p class="words" { (found.join(" · ")) } } }
}

fn group_rates(comparison: &GroupComparison, rate: &str, words: &str) -> Markup {
    let large = comparison.groups.iter().filter(|group| !group.is_small);
    let named: Vec<(String, f64)> = large
        .filter_map(|group| Some((group.group.clone(), *group.rates.get(rate)?)))
        .collect();
    if named.is_empty() {
        return html! {};
    }
    let (low, high) = range(named.iter().map(|(_, value)| *value));
    let alt = format!(
        "The {words} by {}: from {} to {}.",
        comparison.column,
        number(low),
        number(high)
    );
    super::chart::bars(words, &alt, &named, "")
}
