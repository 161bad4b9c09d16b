//! Schedules: cron expressions, and words for the usual ones.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use everloop_domain::Timestamp;

/// Words for usual schedules.
const WORDS: [(&str, &str); 4] = [
    ("hourly", "0 * * * *"),
    ("daily", "0 0 * * *"),
    ("weekly", "0 0 * * 1"),
    ("monthly", "0 0 1 * *"),
];

/// When something is due, in UTC. `weekly` is Monday at midnight.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    text: String,
    cron: Cron,
}

impl Schedule {
    /// Reads `hourly`, `daily`, `weekly`, `monthly`, or a cron expression of five fields.
    ///
    /// # Errors
    ///
    /// Fails if the text is neither, or if the schedule never comes due (30 February).
    pub fn parse(text: &str) -> Result<Self, String> {
        let word = WORDS.iter().find(|(word, _)| *word == text);
        let pattern = word.map_or(text, |(_, pattern)| pattern);
        // The parser adds up fields without a bound of its own.
        if pattern.len() > 200 {
            return Err("the schedule is longer than 200 bytes".to_owned());
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let wrong = |reason: &str| format!("`{text}` is not a schedule: {reason}");
        if pattern.split_whitespace().count() != 5 {
            return Err(wrong("it is no known word and does not have five fields"));
        }
        let cron = parser.parse(pattern).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.rsplit(": ").next().unwrap_or_default();
            wrong(&reason.trim_end_matches('.').to_lowercase())
        })?;
        let schedule = Self {
            text: text.to_owned(),
            cron,
        };
        match schedule.next_after(Timestamp::default()) {
            Some(_) => Ok(schedule),
            None => Err(format!("the schedule `{text}` never comes due")),
        }
    }

    /// The schedule as it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first time after `moment` at which it is due.
    #[must_use]
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let next = self
            .cron
            .find_next_occurrence(&moment.to_utc(), false)
            .ok()?;
        Some(Timestamp::from_millis(next.timestamp_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, after: &str, next: &str) {
        let next_after = Schedule::parse(text)
            .unwrap()
            .next_after(after.parse().unwrap());
        assert_eq!(next_after.unwrap().to_string(), next);
    }

    #[test]
    fn tells_the_next_time() {
        check("hourly", "2026-11-20T22:53:15Z", "2026-11-20T23:00:00Z");
        check("daily", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
        check("weekly", "2026-11-20T00:00:00Z", "2026-11-23T00:00:00Z");
        check("monthly", "2026-11-20T00:00:00Z", "2026-12-01T00:00:00Z");
        check(
            "30 6 * * 1-5",
            "2026-11-20T22:53:15Z",
            "2026-11-23T06:30:00Z",
        );
        check("0 0 29 2 *", "2026-11-20T00:00:00Z", "2028-02-29T00:00:00Z");
    }

    #[track_caller]
    fn check_error(text: &str, message: &str) {
        assert_eq!(Schedule::parse(text).unwrap_err(), message);
    }

    #[test]
    fn refuses_what_never_comes() {
        check_error("0 0 30 2 *", "the schedule `0 0 30 2 *` never comes due");
        check_error(
            "0 0 31 4,6 *",
            "the schedule `0 0 31 4,6 *` never comes due",
        );
        check_error(
            "0 25 * * *",
            "`0 25 * * *` is not a schedule: number out of bounds",
        );
        check_error(
            "fortnightly",
            "`fortnightly` is not a schedule: it is no known word and does not have five fields",
        );
    }
}
