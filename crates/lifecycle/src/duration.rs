//! Durations as lifecycle files write them: `90s`, `10m`, `6h`, `2d`, `1w`.

use std::time::Duration;

/// The units and how many seconds each has.
const UNITS: [(char, u64); 5] = [
    ('s', 1),
    ('m', 60),
    ('h', 3600),
    ('d', 86_400),
    ('w', 604_800),
];

/// The longest duration: a hundred years, so that sums with a moment stay in range.
const MAX_SECONDS: u64 = 100 * 366 * 86_400;

/// Reads a duration: `90s`, `10m`, `6h`, `2d`, `1w`.
///
/// # Errors
///
/// Fails if the text is none, or one of more than a hundred years.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let (_, seconds) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(wrong)?;
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let total = digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(*seconds));
    match total.filter(|total| *total <= MAX_SECONDS) {
        Some(total) => Ok(Duration::from_secs(total)),
        None => Err(format!("`{text}` is longer than a hundred years")),
    }
}

/// The duration in the largest unit that divides it.
pub(crate) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = UNITS.iter().rev();
    let (unit, size) = units
        .clone()
        .find(|(_, size)| seconds > 0 && seconds.is_multiple_of(*size))
        .unwrap_or(&UNITS[0]);
    format!("{}{unit}", seconds / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows_each_unit() {
        for (text, seconds) in [
            ("90s", 90),
            ("10m", 600),
            ("6h", 21_600),
            ("2d", 172_800),
            ("1w", 604_800),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)));
            assert_eq!(show_duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn refuses_what_is_not_a_duration() {
        for text in ["", "h", "6", "6 h", "-1d", "1.5h", "1y", "6hours", "é"] {
            assert_eq!(
                parse_duration(text),
                Err(format!("`{text}` is not a duration"))
            );
        }
        assert!(
            parse_duration("99999999999999999w")
                .unwrap_err()
                .contains("hundred years")
        );
    }
}
