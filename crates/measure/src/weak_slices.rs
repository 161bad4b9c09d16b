//! Slices of the rows on which a model is worse than elsewhere, found by trying them.
//!
//! Every value of a column (numbers are cut into bins of about the same number of rows) is a condition; slices have one
//! or two. The mean loss in a slice is tested against that of all other rows by Welch's test (1947), as in Slice Finder
//! (Chung et al. 2019). Many slices are tried, so that some would look bad by chance: the share of false ones among
//! those that are told is kept by Benjamini and Hochberg's procedure (1995) over all that were tried.

mod conditions;

use serde::{Deserialize, Serialize};

use self::conditions::Conditions;
use crate::outcomes::{finite, same_length};
use crate::special::student_tail;
use crate::{Error, Outcomes, probabilistic};

/// A column by which rows may be sliced.
#[derive(Clone, Copy, Debug)]
pub struct SliceColumn<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its values.
    pub values: SliceValues<'a>,
}

/// The values of a column.
#[derive(Clone, Copy, Debug)]
pub enum SliceValues<'a> {
    /// Categories; the fifty most frequent are tried.
    Texts(&'a [String]),
    /// Numbers, in bins; NaN is a missing one.
    Numbers(&'a [f64]),
}

/// How slices are searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SliceSearch {
    /// Slices with fewer rows are not tried.
    pub min_rows: usize,
    /// Into how many bins numbers are cut.
    pub n_bins: usize,
    /// Whether slices of two conditions are tried.
    pub pairs: bool,
    /// The share of false ones among the slices that are told.
    pub false_discovery_rate: f64,
    /// How many slices are told at most.
    pub max_slices: usize,
}

impl Default for SliceSearch {
    fn default() -> Self {
        Self {
            min_rows: 50,
            n_bins: 5,
            pairs: true,
            false_discovery_rate: 0.05,
            max_slices: 20,
        }
    }
}

/// A slice on which the model is worse than elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeakSlice {
    /// Columns and their values (`40 to 52`, `missing`), all of which must hold.
    pub conditions: Vec<(String, String)>,
    /// How many rows there are.
    pub n_rows: usize,
    /// Their mean loss.
    pub mean_loss: f64,
    /// The mean loss of all other rows.
    pub mean_loss_elsewhere: f64,
    /// The difference in units of the loss's standard deviation.
    pub effect: f64,
    /// The chance of such a difference on a slice that is no worse.
    pub p_value: f64,
    /// The smallest false discovery rate at which the slice would be told.
    pub q_value: f64,
}

/// What each row costs: its log loss where there are probabilities, else 1 for a wrong class; the absolute error of a
/// number.
///
/// # Errors
///
/// Fails if the outcomes are not sound.
pub fn row_losses(outcomes: &Outcomes<'_>) -> Result<Vec<f64>, Error> {
    outcomes.check("row losses")?;
    let rows = outcomes.truth.iter().zip(outcomes.predicted);
    if !outcomes.task.is_classification() {
        return Ok(rows
            .map(|(truth, predicted)| (truth - predicted).abs())
            .collect());
    }
    if outcomes.probabilities.is_some() {
        return probabilistic::log_losses(outcomes);
    }
    Ok(rows
        .map(|(truth, predicted)| f64::from(u8::from(truth != predicted)))
        .collect())
}

/// Searches slices whose mean loss is higher than elsewhere; those with the greatest excess of loss (rows times
/// difference) come first. A slice of two conditions is told only if it is worse than with either alone.
///
/// # Errors
///
/// Fails if there are no rows, lengths differ, a loss is not finite, or a setting is impossible.
pub fn weak_slices(
    losses: &[f64],
    columns: &[SliceColumn<'_>],
    search: &SliceSearch,
) -> Result<Vec<WeakSlice>, Error> {
    if losses.is_empty() {
        let what = "a search of slices";
        return Err(Error::Empty { what });
    }
    finite("the loss", losses)?;
    search.check()?;
    let columns = columns
        .iter()
        .map(|column| {
            let conditions = Conditions::of(column, search.n_bins);
            same_length(
                "rows and values of a column",
                losses.len(),
                conditions.n_rows(),
            )?;
            Ok(conditions)
        })
        .collect::<Result<Vec<Conditions>, Error>>()?;
    let mut tried = Losses::of(losses).slices(&columns, search);
    correct(&mut tried);
    let mut told: Vec<Tried> = tried
        .iter()
        .filter(|slice| slice.q_value <= search.false_discovery_rate)
        .filter(|slice| slice.is_worse_than_its_parts(&tried))
        .cloned()
        .collect();
    told.sort_by(|left, right| right.excess().total_cmp(&left.excess()));
    told.truncate(search.max_slices);
    Ok(told.iter().map(|slice| slice.told(&columns)).collect())
}

impl SliceSearch {
    fn check(&self) -> Result<(), Error> {
        let wrong = |what, value: f64, expected| {
            Err(Error::Setting {
                what,
                value,
                expected,
            })
        };
        if self.min_rows < 2 {
            return wrong(
                "the least number of rows",
                self.min_rows as f64,
                "at least 2",
            );
        }
        if self.n_bins < 2 {
            return wrong("the number of bins", self.n_bins as f64, "at least 2");
        }
        let rate = self.false_discovery_rate;
        if rate > 0.0 && rate < 1.0 {
            return Ok(());
        }
        wrong("the false discovery rate", rate, "a number between 0 and 1")
    }
}

/// A slice that was tried.
#[derive(Clone, Debug)]
struct Tried {
    /// Columns and the places of their values.
    parts: Vec<(usize, usize)>,
    n_rows: usize,
    mean: f64,
    elsewhere: f64,
    effect: f64,
    p_value: f64,
    q_value: f64,
}

impl Tried {
    fn excess(&self) -> f64 {
        self.n_rows as f64 * (self.mean - self.elsewhere)
    }

    fn is_worse_than_its_parts(&self, tried: &[Self]) -> bool {
        self.parts.len() == 1
            || tried
                .iter()
                .filter(|other| other.parts.len() == 1 && self.parts.contains(&other.parts[0]))
                .all(|part| self.mean > part.mean && self.effect > part.effect)
    }

    fn told(&self, columns: &[Conditions]) -> WeakSlice {
        let name = |(column, value): &(usize, usize)| {
            let column = &columns[*column];
            (column.name().to_owned(), column.values()[*value].clone())
        };
        WeakSlice {
            conditions: self.parts.iter().map(name).collect(),
            n_rows: self.n_rows,
            mean_loss: self.mean,
            mean_loss_elsewhere: self.elsewhere,
            effect: self.effect,
            p_value: self.p_value,
            q_value: self.q_value,
        }
    }
}

/// Sums over rows, of losses less the mean of all.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n_rows: usize,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, centred: f64) {
        self.n_rows += 1;
        self.sum += centred;
        self.squares += centred * centred;
    }

    fn mean(&self) -> f64 {
        self.sum / self.n_rows as f64
    }

    fn variance(&self) -> f64 {
        let n_rows = self.n_rows as f64;
        ((self.squares - self.sum * self.sum / n_rows) / (n_rows - 1.0)).max(0.0)
    }
}

