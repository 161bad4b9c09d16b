//! Groups of rows, and what was predicted for each: one pass over the rows, whatever is asked of them.

use std::collections::HashMap;

use everloop_domain::Task;

use crate::outcomes::same_length;
use crate::tally::{Counts, ratio};
use crate::{Error, Metric, Outcomes, score};

/// To which group each row belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    names: Vec<String>,
    of_row: Vec<u32>,
}

impl Groups {
    /// The groups of a column, in the order of their names.
    #[must_use]
    pub fn of(values: &[impl AsRef<str>]) -> Self {
        let mut codes = Codes::default();
        let of_row: Vec<u32> = values.iter().map(|it| codes.of(it.as_ref())).collect();
        let names = codes.names;
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_unstable_by_key(|code| names[*code]);
        let mut place = vec![0; names.len()];
        for (to, from) in order.iter().enumerate() {
            place[*from] = to as u32;
        }
        Self {
            names: order.iter().map(|code| names[*code].to_owned()).collect(),
            of_row: of_row.iter().map(|code| place[*code as usize]).collect(),
        }
    }

    /// The groups of those who share the values of several columns: `F, young`. Only those that occur.
    ///
    /// # Errors
    ///
    /// Fails if the columns differ in length.
    pub fn intersection(&self, other: &Self) -> Result<Self, Error> {
        same_length("rows of two columns", self.of_row.len(), other.of_row.len())?;
        let pairs: Vec<(u32, u32)> = self
            .of_row
            .iter()
            .copied()
            .zip(other.of_row.iter().copied())
            .collect();
        let mut found = pairs.clone();
        found.sort_unstable();
        found.dedup();
        let name = |(left, right): &(u32, u32)| {
            let (left, right) = (&self.names[*left as usize], &other.names[*right as usize]);
            format!("{left}, {right}")
        };
        let place = |pair: &(u32, u32)| found.partition_point(|other| other < pair) as u32;
        Ok(Self {
            names: found.iter().map(name).collect(),
            of_row: pairs.iter().map(place).collect(),
        })
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.of_row.len()
    }

    /// The place of a row's group among the names.
    #[must_use]
    pub fn of_row(&self, row: usize) -> usize {
        self.of_row[row] as usize
    }
}

/// How many names are compared one by one; beyond that they are hashed.
const FEW: usize = 16;

/// Numbers of texts, in the order in which they are first seen.
#[derive(Default)]
struct Codes<'a> {
    names: Vec<&'a str>,
    hashed: HashMap<&'a str, u32>,
}

impl<'a> Codes<'a> {
    fn of(&mut self, name: &'a str) -> u32 {
        let known = if self.names.len() <= FEW {
            let place = self.names.iter().position(|other| *other == name);
            place.map(|place| place as u32)
        } else {
            self.hashed.get(name).copied()
        };
        known.unwrap_or_else(|| {
            let code = self.names.len() as u32;
            self.names.push(name);
            self.hashed.insert(name, code);
            code
        })
    }
}

/// With what a group is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// With the other groups: the highest with the lowest.
    BetweenGroups,
    /// With all rows together.
    ToOverall,
}

/// A number of a group, from how its rows were predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupRate {
    /// How many rows there are, or their weight.
    Count,
    /// The share of rows that are predicted positive.
    SelectionRate,
    /// The share of positive rows that are predicted positive.
    TruePositiveRate,
    /// The share of negative rows that are predicted positive.
    FalsePositiveRate,
    /// The share of negative rows that are predicted negative.
    TrueNegativeRate,
    /// The share of positive rows that are predicted negative.
    FalseNegativeRate,
    /// The share of rows that are predicted rightly.
    Accuracy,
    /// The mean of true positive and true negative rate.
    BalancedAccuracy,
    /// The share of predicted positives that are positive; 0 without any.
    Precision,
    /// The harmonic mean of precision and true positive rate; 0 if both are.
    F1,
    /// The share of rows that are positive in truth.
    BaseRate,
}

