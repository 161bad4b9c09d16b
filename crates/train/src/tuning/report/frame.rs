//! A frame with two axes into which points and lines are drawn: SVG that needs nothing else.

use std::fmt::Write as _;

/// The room for the words of the axes.
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;
const N_TICKS: f64 = 5.0;

/// A drawing that grows.
pub(super) struct Frame {
    size: (f64, f64),
    x: Span,
    y: Span,
    body: String,
}

/// The values along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) is_log: bool,
}

impl Span {
    /// From the smallest to the greatest of some values, with a little room; never empty.
    pub(super) fn around(values: impl Iterator<Item = f64>, is_log: bool) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if is_log && low > 0.0 && low <= high {
            let room = (high / low).powf(0.04).max(1.05);
            return Self {
                low: low / room,
                high: high * room,
                is_log,
            };
        }
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let room = if high > low {
            (high - low) * 0.04
        } else {
            low.abs().max(1.0) * 0.1
        };
        Self {
            low: low - room,
            high: high + room,
            is_log: false,
        }
    }

    /// Where a value lies, 0 to 1; what lies outside is drawn at the edge.
    pub(super) fn share(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    fn ticks(&self) -> Vec<f64> {
        if self.is_log && self.high / self.low >= 10.0 {
            let (first, last) = (
                self.low.log10().ceil() as i32,
                self.high.log10().floor() as i32,
            );
            let stride = ((last - first) / 6 + 1) as usize;
            return (first..=last)
                .step_by(stride)
                .map(|power| 10_f64.powi(power))
                .collect();
        }
        let width = self.high - self.low;
        let power = 10_f64.powf((width / N_TICKS).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = steps
            .into_iter()
            .find(|step| width / step <= N_TICKS)
            .unwrap_or(power);
        let (first, last) = (
            (self.low / step).ceil() as i64,
            (self.high / step).floor() as i64,
        );
        (first..=last).map(|place| place as f64 * step).collect()
    }
}

impl Frame {
    pub(super) fn new(size: (f64, f64), x: Span, y: Span, labels: (&str, &str)) -> Self {
        let mut frame = Self {
            size,
            x,
            y,
            body: String::new(),
        };
        let (width, height) = size;
        for tick in x.ticks() {
            let at = frame.left(tick);
            frame.push(format_args!(
                "<path class=\"grid\" d=\"M{at:.1} {TOP}V{:.1}\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                height - BOTTOM,
                height - BOTTOM + 15.0,
                number(tick)
            ));
        }
        for tick in y.ticks() {
            let at = frame.top(tick);
            frame.push(format_args!(
                "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                width - RIGHT,
                LEFT - 6.0,
                at + 4.0,
                number(tick)
            ));
        }
        frame.push(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(LEFT, width - RIGHT),
            height - 8.0,
            escaped(labels.0),
            f64::midpoint(TOP, height - BOTTOM),
            escaped(labels.1)
        ));
        frame
    }

    fn push(&mut self, part: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.body.write_fmt(part);
    }

    fn left(&self, x: f64) -> f64 {
        LEFT + self.x.share(x) * (self.size.0 - LEFT - RIGHT)
    }

    fn top(&self, y: f64) -> f64 {
        self.size.1 - BOTTOM - self.y.share(y) * (self.size.1 - BOTTOM - TOP)
    }

    /// A point with words that show when it is pointed at.
    pub(super) fn point(&mut self, (x, y): (f64, f64), class: &str, words: &str) {
        let (left, top) = (self.left(x), self.top(y));
        self.push(format_args!(
            "<circle class=\"{class}\" cx=\"{left:.1}\" cy=\"{top:.1}\" r=\"3.5\"><title>{}</title></circle>",
            escaped(words)
        ));
    }

    /// A line through points.
    pub(super) fn line(
        &mut self,
        points: impl Iterator<Item = (f64, f64)>,
        class: &str,
        words: &str,
    ) {
        let mut path = String::new();
        for (place, (x, y)) in points.enumerate() {
            let letter = if place == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{:.1} {:.1}", self.left(x), self.top(y));
        }
        self.push(format_args!(
            "<path class=\"{class}\" d=\"{path}\"><title>{}</title></path>",
            escaped(words)
        ));
    }

    pub(super) fn svg(self, name: &str) -> String {
        picture(self.size, name, &self.body)
    }
}

/// A drawing with a name for who cannot see it.
pub(super) fn picture((width, height): (f64, f64), name: &str, body: &str) -> String {
    let name = escaped(name);
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{name}\">{body}</svg>"
    )
}

/// A number in few digits.
pub(super) fn number(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) {
        return format!("{value:.2e}");
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A text for XML: nothing in it is a tag, and no character is one that XML does not have.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_never_empty() {
        for values in [vec![], vec![3.0], vec![0.0, 0.0], vec![f64::NAN, 1.0]] {
            for is_log in [false, true] {
                let span = Span::around(values.iter().copied(), is_log);
                assert!(span.low < span.high, "{values:?}");
                assert!((0.0..=1.0).contains(&span.share(1.0)));
                assert!(span.ticks().len() < 10);
            }
        }
        let log = Span::around([1e-6, 1.0].into_iter(), true);
        assert!((log.share(1e-3) - 0.5).abs() < 1e-9);
        assert!(log.ticks().contains(&1.0));
    }

    #[test]
    fn numbers_are_short_and_texts_no_tags() {
        assert_eq!(
            [0.0, 0.5, 1234.0, 1e-7, -0.000_01].map(number),
            ["0", "0.5", "1234", "1.00e-7", "-1.00e-5"]
        );
        assert_eq!(
            escaped("<a href='x'>\u{1}"),
            "&lt;a href=&#39;x&#39;&gt;\u{fffd}"
        );
    }
}
