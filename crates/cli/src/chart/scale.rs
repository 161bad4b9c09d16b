//! From values to places, and the values that are written at an axis.

/// A line of values and the pixels that they lie at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// A scale with room for all values, whose ends are ticks.
    pub(super) fn around(values: impl Iterator<Item = f64>, start: f64, end: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= f64::EPSILON * high.abs().max(1e-300) {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - room, high + room);
        }
        let step = nice_step(high - low);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self {
            low,
            high,
            start,
            end,
        }
    }

    /// Where a value lies.
    pub(super) fn at(self, value: f64) -> f64 {
        let share = value / (self.high - self.low) - self.low / (self.high - self.low);
        self.start + share * (self.end - self.start)
    }

    /// The values that are written, and how.
    pub(super) fn ticks(self) -> Vec<(f64, String)> {
        let step = nice_step(self.high - self.low);
        let n_ticks = ((self.high - self.low) / step).round().clamp(0.0, 20.0) as u32;
        let ticks = (0..=n_ticks).map(|index| self.low + f64::from(index) * step);
        ticks.map(|tick| (tick, tick_text(tick, step))).collect()
    }
}

/// The distance of ticks: one, two or five times a power of ten, so that four to eight fit.
fn nice_step(span: f64) -> f64 {
    if !span.is_finite() || span <= 0.0 {
        return 1.0;
    }
    let raw = span / 6.0;
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= raw * 0.99)
        .unwrap_or(power);
    if step.is_finite() && step > 0.0 {
        step
    } else {
        span
    }
}

/// A tick with as many digits as its step has.
fn tick_text(tick: f64, step: f64) -> String {
    let tick = if tick.abs() < step / 1e6 { 0.0 } else { tick };
    let size = tick.abs().max(step);
    if !(1e-4..1e6).contains(&size) {
        let text = format!("{tick:.1e}");
        return text.replace(".0e", "e");
    }
    let n_digits = (-step.log10().floor()).clamp(0.0, 8.0) as usize;
    format!("{tick:.n_digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], expected: &str) {
        let scale = Scale::around(values.iter().copied(), 0.0, 100.0);
        let ticks: Vec<String> = scale.ticks().into_iter().map(|(_, text)| text).collect();
        assert_eq!(ticks.join(" "), expected);
        for value in values {
            assert!((0.0..=100.0).contains(&scale.at(*value)), "{value}");
        }
    }

    #[test]
    fn ticks_are_round() {
        check(&[0.0, 10.0], "0 2 4 6 8 10");
        check(&[0.013, 0.89], "0.0 0.2 0.4 0.6 0.8 1.0");
        check(&[-3.0, 4.0], "-4 -2 0 2 4");
        check(&[5.0], "4.4 4.6 4.8 5.0 5.2 5.4 5.6");
        check(&[0.0], "-1.0 -0.5 0.0 0.5 1.0");
        check(&[], "0.0 0.2 0.4 0.6 0.8 1.0");
        check(&[1e9, 6e9], "1e9 2e9 3e9 4e9 5e9 6e9");
    }

    #[test]
    fn extreme_values_have_ticks() {
        for values in [
            [f64::MIN, f64::MAX],
            [f64::MIN_POSITIVE, 0.0],
            [1e300, 1.1e300],
            [1.0, 1.0 + f64::EPSILON],
        ] {
            let scale = Scale::around(values.into_iter(), 0.0, 100.0);
            assert!(scale.ticks().len() <= 21, "{values:?}");
        }
    }
}
