//! Pictures of predictions and truth.

use maud::{Markup, html};

use super::chart::{Frame, bars, figure, number, place, range, short};
use crate::Curves;

const SIZE: (f64, f64) = (440.0, 320.0);
/// Classes of a confusion matrix that are drawn at most.
const MAX_CLASSES: usize = 20;

/// All pictures that these rows give.
pub(super) fn section(curves: &Curves, threshold: Option<f64>) -> Markup {
    html! {
        div class="pictures" {
            @if !curves.confusion.is_empty() && curves.classes.len() <= MAX_CLASSES { (confusion(curves)) }
            @if !curves.roc.is_empty() { (roc(curves, threshold)) }
            @if !curves.precision_recall.is_empty() { (precision_recall(curves)) }
            @if !curves.gains.is_empty() { (gains(curves)) (lift(curves)) }
            @if !curves.reliability.is_empty() { (reliability(curves)) }
            @if !curves.points.is_empty() { (points(curves)) }
            @if !curves.residuals.is_empty() { (residuals(curves)) }
        }
    }
}

fn unit() -> Frame {
    Frame::new(SIZE.0, SIZE.1, (0.0, 1.0), (0.0, 1.0))
}

fn confusion(curves: &Curves) -> Markup {
    let n = curves.classes.len();
    let (left, top) = (110.0, 34.0);
    let cell = (300.0 / n as f64).clamp(24.0, 110.0);
    let (height, width) = (cell.min(60.0), cell);
    let size = (
        left + width * n as f64 + 20.0,
        top + height * n as f64 + 30.0,
    );
    let drawn = html! {
        text class="axis" x=(place(left + width * n as f64 / 2.0)) y="12" text-anchor="middle" { "predicted" }
        @for (truth, row) in curves.confusion.iter().enumerate() {
            @let total: f64 = row.iter().sum();
            @let y = top + height * truth as f64;
            text class="tick" x=(place(left - 8.0)) y=(place(y + height / 2.0)) text-anchor="end" dominant-baseline="middle" { (short(&curves.classes[truth], 15)) }
            text class="tick" x=(place(left + width * (truth as f64 + 0.5))) y="28" text-anchor="middle" { (short(&curves.classes[truth], 14)) }
            @for (predicted, count) in row.iter().enumerate() {
                @let share = if total > 0.0 { count / total } else { 0.0 };
                @let x = left + width * predicted as f64;
                rect class=(if truth == predicted { "cell right" } else { "cell wrong" }) x=(place(x + 1.0)) y=(place(y + 1.0)) width=(place(width - 2.0)) height=(place(height - 2.0)) fill-opacity=(format!("{:.3}", 0.06 + 0.5 * share)) rx="3" {}
                @if width >= 40.0 {
                    text class="value" x=(place(x + width / 2.0)) y=(place(y + height / 2.0 - 6.0)) text-anchor="middle" dominant-baseline="middle" { (number(*count)) }
                    text class="share" x=(place(x + width / 2.0)) y=(place(y + height / 2.0 + 10.0)) text-anchor="middle" dominant-baseline="middle" { (format!("{:.1} %", 100.0 * share)) }
                }
            }
        }
    };
    let right: f64 = (0..n).map(|class| curves.confusion[class][class]).sum();
    let all: f64 = curves.confusion.iter().flatten().sum();
    let alt = format!("Confusion matrix: {right} of {all} rows are predicted rightly.");
    let words = "Each row is a true class; the percentages of a row sum to 100.";
    figure("Confusion matrix", &alt, size, &drawn, words)
}

fn roc(curves: &Curves, threshold: Option<f64>) -> Markup {
    let frame = unit();
    let chosen = threshold.and_then(|threshold| {
        let mut points = curves.roc.iter();
        let point = points.rfind(|point| point.threshold.is_some_and(|it| it >= threshold))?;
        Some((threshold, point))
    });
    let drawn = html! {
        (frame.axes("false positive rate", "true positive rate"))
        (frame.line("line faint", [(0.0, 0.0), (1.0, 1.0)]))
        (frame.line("line", curves.roc.iter().map(|it| (it.false_positive_rate, it.true_positive_rate))))
        @if let Some((_, point)) = chosen {
            circle class="dot" cx=(place(frame.x(point.false_positive_rate))) cy=(place(frame.y(point.true_positive_rate))) r="5" {}
        }
    };
    let at = chosen.map_or_else(String::new, |(threshold, it)| {
        format!(
            " At the threshold {} it finds {:.1} % of the positives and takes {:.1} % of the negatives for positive.",
            number(threshold),
            100.0 * it.true_positive_rate,
            100.0 * it.false_positive_rate
        )
    });
    let alt = format!("ROC curve.{at}");
    let words = if chosen.is_some() {
        "The dot is the threshold; the diagonal is what chance would do."
    } else {
        "No one threshold holds for all rows; the diagonal is what chance would do."
    };
    figure("ROC curve", &alt, SIZE, &drawn, words)
}

fn precision_recall(curves: &Curves) -> Markup {
    let frame = unit();
    let points = &curves.precision_recall;
    let base = points.first().map_or(0.0, |it| it.precision);
    let drawn = html! {
        (frame.axes("recall", "precision"))
        (frame.line("line faint", [(0.0, base), (1.0, base)]))
        (frame.line("line", points.iter().map(|it| (it.recall, it.precision))))
    };
    let alt = format!(
        "Precision-recall curve; a share of {:.1} % of the rows is positive.",
        100.0 * base
    );
    let words = "The faint line is the share of positive rows: the precision of chance.";
    figure("Precision and recall", &alt, SIZE, &drawn, words)
}

