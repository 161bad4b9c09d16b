//! What evaluating found, for people: a report with pictures and a model card.
//!
//! Pure: from numbers to text. A page needs no network and no scripts; it follows light and dark, and every picture has
//! words beside it.

mod card;
mod chart;
mod curves;
mod explained;
mod tables;

use everloop_domain::{CycleOutcome, Task};
use everloop_lifecycle::Card;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Evaluation;
use chart::number;

pub(crate) use card::{markdown as card_markdown, page as card_page};

const STYLE: &str = include_str!("report/style.css");

/// What is known of a candidate besides its evaluation. It holds no time.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) project: String,
    pub(crate) task: Task,
    pub(crate) target: String,
    pub(crate) trainer: String,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) seed: u64,
    /// Name, rows and digest of each part.
    pub(crate) parts: Vec<(&'static str, u64, String)>,
    pub(crate) package: String,
    pub(crate) inputs: Vec<String>,
    /// The metrics in the order of the file.
    pub(crate) metrics: Vec<String>,
    pub(crate) importances: Vec<(String, f64)>,
    pub(crate) training_notes: Vec<String>,
    /// The probability from which on the positive class is predicted.
    pub(crate) threshold: Option<f64>,
    pub(crate) card: Card,
    /// The version of this program.
    pub(crate) program: &'static str,
}

/// A page of its own.
fn document(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
    .into_string()
}

/// The report.
pub(crate) fn page(facts: &Facts, evaluation: &Evaluation) -> String {
    let title = format!("Evaluation: {}", facts.project);
    let sections = sections(facts, evaluation);
    let body = html! {
        header {
            h1 { (title) }
            p class="lead" { (facts.trainer) " predicts " code { (facts.target) } " (" (facts.task) ")" }
            (verdict(facts, evaluation))
            nav aria-label="Sections" { @for (id, heading, _) in &sections { a href=(format!("#{id}")) { (heading) } } }
        }
        main {
            @for (id, heading, content) in &sections {
                section id=(id) { h2 { (heading) } div class="scroll" { (content) } }
            }
        }
    };
    document(&title, &body)
}

type Section = (&'static str, &'static str, Markup);

fn sections(facts: &Facts, evaluation: &Evaluation) -> Vec<Section> {
    let mut sections: Vec<Section> = vec![
        ("gates", "Gates", tables::gates(&evaluation.gates)),
        (
            "metrics",
            "Metrics",
            tables::metrics(evaluation, &facts.metrics),
        ),
    ];
    if !evaluation.comparison.is_empty() {
        let content = tables::comparison(&evaluation.comparison);
        sections.push(("champion", "Champion", content));
    } else if let Some(problem) = &evaluation.champion_problem {
        let content = html! { p { "The champion could not be scored on these rows: " (problem) } };
        sections.push(("champion", "Champion", content));
    }
    sections.push((
        "curves",
        "Predictions",
        curves::section(&evaluation.curves, facts.threshold),
    ));
    if !evaluation.decided.is_empty() {
        let content = tables::decided(&evaluation.decided);
        sections.push(("decisions", "Decisions", content));
    }
    if !evaluation.groups.is_empty() {
        let content = html! { @for it in &evaluation.groups { (tables::groups(it)) } };
        sections.push(("fairness", "Fairness", content));
    }
    if !evaluation.slices.is_empty() {
        let content = tables::slices(evaluation, &facts.metrics);
        sections.push(("slices", "Slices", content));
    }
    sections.push(("weak", "Weak slices", tables::weak_slices(evaluation)));
    sections.push((
        "inputs",
        "What predictions come from",
        html! {
            (explained::section(&evaluation.explanation))
            @if !facts.importances.is_empty() {
                div class="pictures" { (curves::importances(&facts.importances, "Importance as the trainer tells it")) }
            }
        },
    ));
    if let Some(robustness) = &evaluation.robustness {
        let content = explained::robustness(robustness);
        sections.push(("robustness", "Robustness", content));
    }
    sections.push(("origin", "Origin", origin(facts, evaluation)));
    sections
}

/// What matters most, in large letters.
fn verdict(facts: &Facts, evaluation: &Evaluation) -> Markup {
    let n_warnings = evaluation.warnings().count();
    let n_refused = evaluation.gates.iter().filter(|gate| !gate.passed).count();
    let n_gates = evaluation.gates.len();
    let outcome = if n_refused > 0 {
        CycleOutcome::Rejected.as_str()
    } else {
        "passed"
    };
    html! {
        ul class="verdict" {
            li { span { "Gates" } strong { (outcome) } span { (n_gates - n_refused - n_warnings) " of " (n_gates) " hold, " (n_warnings) " warn, " (n_refused) " refuse" } }
            @for name in facts.metrics.iter().take(3) {
                @if let Some(value) = evaluation.metrics.get(name) {
                    li {
                        span { (name) }
                        strong { (number(*value)) }
                        @if let Some(found) = evaluation.intervals.get(name) { span { (number(found.interval.low)) " to " (number(found.interval.high)) } }
                    }
                }
            }
        }
    }
}

fn origin(facts: &Facts, evaluation: &Evaluation) -> Markup {
    html! {
        dl {
            dt { "package" } dd { code { (facts.package) } }
            @for (name, n_rows, digest) in &facts.parts { dt { (name) " rows" } dd { (n_rows) ", " code { (digest) } } }
            dt { "seed" } dd { (facts.seed) }
            @for (name, value) in &facts.parameters { dt { (name) } dd { (value) } }
            dt { "made with" } dd { "Everloop " (facts.program) }
        }
        @for note in facts.training_notes.iter().chain(&evaluation.notes) { p class="words" { (note) "." } }
    }
}

#[cfg(test)]
mod tests;
