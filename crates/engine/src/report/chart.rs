//! Drawing: frames with axes, and the marks in them, as inline SVG.
//!
//! Colours are classes of `style.css`, so that a picture follows light and dark. Every picture has words for those who
//! cannot see it.

use maud::{Markup, html};

/// A picture's coordinates: numbers to places.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    width: f64,
    height: f64,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Frame {
    /// A frame for numbers within these ranges.
    pub(super) fn new(width: f64, height: f64, x: (f64, f64), y: (f64, f64)) -> Self {
        Self {
            width,
            height,
            left: 52.0,
            top: 12.0,
            right: 14.0,
            bottom: 40.0,
            x: widened(x),
            y: widened(y),
        }
    }

    /// More room on the left, for words.
    pub(super) fn with_left(self, left: f64) -> Self {
        Self { left, ..self }
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        let share = (value - self.x.0) / (self.x.1 - self.x.0);
        self.left + share * (self.width - self.left - self.right)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let share = (value - self.y.0) / (self.y.1 - self.y.0);
        self.height - self.bottom - share * (self.height - self.top - self.bottom)
    }

    /// Grid, numbers and names of both axes.
    pub(super) fn axes(&self, x_name: &str, y_name: &str) -> Markup {
        html! {
            (self.x_axis(x_name))
            @for tick in ticks(self.y.0, self.y.1) {
                @let y = place(self.y(tick));
                line class="grid" x1=(place(self.left)) x2=(place(self.width - self.right)) y1=(y) y2=(y) {}
                text class="tick" x=(place(self.left - 6.0)) y=(y) text-anchor="end" dominant-baseline="middle" { (number(tick)) }
            }
            @let middle = f64::midpoint(self.top, self.height - self.bottom);
            text class="axis" x="12" y=(place(middle)) text-anchor="middle" transform=(format!("rotate(-90 12 {})", place(middle))) { (y_name) }
        }
    }

    /// Grid, numbers and name of the horizontal axis alone.
    pub(super) fn x_axis(&self, x_name: &str) -> Markup {
        let bottom = self.height - self.bottom;
        html! {
            @for tick in ticks(self.x.0, self.x.1) {
                @let x = place(self.x(tick));
                line class="grid" x1=(x) x2=(x) y1=(place(self.top)) y2=(place(bottom)) {}
                text class="tick" x=(x) y=(place(bottom + 15.0)) text-anchor="middle" { (number(tick)) }
            }
            text class="axis" x=(place(f64::midpoint(self.left, self.width - self.right))) y=(place(self.height - 6.0)) text-anchor="middle" { (x_name) }
        }
    }

    /// A line through points.
    pub(super) fn line(&self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Markup {
        let points: Vec<String> = points
            .into_iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .map(|(x, y)| format!("{},{}", place(self.x(x)), place(self.y(y))))
            .collect();
        html! { polyline class=(class) points=(points.join(" ")) {} }
    }

    /// The left edge of the drawing, for words beside it.
    pub(super) fn left(&self) -> f64 {
        self.left
    }
}

/// A range that is wide enough to be drawn.
fn widened((low, high): (f64, f64)) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() {
        (0.0, 1.0)
    } else if high > low {
        (low, high)
    } else {
        (low - 0.5, high + 0.5)
    }
}

/// The range of some numbers.
pub(super) fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let values = values.into_iter().filter(|value| value.is_finite());
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

/// About five round numbers within a range.
pub(super) fn ticks(low: f64, high: f64) -> Vec<f64> {
    let raw = (high - low) / 5.0;
    if !raw.is_finite() || raw <= 0.0 {
        return Vec::new();
    }
    let power = 10_f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| raw <= factor * power)
        .unwrap_or(10.0);
    let step = factor * power;
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|tick| tick as f64 * step).collect()
}

/// A place in a picture: a tenth of a pixel is enough.
pub(super) fn place(value: f64) -> String {
    trimmed(format!("{value:.1}"))
}

/// A number for people: four digits that count.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    let digits = 3 - value.abs().log10().floor() as i64;
    match digits {
        ..=0 => grouped(value),
        1..=8 => trimmed(format!("{value:.*}", digits as usize)),
        _ => format!("{value:.2e}"),
    }
}

/// A whole number with its thousands apart.
fn grouped(value: f64) -> String {
    let text = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && (text.len() - index) % 3 == 0 {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    if value < 0.0 {
        format!("\u{2212}{grouped}")
    } else {
        grouped
    }
}

fn trimmed(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A picture with its heading, its words for those who cannot see it, and what explains it.
pub(super) fn figure(
    heading: &str,
    alt: &str,
    size: (f64, f64),
    drawn: &Markup,
    words: &str,
) -> Markup {
    html! {
        figure {
            figcaption { (heading) }
            svg viewBox=(format!("0 0 {} {}", place(size.0), place(size.1))) role="img" aria-label=(alt) {
                title { (alt) }
                (drawn)
            }
            @if !words.is_empty() { p class="words" { (words) } }
        }
    }
}

/// Bars to the right, one a name, the longest first as given.
pub(super) fn bars(heading: &str, alt: &str, named: &[(String, f64)], words: &str) -> Markup {
    const ROW: f64 = 22.0;
    let height = named.len() as f64 * ROW + 52.0;
    let (low, high) = range(named.iter().map(|(_, value)| *value));
    let frame =
        Frame::new(440.0, height, (low.min(0.0), high.max(0.0)), (0.0, 1.0)).with_left(150.0);
    let drawn = html! {
        (frame.x_axis(""))
        @for (at, (name, value)) in named.iter().enumerate() {
            @let y = 14.0 + at as f64 * ROW;
            @let (from, to) = (frame.x(value.min(0.0)), frame.x(value.max(0.0)));
            text class="tick" x=(place(frame.left() - 8.0)) y=(place(y + 8.0)) text-anchor="end" dominant-baseline="middle" { (short(name, 22)) title { (name) } }
            rect class="mark" x=(place(from)) y=(place(y)) width=(place((to - from).max(1.0))) height="16" rx="2" { title { (name) ": " (number(*value)) } }
        }
    };
    figure(heading, alt, (440.0, height), &drawn, words)
}

/// A text that is cut where it is too long.
pub(super) fn short(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max - 1).collect();
    format!("{kept}\u{2026}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            ticks(0.0, 1.0),
            [0.0, 0.2, 0.4, 0.600_000_000_000_000_1, 0.8, 1.0]
        );
        assert_eq!(ticks(-3.0, 17.0), [0.0, 5.0, 10.0, 15.0]);
        assert!(ticks(1.0, 1.0).is_empty());
    }

    #[test]
    fn numbers_have_four_digits() {
        let check = |value: f64, expected: &str| assert_eq!(number(value), expected);
        check(0.87654, "0.8765");
        check(12.3456, "12.35");
        check(1_234_567.0, "1\u{202f}234\u{202f}567");
        check(-4321.0, "\u{2212}4\u{202f}321");
        check(0.000_000_001, "1.00e-9");
        check(0.0, "0");
    }

    #[test]
    fn a_frame_without_width_can_be_drawn() {
        let frame = Frame::new(100.0, 100.0, (2.0, 2.0), (f64::NAN, 1.0));
        assert!(frame.x(2.0).is_finite() && frame.y(0.5).is_finite());
    }
}
