//! Charts as SVG: whole by themselves, without scripts, for light and dark pages.
//!
//! Colours tell versions apart and are those of Okabe and Ito, which colour-blind people can tell
//! apart; where a version has several fields, dashes and marks tell these. All text that comes from
//! files is escaped.

mod bars;
mod frame;
mod lines;
mod matrix;
mod scale;

use everloop_lifecycle::dvc::Value;

/// The colours of versions, in their order.
const COLOURS: [&str; 7] = [
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8A8A8A",
];

/// The dashes of fields, in their order.
const DASHES: [&str; 4] = ["", "7 4", "2 3", "9 3 2 3"];

/// The width of a chart, in pixels.
const WIDTH: f64 = 640.0;

/// What makes a chart readable on light and on dark pages.
const STYLE: &str = ".chart{font:12px system-ui,sans-serif;color:#1f2328}.chart text{fill:currentColor}\
.chart .grid{stroke:currentColor;stroke-opacity:.15}.chart .paper{fill:#fff}.chart .title{font-size:15px;font-weight:600}\
@media (prefers-color-scheme:dark){.chart{color:#e6edf3}.chart .paper{fill:#0d1117}}";

/// What is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// What stands above.
    pub(crate) title: String,
    /// What stands at the horizontal axis.
    pub(crate) x_label: String,
    /// What stands at the vertical axis.
    pub(crate) y_label: String,
    /// How it is drawn.
    pub(crate) form: Form,
    /// The points.
    pub(crate) series: Vec<Series>,
}

/// How points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line through the points.
    Line,
    /// A smooth line among the points, the points themselves paler.
    Smooth,
    /// A mark for each point.
    Points,
    /// A bar to the right for each point; the longest first if sorted.
    Bars {
        /// Whether the longest comes first.
        is_sorted: bool,
    },
    /// How often pairs of values occur.
    Matrix {
        /// Whether counts are shares of their row.
        is_normalized: bool,
    },
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// The words of the legend.
    pub(crate) label: String,
    /// The number of its version, which chooses the colour.
    pub(crate) version: usize,
    /// The number of its field, which chooses dashes and marks.
    pub(crate) field: usize,
    /// The horizontal and the vertical value of each point.
    pub(crate) values: Vec<(Value, Value)>,
}

impl Series {
    fn colour(&self) -> &'static str {
        COLOURS[self.version % COLOURS.len()]
    }

    fn dash(&self) -> &'static str {
        DASHES[self.field % DASHES.len()]
    }
}

impl Form {
    /// The form of a template of DVC; none for one that somebody wrote.
    pub(crate) fn of_template(name: &str) -> Option<Self> {
        Some(match name {
            "linear" | "simple" => Self::Line,
            "smooth" => Self::Smooth,
            "scatter" | "scatter_jitter" => Self::Points,
            "bar_horizontal" => Self::Bars { is_sorted: false },
            "bar_horizontal_sorted" => Self::Bars { is_sorted: true },
            "confusion" => Self::Matrix {
                is_normalized: false,
            },
            "confusion_normalized" => Self::Matrix {
                is_normalized: true,
            },
            _ => return None,
        })
    }
}

impl Chart {
    /// The chart as SVG.
    pub(crate) fn svg(&self) -> String {
        match self.form {
            Form::Line | Form::Smooth | Form::Points => lines::svg(self),
            Form::Bars { is_sorted } => bars::svg(self, is_sorted),
            Form::Matrix { is_normalized } => matrix::svg(self, is_normalized),
        }
    }
}

/// A value as a number, if it is or reads as one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Integer(whole) => *whole as f64,
        Value::Number(number) => *number,
        Value::Boolean(value) => f64::from(u8::from(*value)),
        Value::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A value as words.
fn words(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => other.repr(),
    }
}

/// A text for XML: nothing in it is a tag, and no character is one that XML does not have.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text cut to a number of characters.
fn cut(text: &str, n_characters: usize) -> String {
    if text.chars().count() <= n_characters {
        return text.to_owned();
    }
    let kept = text.chars().take(n_characters.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests;
