//! Files of metrics: a line a point, `timestamp value step`, and more of a logged model's.

use std::fs;
use std::path::Path;

use everloop_domain::Timestamp;
use everloop_metastore::Metric;

use crate::Error;

/// The points of a file.
#[derive(Debug, Default)]
pub(super) struct Points {
    /// The points, with what follows on their lines.
    pub(super) found: Vec<(Metric, Vec<String>)>,
    /// Whether the last line has no end: it was never finished and is left out, even if what is there looks like a point.
    pub(super) is_cut: bool,
}

/// Why a metric lacks a point.
pub(super) const CUT: &str = "its last line has no end: it was never finished and is left out";

/// Reads a file.
pub(super) fn read(path: &Path, key: &str) -> Result<Points, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::read(path, source))?;
    let mut points = Points::default();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if !line.ends_with('\n') {
            points.is_cut = true;
            break;
        }
        let point = parse(line.trim_end(), key).ok_or_else(|| {
            let problem = format!("line {} is no `timestamp value step`", number + 1);
            Error::nonsense(path, problem)
        })?;
        points.found.push(point);
    }
    Ok(points)
}

fn parse(line: &str, key: &str) -> Option<(Metric, Vec<String>)> {
    let mut words = line.split(' ');
    let timestamp = words.next()?.parse().ok()?;
    let value = words.next()?.parse().ok()?;
    // The oldest stores have no step.
    let step = words.next().map_or(Some(0), |step| step.parse().ok())?;
    let point = Metric {
        key: key.to_owned(),
        value,
        timestamp: Timestamp::from_millis(timestamp),
        step,
    };
    Some((point, words.map(ToOwned::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(text: &str) -> Result<Vec<(i64, f64, i64)>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        fs::write(&path, text).unwrap();
        let points = read(&path, "m").map_err(|error| error.to_string())?;
        assert_eq!(points.is_cut, !text.is_empty() && !text.ends_with('\n'));
        let plain =
            |(point, _): (Metric, _)| (point.timestamp.as_millis(), point.value, point.step);
        Ok(points.found.into_iter().map(plain).collect())
    }

    #[test]
    fn lines_are_points() {
        assert_eq!(
            points("1 0.5 2\n-3 1e-300 -4\n5 inf 0\n").unwrap(),
            [(1, 0.5, 2), (-3, 1e-300, -4), (5, f64::INFINITY, 0)]
        );
        assert!(points("1 nan 0\n").unwrap()[0].1.is_nan());
        assert_eq!(points("7 1.0\n").unwrap(), [(7, 1.0, 0)]);
        assert_eq!(points("").unwrap(), []);
    }

    #[test]
    fn half_a_last_line_is_left_out_and_other_nonsense_is_named() {
        // `0.` may have been the beginning of `0.75 12`.
        for cut in ["3 0.", "3 ", "3 0.75 1", "x"] {
            assert_eq!(points(&format!("1 0.5 2\n{cut}")).unwrap(), [(1, 0.5, 2)]);
        }
        assert_eq!(points("1 0.5 2").unwrap(), []);
        let words = points("1 0.5 2\nx y z\n3 1 1\n").unwrap_err();
        assert!(words.contains("line 2"), "{words}");
    }

    #[test]
    fn what_follows_is_kept() {
        let (_, rest) = parse("1 0.5 2 run name digest", "m").unwrap();
        assert_eq!(rest, ["run", "name", "digest"]);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,80}") {
            let _ = points(&text);
        }

        #[test]
        fn every_point_comes_back(timestamp: i64, value: f64, step: i64) {
            prop_assume!(!value.is_nan());
            let line = format!("{timestamp} {value:?} {step}\n");
            prop_assert_eq!(points(&line).unwrap(), [(timestamp, value, step)]);
        }
    }
}