impl GroupRate {
    fn of(self, counts: &Counts) -> Option<f64> {
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        match self {
            Self::Count => Some(counts.total()),
            Self::SelectionRate => share(counts.n_selected(), counts.total()),
            Self::TruePositiveRate => share(counts.true_positive, counts.n_positive()),
            Self::FalsePositiveRate => share(counts.false_positive, counts.n_negative()),
            Self::TrueNegativeRate => share(counts.true_negative, counts.n_negative()),
            Self::FalseNegativeRate => share(counts.false_negative, counts.n_positive()),
            Self::Accuracy => Some(counts.accuracy()),
            Self::BalancedAccuracy => {
                let found = share(counts.true_positive, counts.n_positive())?;
                let left = share(counts.true_negative, counts.n_negative())?;
                Some(f64::midpoint(found, left))
            }
            Self::Precision => Some(counts.precision()),
            Self::F1 => Some(counts.f(1.0)),
            Self::BaseRate => Some(ratio(counts.n_positive(), counts.total())),
        }
    }
}

/// How the rows of each group were predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupCounts<'a> {
    groups: &'a Groups,
    by_group: Vec<Counts>,
    n_rows: Vec<usize>,
    overall: Counts,
}

impl<'a> GroupCounts<'a> {
    /// Counts the rows of a binary task.
    ///
    /// # Errors
    ///
    /// Fails if the task is not binary, lengths differ, or the outcomes are not sound.
    pub fn of(outcomes: &Outcomes<'_>, groups: &'a Groups) -> Result<Self, Error> {
        if outcomes.task != Task::Binary {
            return Err(Error::Task {
                metric: "fairness",
                task: outcomes.task.as_str(),
            });
        }
        outcomes.check("fairness")?;
        same_length("rows and groups", outcomes.n_rows(), groups.n_rows())?;
        let (mut cells, n_rows) = cells(outcomes, groups);
        let by_group: Vec<Counts> = cells
            .drain(..)
            .map(
                |[true_negative, false_positive, false_negative, true_positive]| Counts {
                    true_positive,
                    false_positive,
                    false_negative,
                    true_negative,
                },
            )
            .collect();
        let overall = by_group.iter().fold(Counts::default(), Counts::plus);
        Ok(Self {
            groups,
            by_group,
            n_rows,
            overall,
        })
    }

    /// A number of every group.
    #[must_use]
    pub fn rate(&self, rate: GroupRate) -> GroupValues<'a> {
        GroupValues {
            groups: self.groups,
            by_group: self.by_group.iter().map(|one| rate.of(one)).collect(),
            overall: rate.of(&self.overall),
        }
    }

    /// How many rows each group has.
    #[must_use]
    pub fn n_rows(&self) -> &[usize] {
        &self.n_rows
    }

    /// The groups with fewer rows than that, and how many: their rates are uncertain.
    #[must_use]
    pub fn smaller_than(&self, n_rows: usize) -> Vec<(&'a str, usize)> {
        let groups = self.groups.names.iter().zip(&self.n_rows);
        groups
            .filter(|(_, found)| **found < n_rows)
            .map(|(name, found)| (name.as_str(), *found))
            .collect()
    }

    pub(crate) fn counts(&self) -> &[Counts] {
        &self.by_group
    }

    /// The difference of selection rates.
    #[must_use]
    pub fn demographic_parity_difference(&self, with: Comparison) -> Option<f64> {
        self.rate(GroupRate::SelectionRate).difference(with)
    }

    /// The ratio of selection rates.
    #[must_use]
    pub fn demographic_parity_ratio(&self, with: Comparison) -> Option<f64> {
        self.rate(GroupRate::SelectionRate).ratio(with)
    }

    /// The difference of true positive rates.
    #[must_use]
    pub fn equal_opportunity_difference(&self, with: Comparison) -> Option<f64> {
        self.rate(GroupRate::TruePositiveRate).difference(with)
    }

    /// The ratio of true positive rates.
    #[must_use]
    pub fn equal_opportunity_ratio(&self, with: Comparison) -> Option<f64> {
        self.rate(GroupRate::TruePositiveRate).ratio(with)
    }

    /// The greater of the differences of true and false positive rates.
    #[must_use]
    pub fn equalized_odds_difference(&self, with: Comparison) -> Option<f64> {
        let found = self.odds().map(|values| values.difference(with));
        found.into_iter().flatten().reduce(f64::max)
    }

    /// The mean of the differences of true and false positive rates.
    #[must_use]
    pub fn mean_odds_difference(&self, with: Comparison) -> Option<f64> {
        let [found, wrongly] = self.odds().map(|values| values.difference(with));
        Some(f64::midpoint(found?, wrongly?))
    }

    /// The smaller of the ratios of true and false positive rates.
    #[must_use]
    pub fn equalized_odds_ratio(&self, with: Comparison) -> Option<f64> {
        let found = self.odds().map(|values| values.ratio(with));
        found.into_iter().flatten().reduce(f64::min)
    }

    fn odds(&self) -> [GroupValues<'a>; 2] {
        [GroupRate::TruePositiveRate, GroupRate::FalsePositiveRate].map(|rate| self.rate(rate))
    }
}

