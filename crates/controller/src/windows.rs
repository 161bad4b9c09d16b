//! Windows over the predictions of one version.

use std::time::Duration;

use everloop_domain::Timestamp;
use everloop_lifecycle::Window;

use crate::log::VersionLog;

/// The windows of a log that have closed until a moment and saw a request.
///
/// Windows of time begin at `start` (when the version went live) and follow each other; windows of predictions hold so
/// many answered rows each, in order of time. A window that began before the log's first day is left out.
pub(crate) fn closed(
    window: Window,
    start: Timestamp,
    log: &VersionLog,
    now: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    match window {
        Window::Time(length) if length.is_zero() => Vec::new(),
        Window::Time(length) => {
            let mut windows = Vec::new();
            let mut begin = start;
            while begin + length <= now {
                let span = (begin, begin + length);
                if begin >= log.since && log.n_requests(span) > 0 {
                    windows.push(span);
                }
                begin = span.1;
            }
            windows
        }
        Window::Predictions(n_rows) => {
            let n_rows = (n_rows as usize).max(1);
            log.times
                .chunks_exact(n_rows)
                .map(|rows| (rows[0], rows[n_rows - 1] + Duration::from_millis(1)))
                .filter(|(_, end)| *end <= now)
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// Answered requests at `times`, failed ones at `failed`.
    #[track_caller]
    fn check(window: Window, times: &[i64], failed: &[i64], now: i64, expected: &[(i64, i64)]) {
        let log = VersionLog {
            times: times.iter().copied().map(at).collect(),
            failed: failed.iter().copied().map(at).collect(),
            ..VersionLog::empty(at(100))
        };
        let found: Vec<(i64, i64)> = closed(window, at(90), &log, at(now))
            .into_iter()
            .map(|(start, end)| (start.as_millis(), end.as_millis()))
            .collect();
        assert_eq!(found, expected);
    }

    const TEN: Window = Window::Time(Duration::from_millis(10));

    #[test]
    fn windows_of_time_close_when_they_have_passed() {
        let times = [101, 112, 125];
        check(TEN, &times, &[], 129, &[(100, 110), (110, 120)]);
        check(TEN, &times, &[], 130, &[(100, 110), (110, 120), (120, 130)]);
        check(TEN, &[125], &[], 130, &[(120, 130)]);
    }

    #[test]
    fn a_window_in_which_every_request_failed_counts() {
        check(TEN, &[], &[112], 130, &[(110, 120)]);
    }

    #[test]
    fn windows_from_before_the_log_are_left_out() {
        check(TEN, &[95, 101], &[], 110, &[(100, 110)]);
    }

    #[test]
    fn windows_of_predictions_close_when_they_are_full() {
        let two = Window::Predictions(2);
        check(two, &[101, 102, 103], &[], 999, &[(101, 103)]);
        check(
            two,
            &[101, 102, 103, 104],
            &[],
            999,
            &[(101, 103), (103, 105)],
        );
        check(two, &[101, 102, 103, 104], &[], 104, &[(101, 103)]);
    }
}
