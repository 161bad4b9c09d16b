//! Rates of classes and their averages.

use everloop_domain::Task;

use crate::Outcomes;
use crate::tally::{Counts, Tally};

/// A number of one class against all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    Precision,
    Recall,
    Specificity,
    Jaccard,
    /// With the weight of recall against precision.
    F(f64),
}

/// How the numbers of classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Average {
    /// Binary: the positive class. Multiclass: as `Macro`.
    Usual,
    /// The mean over the classes that occur in truth or predictions.
    Macro,
    /// From the sums of the counts over all classes.
    Micro,
    /// The mean weighted by how often a class occurs in the truth.
    Weighted,
}

impl Rate {
    pub(crate) fn of(self, counts: &Counts) -> f64 {
        match self {
            Self::Precision => counts.precision(),
            Self::Recall => counts.recall(),
            Self::Specificity => counts.specificity(),
            Self::Jaccard => counts.jaccard(),
            Self::F(beta) => counts.f(beta),
        }
    }
}

pub(crate) fn averaged(outcomes: &Outcomes<'_>, rate: Rate, average: Average) -> f64 {
    let tally = Tally::of(outcomes);
    if average == Average::Usual && outcomes.task == Task::Binary {
        return rate.of(&tally.counts(1));
    }
    let mut occurring = tally.all();
    occurring.retain(Counts::occurs);
    average_of(&occurring, rate, average)
}

/// The average over classes (or labels).
pub(crate) fn average_of(classes: &[Counts], rate: Rate, average: Average) -> f64 {
    let each = classes.iter();
    match average {
        Average::Micro => rate.of(&each.fold(Counts::default(), Counts::plus)),
        Average::Usual | Average::Macro => mean(each.map(|counts| (rate.of(counts), 1.0))),
        Average::Weighted => mean(each.map(|counts| (rate.of(counts), counts.n_positive()))),
    }
}

fn mean(weighted: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, weight) = weighted.fold((0.0, 0.0), |(sum, total), (value, weight)| {
        (sum + value * weight, total + weight)
    });
    if weight > 0.0 { sum / weight } else { 0.0 }
}