fn gains(curves: &Curves) -> Markup {
    let frame = unit();
    let drawn = html! {
        (frame.axes("share of rows, most probable first", "share of positives found"))
        (frame.line("line faint", [(0.0, 0.0), (1.0, 1.0)]))
        (frame.line("line", std::iter::once((0.0, 0.0)).chain(curves.gains.iter().map(|it| (it.row_share, it.gain)))))
    };
    let tenth = curves.gains.iter().find(|it| it.row_share >= 0.1);
    let alt = tenth.map_or_else(
        || "Cumulative gains.".to_owned(),
        |it| {
            format!(
                "Cumulative gains: the most probable tenth of the rows holds {:.0} % of the positives.",
                100.0 * it.gain
            )
        },
    );
    figure("Cumulative gains", &alt, SIZE, &drawn, "")
}

fn lift(curves: &Curves) -> Markup {
    // The first rows alone make any lift: they are not drawn.
    let points = || {
        let shown = curves.gains.iter().filter(|it| it.row_share >= 0.01);
        shown.map(|it| (it.row_share, it.lift))
    };
    let (_, high) = range(points().map(|(_, lift)| lift));
    let frame = Frame::new(SIZE.0, SIZE.1, (0.0, 1.0), (0.0, high.max(1.2)));
    let drawn = html! {
        (frame.axes("share of rows, most probable first", "lift"))
        (frame.line("line faint", [(0.0, 1.0), (1.0, 1.0)]))
        (frame.line("line", points()))
    };
    let alt = "Lift: how many times more positives than chance would find.";
    figure("Lift", alt, SIZE, &drawn, "1 is what chance would find.")
}

fn reliability(curves: &Curves) -> Markup {
    let frame = unit();
    let points = || {
        let bins = curves.reliability.iter();
        bins.map(|bin| (bin.mean_probability, bin.positive_share))
    };
    let worst = points()
        .map(|(said, true_share)| (said - true_share).abs())
        .fold(0.0, f64::max);
    let drawn = html! {
        (frame.axes("predicted probability", "share that came true"))
        (frame.line("line faint", [(0.0, 0.0), (1.0, 1.0)]))
        (frame.line("line", points()))
        @for (x, y) in points() {
            circle class="dot small" cx=(place(frame.x(x))) cy=(place(frame.y(y))) r="4" {}
        }
    };
    let alt = format!(
        "Reliability: in the worst of {} groups of rows the predicted probability is {:.1} points off.",
        curves.reliability.len(),
        100.0 * worst
    );
    let words = "On the diagonal, probabilities come true as often as they say. Each dot stands for about as many rows.";
    figure("Calibration", &alt, SIZE, &drawn, words)
}

fn points(curves: &Curves) -> Markup {
    let all = range(curves.points.iter().flat_map(|(one, other)| [*one, *other]));
    let frame = Frame::new(SIZE.0, SIZE.1, all, all);
    let drawn = html! {
        (frame.axes("predicted", "true"))
        (frame.line("line faint", [(all.0, all.0), (all.1, all.1)]))
        @for (predicted, truth) in &curves.points {
            circle class="point" cx=(place(frame.x(*predicted))) cy=(place(frame.y(*truth))) r="2.5" {}
        }
    };
    let alt = format!(
        "Prediction and truth of {} test rows, from {} to {}.",
        curves.points.len(),
        number(all.0),
        number(all.1)
    );
    figure(
        "Predicted and true",
        &alt,
        SIZE,
        &drawn,
        "A perfect prediction lies on the diagonal.",
    )
}

fn residuals(curves: &Curves) -> Markup {
    let width = curves.residual_width;
    let (low, high) = range(
        curves
            .residuals
            .iter()
            .flat_map(|(edge, _)| [*edge, edge + width]),
    );
    let most = curves.residuals.iter().map(|(_, n)| *n).max().unwrap_or(1);
    let frame = Frame::new(SIZE.0, SIZE.1, (low, high), (0.0, most as f64));
    let bottom = frame.y(0.0);
    let drawn = html! {
        (frame.axes("true less predicted", "rows"))
        @for (edge, n) in &curves.residuals {
            @let (left, right, top) = (frame.x(*edge), frame.x(edge + width), frame.y(*n as f64));
            rect class="mark" x=(place(left + 0.5)) y=(place(top)) width=(place((right - left - 1.0).max(0.5))) height=(place(bottom - top)) { title { (number(*edge)) " to " (number(edge + width)) ": " (n) " rows" } }
        }
    };
    let alt = format!(
        "Residuals of all test rows, from {} to {}.",
        number(low),
        number(high)
    );
    figure("Residuals", &alt, SIZE, &drawn, "")
}

/// The importances that the trainer tells.
pub(super) fn importances(named: &[(String, f64)], what: &str) -> Markup {
    let shown: Vec<(String, f64)> = named.iter().take(15).cloned().collect();
    let first = shown.first().map_or("", |(name, _)| name.as_str());
    let alt = format!("{what}: `{first}` matters most.");
    bars(what, &alt, &shown, "")
}
