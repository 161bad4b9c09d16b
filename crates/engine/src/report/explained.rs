//! Pictures of what predictions come from: SHAP values, partial dependence, disturbed inputs.

use maud::{Markup, html};

use super::chart::{Frame, bars, figure, number, place, range, short};
use crate::{Dependence, Explanation, Robustness, Shap};

/// Height of an input's row among the SHAP values.
const ROW: f64 = 30.0;

pub(super) fn section(explanation: &Explanation) -> Markup {
    html! {
        div class="pictures" {
            @if let Some(shap) = &explanation.shap {
                (mean_values(shap))
                (swarm(shap))
            }
        }
        @if !explanation.partial_dependence.is_empty() {
            h3 { "Partial dependence" }
            p { "How the " (explanation.of) " moves with one input while all others stay as they are: the mean of some rows, and single rows faintly." }
            div class="pictures" {
                @for dependence in &explanation.partial_dependence { (partial(dependence, &explanation.of)) }
            }
        }
    }
}

fn scale(shap: &Shap) -> &'static str {
    if shap.is_log_odds {
        "log odds"
    } else {
        "the prediction"
    }
}

fn mean_values(shap: &Shap) -> Markup {
    let shown: Vec<(String, f64)> = shap.importances.iter().take(15).cloned().collect();
    let first = shown.first().map_or("", |(name, _)| name.as_str());
    let alt = format!(
        "Mean SHAP value without sign, in {}: `{first}` matters most.",
        scale(shap)
    );
    let words = format!(
        "How much each input moves {} of a row on average ({} rows).",
        scale(shap),
        shap.n_rows
    );
    bars("Importance by SHAP values", &alt, &shown, &words)
}

fn swarm(shap: &Shap) -> Markup {
    let height = shap.drawn.len() as f64 * ROW + 52.0;
    let values = shap.drawn.iter().flat_map(|it| &it.points);
    let (low, high) = range(values.map(|(value, _)| *value));
    let frame =
        Frame::new(440.0, height, (low.min(0.0), high.max(0.0)), (0.0, 1.0)).with_left(150.0);
    let zero = place(frame.x(0.0));
    let drawn = html! {
        (frame.x_axis(&format!("SHAP value: what is added to {}", scale(shap))))
        line class="zero" x1=(zero) x2=(zero) y1="8" y2=(place(height - 40.0)) {}
        @for (at, input) in shap.drawn.iter().enumerate() {
            @let middle = 12.0 + (at as f64 + 0.5) * ROW;
            text class="tick" x=(place(frame.left() - 8.0)) y=(place(middle)) text-anchor="end" dominant-baseline="middle" { (short(&input.input, 22)) title { (input.input) } }
            @for ((value, share), lane) in input.points.iter().zip(lanes(&frame, &input.points)) {
                circle class=(shade(*share)) cx=(place(frame.x(*value))) cy=(place(middle + lane)) r="2.4" {}
            }
        }
    };
    let alt = format!(
        "SHAP values of single rows for the {} inputs that matter most.",
        shap.drawn.len()
    );
    let words = "Each dot is a row: to the right the input raises the prediction. Orange dots have high values of the input, blue ones low values, grey ones are no numbers.";
    figure("SHAP values", &alt, (440.0, height), &drawn, words)
}

/// One of five shades from low to high, or none.
fn shade(share: Option<f64>) -> &'static str {
    const SHADES: [&str; 5] = ["bee b0", "bee b1", "bee b2", "bee b3", "bee b4"];
    share.map_or("bee", |share| SHADES[((share * 5.0) as usize).min(4)])
}

/// How far dots move up or down so that they do not hide each other.
fn lanes(frame: &Frame, points: &[(f64, Option<f64>)]) -> Vec<f64> {
    let mut last_in_lane: [f64; 9] = [f64::NEG_INFINITY; 9];
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|one, other| points[*one].0.total_cmp(&points[*other].0));
    let mut lanes = vec![0.0; points.len()];
    for at in order {
        let x = frame.x(points[at].0);
        let free = (0..9).find(|lane| x - last_in_lane[*lane] >= 4.0);
        let lane = free.unwrap_or(at % 9);
        last_in_lane[lane] = x;
        // 0, -1, 1, -2, 2 …
        let step = lane.div_ceil(2) as f64;
        lanes[at] = if lane % 2 == 1 { -step } else { step } * 2.8;
    }
    lanes
}

fn partial(dependence: &Dependence, of: &str) -> Markup {
    let size = (440.0, 240.0);
    let all = dependence
        .individual
        .iter()
        .flatten()
        .chain(&dependence.mean);
    let y = range(all.copied());
    let (low, high) = range(dependence.mean.iter().copied());
    let alt = format!(
        "Partial dependence on `{}`: the mean {of} lies between {} and {}.",
        dependence.input,
        number(low),
        number(high)
    );
    let drawn = match &dependence.numbers {
        Some(numbers) => {
            let frame = Frame::new(size.0, size.1, range(numbers.iter().copied()), y);
            html! {
                (frame.axes("", ""))
                @for curve in &dependence.individual {
                    (frame.line("line thread", numbers.iter().copied().zip(curve.iter().copied())))
                }
                (frame.line("line", numbers.iter().copied().zip(dependence.mean.iter().copied())))
            }
        }
        None => return categories(dependence, &alt),
    };
    figure(&dependence.input, &alt, size, &drawn, "")
}

fn categories(dependence: &Dependence, alt: &str) -> Markup {
    let pairs = dependence.values.iter().cloned();
    let mut named: Vec<(String, f64)> = pairs.zip(dependence.mean.iter().copied()).collect();
    named.sort_by(|one, other| other.1.total_cmp(&one.1));
    bars(&dependence.input, alt, &named, "")
}

/// What disturbed inputs do, as a table.
pub(super) fn robustness(robustness: &Robustness) -> Markup {
    html! {
        p { "The metric " code { (robustness.metric) } " on " (robustness.n_rows) " rows is " strong { (number(robustness.undisturbed)) } "; when inputs are disturbed it is:" }
        table {
            thead { tr { th { "disturbance" } th { "input" } th class="n" { (robustness.metric) } th class="n" { "change" } } }
            tbody {
                @for it in robustness.disturbances.iter().filter(|it| it.problem.is_none()) {
                    tr {
                        td { (words(&it.kind)) }
                        td { (it.column.as_deref().unwrap_or("all numbers")) }
                        td class="n" { @if let Some(score) = it.score { (number(score)) } }
                        td class="n" { @if let Some(score) = it.score { (signed(score - robustness.undisturbed)) } }
                    }
                }
            }
        }
        @let refused: Vec<&str> = robustness.disturbances.iter().filter(|it| it.problem.is_some()).filter_map(|it| it.column.as_deref()).collect();
        @if !refused.is_empty() {
            p class="words" { "The model refuses rows in which one of these is missing, rather than guess: " (refused.join(", ")) "." }
        }
    }
}

fn words(kind: &str) -> &str {
    match kind {
        "noise" => "noise is added",
        "missing" => "it is missing",
        "unit" => "it comes in another unit",
        other => other,
    }
}

/// A change with its sign.
pub(super) fn signed(value: f64) -> String {
    let size = number(value.abs());
    if value > 0.0 {
        format!("+{size}")
    } else if value < 0.0 {
        format!("\u{2212}{size}")
    } else {
        size
    }
}
