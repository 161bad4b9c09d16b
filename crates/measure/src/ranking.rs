//! Scores of ranked lists: the items of a query, ranked by a score, against how relevant they are.

use crate::Error;
use crate::outcomes::{finite, same_length, weigh, within};
use crate::steps::{Point, Steps};

/// Items of queries, query after query.
#[derive(Clone, Copy, Debug)]
pub struct RankedItems<'a> {
    /// How relevant each item is, 0 for not at all.
    pub relevance: &'a [f64],
    /// The score by which the model ranks it.
    pub scores: &'a [f64],
    /// How many items each query has.
    pub sizes: &'a [usize],
    /// How much each query counts; all the same if absent.
    pub weights: Option<&'a [f64]>,
}

/// A score of ranked lists; each is the mean over the queries. `k` is how many items of a list count, all if absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankingMetric {
    /// The relevance found, discounted by the logarithm of the rank; tied items share their ranks.
    Dcg {
        /// How many items count.
        k: Option<usize>,
    },
    /// As a share of the best order's (Järvelin and Kekäläinen 2002); 0 for a query without relevant items.
    Ndcg {
        /// How many items count.
        k: Option<usize>,
    },
    /// The mean of the precision at each relevant item; 0 for a query without.
    MeanAveragePrecision,
    /// One by the rank of the first relevant item, after those it is tied with; 0 for a query without.
    MeanReciprocalRank,
    /// The mean, over relevant items, of the share of relevant ones among those ranked as high; 1 for a query of
    /// which all or no items are relevant.
    LabelRankingAveragePrecision,
    /// The share of pairs that are ranked wrongly, ties included; 0 for a query of which all or no items are relevant.
    LabelRankingLoss,
    /// How far down the list one must go to have all relevant items; 0 for a query without.
    CoverageError,
}

/// The value of a score of ranked lists.
///
/// # Errors
///
/// Fails if there are no queries, a query has no items, lengths differ, a number is not finite, a relevance is
/// negative, or `k` is 0.
pub fn score_ranking(metric: RankingMetric, items: &RankedItems<'_>) -> Result<f64, Error> {
    items.check()?;
    if let RankingMetric::Dcg { k: Some(0) } | RankingMetric::Ndcg { k: Some(0) } = metric {
        return Err(Error::Setting {
            what: "k",
            value: 0.0,
            expected: "at least 1",
        });
    }
    let (mut start, mut sum, mut total) = (0, 0.0, 0.0);
    for (query, size) in items.sizes.iter().enumerate() {
        let rows = start..start + size;
        start += size;
        let list = Ranked {
            relevance: &items.relevance[rows.clone()],
            scores: &items.scores[rows],
        };
        let weight = items.weights.map_or(1.0, |weights| weights[query]);
        sum += weight * list.score(metric);
        total += weight;
    }
    Ok(sum / total)
}

impl RankedItems<'_> {
    fn check(&self) -> Result<(), Error> {
        let what = "a score of ranked lists";
        if self.sizes.is_empty() || self.sizes.contains(&0) {
            return Err(Error::Empty { what });
        }
        let n_items = self
            .sizes
            .iter()
            .try_fold(0_usize, |sum, size| sum.checked_add(*size))
            .unwrap_or(usize::MAX);
        same_length(
            "items of queries and relevances",
            n_items,
            self.relevance.len(),
        )?;
        same_length("items of queries and scores", n_items, self.scores.len())?;
        finite("the relevance", self.relevance)?;
        finite("the score", self.scores)?;
        within("the relevance", self.relevance, "at least 0", |value| {
            value >= 0.0
        })?;
        if let Some(weights) = self.weights {
            same_length("queries and weights", self.sizes.len(), weights.len())?;
            weigh(what, weights)?;
        }
        Ok(())
    }
}

/// The items of one query.
struct Ranked<'a> {
    relevance: &'a [f64],
    scores: &'a [f64],
}

impl Ranked<'_> {
    fn score(&self, metric: RankingMetric) -> f64 {
        match metric {
            RankingMetric::Dcg { k } => gain(self.relevance, self.scores, k),
            RankingMetric::Ndcg { k } => {
                let best = best_gain(self.relevance, k);
                if best > 0.0 {
                    gain(self.relevance, self.scores, k) / best
                } else {
                    0.0
                }
            }
            RankingMetric::MeanAveragePrecision => {
                let steps = self.steps();
                if steps.n_positive() > 0.0 {
                    steps.average_precision()
                } else {
                    0.0
                }
            }
            RankingMetric::MeanReciprocalRank => self
                .steps()
                .points()
                .find(|point| point.true_positive > 0.0)
                .map_or(0.0, |point| 1.0 / point.n_selected()),
            RankingMetric::LabelRankingAveragePrecision => self.label_precision(),
            RankingMetric::LabelRankingLoss => self.label_loss(),
            RankingMetric::CoverageError => {
                let steps = self.steps();
                let n_positive = steps.n_positive();
                steps
                    .points()
                    .find(|point| n_positive > 0.0 && point.true_positive == n_positive)
                    .map_or(0.0, Point::n_selected)
            }
        }
    }

    fn steps(&self) -> Steps {
        let items = self.scores.iter().zip(self.relevance);
        Steps::of(items.map(|(score, relevance)| (*score, *relevance > 0.0, 1.0)))
    }

    fn label_precision(&self) -> f64 {
        let steps = self.steps();
        if steps.n_positive() == 0.0 || steps.n_negative() == 0.0 {
            return 1.0;
        }
        steps.average_precision()
    }

    fn label_loss(&self) -> f64 {
        let steps = self.steps();
        let n_pairs = steps.n_positive() * steps.n_negative();
        if n_pairs == 0.0 {
            return 0.0;
        }
        let (mut n_wrong, mut found) = (0.0, 0.0);
        for point in steps.points() {
            // Every negative item at or above a positive one.
            n_wrong += (point.true_positive - found) * point.false_positive;
            found = point.true_positive;
        }
        n_wrong / n_pairs
    }
}

fn discount(rank: usize) -> f64 {
    1.0 / (rank as f64 + 2.0).log2()
}

fn gain(relevance: &[f64], scores: &[f64], k: Option<usize>) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
    let n_counted = k.unwrap_or(order.len()).min(order.len());
    let (mut sum, mut start) = (0.0, 0);
    for tied in order.chunk_by(|left, right| scores[*left] == scores[*right]) {
        let end = start + tied.len();
        let mean = tied.iter().map(|item| relevance[*item]).sum::<f64>() / tied.len() as f64;
        let discounts = (start..end.min(n_counted)).map(discount);
        sum += mean * discounts.sum::<f64>();
        start = end;
    }
    sum
}

fn best_gain(relevance: &[f64], k: Option<usize>) -> f64 {
    let mut sorted = relevance.to_vec();
    sorted.sort_unstable_by(|left, right| right.total_cmp(left));
    let ranked = sorted.iter().enumerate().take(k.unwrap_or(usize::MAX));
    ranked
        .map(|(rank, relevance)| relevance * discount(rank))
        .sum()
}