/// The losses of the rows, less their mean.
struct Losses {
    mean: f64,
    centred: Vec<f64>,
    all: Sums,
}

impl Losses {
    fn of(losses: &[f64]) -> Self {
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let centred: Vec<f64> = losses.iter().map(|loss| loss - mean).collect();
        let mut all = Sums::default();
        for loss in &centred {
            all.add(*loss);
        }
        Self { mean, centred, all }
    }

    fn slices(&self, columns: &[Conditions], search: &SliceSearch) -> Vec<Tried> {
        let mut tried = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            let mut sums = vec![Sums::default(); column.values().len()];
            for (row, loss) in self.centred.iter().enumerate() {
                if let Some(value) = column.of_row(row) {
                    sums[value].add(*loss);
                }
            }
            let parts = |value| vec![(index, value)];
            tried.extend(self.tests(&sums, search, parts));
        }
        if !search.pairs {
            return tried;
        }
        for (second, right) in columns.iter().enumerate() {
            for (first, left) in columns[..second].iter().enumerate() {
                let width = right.values().len();
                let mut sums = vec![Sums::default(); left.values().len() * width];
                for (row, loss) in self.centred.iter().enumerate() {
                    if let (Some(one), Some(other)) = (left.of_row(row), right.of_row(row)) {
                        sums[one * width + other].add(*loss);
                    }
                }
                let parts = |cell| vec![(first, cell / width), (second, cell % width)];
                tried.extend(self.tests(&sums, search, parts));
            }
        }
        tried
    }

    fn tests(
        &self,
        sums: &[Sums],
        search: &SliceSearch,
        parts: impl Fn(usize) -> Vec<(usize, usize)>,
    ) -> Vec<Tried> {
        let large = sums.iter().enumerate().filter(|(_, slice)| {
            let n_others = self.all.n_rows - slice.n_rows;
            slice.n_rows >= search.min_rows && n_others >= 2
        });
        large
            .map(|(at, slice)| self.test(slice, parts(at)))
            .collect()
    }

    /// Welch's test of the slice against all other rows.
    fn test(&self, slice: &Sums, parts: Vec<(usize, usize)>) -> Tried {
        let others = Sums {
            n_rows: self.all.n_rows - slice.n_rows,
            sum: self.all.sum - slice.sum,
            squares: self.all.squares - slice.squares,
        };
        let difference = slice.mean() - others.mean();
        let of_slice = slice.variance() / slice.n_rows as f64;
        let of_others = others.variance() / others.n_rows as f64;
        let variance = of_slice + of_others;
        let p_value = if variance > 0.0 {
            let degrees = variance * variance
                / (of_slice * of_slice / (slice.n_rows - 1) as f64
                    + of_others * of_others / (others.n_rows - 1) as f64);
            student_tail(difference / variance.sqrt(), degrees)
        } else if difference > 0.0 {
            0.0
        } else {
            1.0
        };
        let spread = f64::midpoint(slice.variance(), others.variance()).sqrt();
        Tried {
            parts,
            n_rows: slice.n_rows,
            mean: self.mean + slice.mean(),
            elsewhere: self.mean + others.mean(),
            effect: if spread > 0.0 {
                difference / spread
            } else {
                0.0
            },
            p_value,
            q_value: 1.0,
        }
    }
}

/// Benjamini and Hochberg: from the largest p-value down, each by its rank, never rising.
fn correct(tried: &mut [Tried]) {
    let mut order: Vec<usize> = (0..tried.len()).collect();
    order.sort_by(|left, right| tried[*left].p_value.total_cmp(&tried[*right].p_value));
    let n_tried = tried.len() as f64;
    let mut q_value = 1.0_f64;
    for (rank, index) in order.into_iter().enumerate().rev() {
        q_value = q_value.min(tried[index].p_value * n_tried / (rank + 1) as f64);
        tried[index].q_value = q_value;
    }
}
