//! How certain a number is: an interval that holds the true one with a stated chance.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::special::normal_quantile;

/// An estimate between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The number on the rows at hand.
    pub estimate: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
    /// The chance that such intervals hold the true number, such as 0.95.
    pub level: f64,
}

/// Wilson's score interval of a share (1927): for accuracy, recall, a selection rate, and so on.
///
/// # Errors
///
/// Fails if there are no rows, more hits than rows, or the level does not lie between 0 and 1.
pub fn wilson(n_hits: usize, n_rows: usize, level: f64) -> Result<Interval, Error> {
    let z = two_sided_quantile(level)?;
    if n_rows == 0 {
        let what = "an interval of a share";
        return Err(Error::Empty { what });
    }
    if n_hits > n_rows {
        return Err(Error::Setting {
            what: "the number of hits",
            value: n_hits as f64,
            expected: "at most the number of rows",
        });
    }
    let (share, n_rows) = (n_hits as f64 / n_rows as f64, n_rows as f64);
    let scale = 1.0 + z * z / n_rows;
    let centre = (share + z * z / (2.0 * n_rows)) / scale;
    let spread = share * (1.0 - share) / n_rows + z * z / (4.0 * n_rows * n_rows);
    let half = z * spread.sqrt() / scale;
    Ok(Interval {
        estimate: share,
        low: if share <= 0.0 {
            0.0
        } else {
            (centre - half).max(0.0)
        },
        high: if share >= 1.0 {
            1.0
        } else {
            (centre + half).min(1.0)
        },
        level,
    })
}

/// How many standard deviations reach from the middle to the ends of an interval.
pub(crate) fn two_sided_quantile(level: f64) -> Result<f64, Error> {
    if level > 0.0 && level < 1.0 {
        return Ok(normal_quantile(f64::midpoint(1.0, level)));
    }
    Err(Error::Setting {
        what: "the level",
        value: level,
        expected: "a number between 0 and 1",
    })
}
