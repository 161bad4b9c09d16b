//! Parallel coordinates: an axis for each dimension and the first objective, a line for each trial.

use std::fmt::Write as _;

use everloop_domain::search::{Dimension, Domain};

use super::frame::{Span, escaped, number, picture};
use super::{WIDE, shown, words};
use crate::tuning::study::Study;
use crate::tuning::trial::Trial;

/// Lines are drawn of so many trials, the latest.
const MAX_LINES: usize = 300;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 20.0;
const SIDE: f64 = 60.0;

/// An axis: where it stands, its name, and the words at its ends.
struct Axis {
    left: f64,
    span: Span,
    name: String,
    ends: (String, String),
}

pub(super) fn svg(study: &Study, trials: &[&Trial]) -> String {
    let mut scored: Vec<&Trial> = trials
        .iter()
        .copied()
        .filter(|trial| trial.is_complete())
        .collect();
    scored = scored.split_off(scored.len().saturating_sub(MAX_LINES));
    if scored.is_empty() {
        return String::new();
    }
    let axes = axes(study, trials);
    let height = |share: f64| WIDE.1 - BOTTOM - share * (WIDE.1 - BOTTOM - TOP);
    let mut body = String::new();
    // The best are drawn last, above the others.
    let loss = |trial: &Trial| {
        let value = trial.values[0];
        if study.search().objectives[0].is_maximized {
            -value
        } else {
            value
        }
    };
    scored.sort_by(|left, right| loss(right).total_cmp(&loss(left)));
    let count = scored.len();
    for (place, trial) in scored.into_iter().enumerate() {
        let mut path = String::new();
        let values = trial
            .point
            .iter()
            .copied()
            .chain([trial.values.first().copied()]);
        for (axis, value) in axes.iter().zip(values) {
            let Some(value) = value else { continue };
            let letter = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(
                path,
                "{letter}{:.1} {:.1}",
                axis.left,
                height(axis.span.share(value))
            );
        }
        let class = if place + 1 + count / 10 >= count {
            "way"
        } else {
            "curve"
        };
        let _ = write!(
            body,
            "<path class=\"{class}\" d=\"{path}\"><title>{}</title></path>",
            escaped(&words(study, trial))
        );
    }
    for (place, axis) in axes.iter().enumerate() {
        // Names take turns on two lines.
        let top = if place % 2 == 0 { 12.0 } else { 26.0 };
        let _ = write!(
            body,
            "<path class=\"grid\" style=\"stroke-opacity:.6\" d=\"M{left:.1} {TOP}V{:.1}\"/><text x=\"{left:.1}\" y=\"{top}\" text-anchor=\"middle\">{}</text>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            WIDE.1 - BOTTOM,
            escaped(&axis.name),
            axis.left + 3.0,
            TOP + 9.0,
            escaped(&axis.ends.1),
            axis.left + 3.0,
            WIDE.1 - BOTTOM + 14.0,
            escaped(&axis.ends.0),
            left = axis.left,
        );
    }
    format!(
        "<p>The best tenth is drawn in colour.</p>\n{}",
        picture(WIDE, "parallel coordinates", &body)
    )
}

fn axes(study: &Study, trials: &[&Trial]) -> Vec<Axis> {
    let (space, objective) = (&study.search().space, &study.search().objectives[0]);
    let left =
        |place: usize| SIDE + place as f64 * (WIDE.0 - 2.0 * SIDE) / space.len().max(1) as f64;
    let of_dimension = |(place, dimension): (usize, &Dimension)| {
        let (span, ends) = match &dimension.domain {
            Domain::Choices(choices) => {
                let last = choices.len() - 1;
                let span = Span::around([0.0, last as f64].into_iter(), false);
                (span, (choices[0].to_string(), choices[last].to_string()))
            }
            Domain::Range {
                low, high, is_log, ..
            } => {
                let span = Span {
                    low: *low,
                    high: *high,
                    is_log: *is_log,
                };
                (span, (number(*low), number(*high)))
            }
        };
        Axis {
            left: left(place),
            span,
            name: dimension.id.clone(),
            ends,
        }
    };
    let mut axes: Vec<Axis> = space.iter().enumerate().map(of_dimension).collect();
    let span = shown(study, trials, 0);
    axes.push(Axis {
        left: left(space.len()),
        span,
        name: objective.metric.clone(),
        ends: (number(span.low), number(span.high)),
    });
    axes
}