/// By group and by twice the truth plus the prediction: the weight; and how many rows each group has.
fn cells(outcomes: &Outcomes<'_>, groups: &Groups) -> (Vec<[f64; 4]>, Vec<usize>) {
    let mut n_rows = vec![[0_usize; 4]; groups.names.len()];
    let mut weights = vec![[0.0; 4]; groups.names.len()];
    let rows = groups
        .of_row
        .iter()
        .zip(outcomes.truth)
        .zip(outcomes.predicted);
    for (row, ((group, truth), predicted)) in rows.enumerate() {
        let cell = 2 * usize::from(*truth == 1.0) + usize::from(*predicted == 1.0);
        n_rows[*group as usize][cell] += 1;
        if let Some(all) = outcomes.weights {
            weights[*group as usize][cell] += all[row];
        }
    }
    if outcomes.weights.is_none() {
        weights = n_rows.iter().map(|cells| cells.map(|n| n as f64)).collect();
    }
    let n_rows = n_rows.iter().map(|cells| cells.iter().sum()).collect();
    (weights, n_rows)
}

/// A number of every group; nothing where a group has no rows to compute it from.
///
/// Groups without a value are left out of minimum, maximum, differences and ratios (Fairlearn counts them as 0).
#[derive(Clone, Debug, PartialEq)]
pub struct GroupValues<'a> {
    groups: &'a Groups,
    by_group: Vec<Option<f64>>,
    overall: Option<f64>,
}

impl<'a> GroupValues<'a> {
    /// Any metric of every group; of groups on which it is not defined, nothing.
    ///
    /// # Errors
    ///
    /// Fails if the metric cannot be computed on all rows together, or lengths differ.
    pub fn of(metric: Metric, outcomes: &Outcomes<'_>, groups: &'a Groups) -> Result<Self, Error> {
        same_length("rows and groups", outcomes.n_rows(), groups.n_rows())?;
        let overall = score(metric, outcomes)?;
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); groups.names.len()];
        for (row, group) in groups.of_row.iter().enumerate() {
            rows[*group as usize].push(row);
        }
        let by_group = rows.iter().map(|rows| {
            let picked = crate::rows::Rows::of(outcomes, rows);
            score(metric, &picked.outcomes(outcomes)).ok()
        });
        Ok(Self {
            groups,
            by_group: by_group.collect(),
            overall: Some(overall),
        })
    }

    /// The number of all rows together.
    #[must_use]
    pub fn overall(&self) -> Option<f64> {
        self.overall
    }

    /// Groups and their numbers.
    pub fn by_group(&self) -> impl Iterator<Item = (&'a str, Option<f64>)> {
        let names = self.groups.names.iter().map(String::as_str);
        names.zip(self.by_group.iter().copied())
    }

    /// The lowest number of a group.
    #[must_use]
    pub fn group_min(&self) -> Option<f64> {
        self.by_group.iter().copied().flatten().reduce(f64::min)
    }

    /// The highest number of a group.
    #[must_use]
    pub fn group_max(&self) -> Option<f64> {
        self.by_group.iter().copied().flatten().reduce(f64::max)
    }

    /// The greatest difference, without sign.
    #[must_use]
    pub fn difference(&self, with: Comparison) -> Option<f64> {
        match with {
            Comparison::BetweenGroups => Some(self.group_max()? - self.group_min()?),
            Comparison::ToOverall => {
                let overall = self.overall?;
                let values = self.by_group.iter().flatten();
                values.map(|value| (value - overall).abs()).reduce(f64::max)
            }
        }
    }

    /// The smallest ratio, the smaller number above the greater one; nothing if both are 0 or one is negative.
    #[must_use]
    pub fn ratio(&self, with: Comparison) -> Option<f64> {
        let ratio = |one: f64, other: f64| {
            let (low, high) = (one.min(other), one.max(other));
            (low >= 0.0 && high > 0.0).then(|| low / high)
        };
        match with {
            Comparison::BetweenGroups => ratio(self.group_min()?, self.group_max()?),
            Comparison::ToOverall => {
                let overall = self.overall?;
                let values = self.by_group.iter().flatten();
                values
                    .filter_map(|value| ratio(*value, overall))
                    .reduce(f64::min)
            }
        }
    }
}
