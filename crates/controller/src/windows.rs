//! Windows over the predictions of one version.

use everloop_domain::Timestamp;
use everloop_lifecycle::Window;

/// The windows that have closed and were not seen yet.
///
/// Windows of time begin at `start` (when the version went live) and follow each other; windows of predictions hold so
/// many rows each, in order of time.
pub(crate) fn closed(
    window: Window,
    start: Timestamp,
    seen_until: Option<Timestamp>,
    times: &[Timestamp],
    now: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let is_new = |end: Timestamp| seen_until.is_none_or(|seen| end > seen);
    match window {
        Window::Time(length) if length.is_zero() => Vec::new(),
        Window::Time(length) => {
            let mut windows = Vec::new();
            let mut begin = start;
            while begin + length <= now {
                let end = begin + length;
                let has_rows = times.iter().any(|time| *time >= begin && *time < end);
                if is_new(end) && has_rows {
                    windows.push((begin, end));
                }
                begin = end;
            }
            windows
        }
        Window::Predictions(n_rows) => {
            let n_rows = (n_rows as usize).max(1);
            times
                .chunks_exact(n_rows)
                .map(|rows| {
                    (
                        rows[0],
                        rows[n_rows - 1] + std::time::Duration::from_millis(1),
                    )
                })
                .filter(|(_, end)| is_new(*end))
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[track_caller]
    fn check(window: Window, seen: Option<i64>, times: &[i64], now: i64, expected: &[(i64, i64)]) {
        let times: Vec<Timestamp> = times.iter().copied().map(at).collect();
        let found: Vec<(i64, i64)> = closed(window, at(100), seen.map(at), &times, at(now))
            .into_iter()
            .map(|(start, end)| (start.as_millis(), end.as_millis()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn windows_of_time_close_when_they_have_passed() {
        let ten = Window::Time(Duration::from_millis(10));
        check(ten, None, &[101, 112, 125], 129, &[(100, 110), (110, 120)]);
        check(
            ten,
            Some(110),
            &[101, 112, 125],
            130,
            &[(110, 120), (120, 130)],
        );
        check(ten, None, &[125], 130, &[(120, 130)]);
    }

    #[test]
    fn windows_of_predictions_close_when_they_are_full() {
        check(
            Window::Predictions(2),
            None,
            &[101, 102, 103],
            999,
            &[(101, 103)],
        );
        check(
            Window::Predictions(2),
            Some(103),
            &[101, 102, 103, 104],
            999,
            &[(103, 105)],
        );
    }
}
