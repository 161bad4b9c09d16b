//! k-means: Lloyd's iterations from k-means++ starts (Arthur and Vassilvitskii 2007).

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{Job, Trained, Trainer, shares};
use crate::encoder::{Design, Style};
use crate::model::{ClusterModel, Link};
use crate::{Error, ParameterInfo, TrainerInfo};

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "kmeans",
        doc: "k-means: groups of rows around their means; inputs are scaled. Needs no target.",
        tasks: &[everloop_domain::Task::Clustering],
        parameters: &[
            ParameterInfo::integer("clusters", (1.0, 1000.0), 8.0, "how many groups"),
            ParameterInfo::integer(
                "n_init",
                (1.0, 1000.0),
                5.0,
                "how many starts are tried; the best result is kept",
            ),
            ParameterInfo::integer(
                "iterations",
                (1.0, 10_000.0),
                300.0,
                "steps of a start at most",
            ),
            ParameterInfo::number(
                "tolerance",
                (0.0, 1.0),
                1e-4,
                "a start ends when the means move by less than this share of the variance",
            ),
        ],
    },
    style: Style::Scaled,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let n_clusters = job.parameters.integer("clusters");
    let n_init = job.parameters.integer("n_init");
    if n_clusters > job.design.n_rows {
        return Err(Error::Parameter {
            name: "clusters".to_owned(),
            problem: format!(
                "{n_clusters} clusters are asked for, and there are {} train rows",
                job.design.n_rows
            ),
        });
    }
    let mut best: Option<Groups> = None;
    for start in 0..n_init {
        job.tell(start, n_init, None)?;
        let found = run(job, start)?;
        if best
            .as_ref()
            .is_none_or(|best| found.inertia < best.inertia)
        {
            best = Some(found);
        }
        let least = best
            .as_ref()
            .map(|best| ("inertia".to_owned(), best.inertia));
        job.tell(start + 1, n_init, least)?;
    }
    let best = best.ok_or_else(|| Error::Inputs("no start was tried".to_owned()))?;
    let notes = if best.is_converged {
        Vec::new()
    } else {
        vec!["k-means has not converged: raise `iterations` or `tolerance`".to_owned()]
    };
    Ok(Trained {
        importances: shares(&spread(&best.centres, job.design.n_columns)),
        model: Box::new(ClusterModel {
            centres: best.centres,
            n_columns: job.design.n_columns,
        }),
        link: Link::Distances,
        notes,
    })
}

/// How far the centres lie apart in each column.
fn spread(centres: &[f64], n_columns: usize) -> Vec<f64> {
    let count = (centres.len() / n_columns.max(1)) as f64;
    let of_column = |column: usize| {
        let values = centres.iter().skip(column).step_by(n_columns);
        let mean = values.clone().sum::<f64>() / count;
        values.map(|value| (value - mean).powi(2)).sum::<f64>() / count
    };
    (0..n_columns).map(of_column).collect()
}

/// Centres, and what they cost.
struct Groups {
    centres: Vec<f64>,
    /// The weighted sum of the squared distances of rows to their centres.
    inertia: f64,
    is_converged: bool,
}

/// One start and its iterations.
fn run(job: &mut Job<'_>, start: usize) -> Result<Groups, Error> {
    let (design, n_clusters) = (job.design, job.parameters.integer("clusters"));
    let seed = job
        .seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(start as u64);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let weights = job.row_weights.clone();
    let mut centres = begin(design, &weights, n_clusters, &mut rng);
    let tolerance = job.parameters.number("tolerance") * variance(design);
    let n_init = job.parameters.integer("n_init");
    let mut is_converged = false;
    for _ in 0..job.parameters.integer("iterations") {
        job.tell(start, n_init, None)?;
        let (next, _) = step(design, &weights, &centres);
        let moved: f64 = next
            .iter()
            .zip(&centres)
            .map(|(new, old)| (new - old).powi(2))
            .sum();
        centres = next;
        if moved <= tolerance {
            is_converged = true;
            break;
        }
    }
    let (_, inertia) = step(design, &weights, &centres);
    Ok(Groups {
        centres,
        inertia,
        is_converged,
    })
}

/// The mean variance of the columns.
fn variance(design: &Design) -> f64 {
    let count = design.n_rows as f64;
    let of_column = |column: usize| {
        let values = design.values.iter().skip(column).step_by(design.n_columns);
        let mean = values.clone().sum::<f64>() / count;
        values.map(|value| (value - mean).powi(2)).sum::<f64>() / count
    };
    (0..design.n_columns).map(of_column).sum::<f64>() / design.n_columns.max(1) as f64
}

fn square(left: &[f64], right: &[f64]) -> f64 {
    left.iter()
        .zip(right)
        .map(|(left, right)| (left - right).powi(2))
        .sum()
}

/// Starts: each next one is a row, likelier the farther it lies from those before.
fn begin(design: &Design, weights: &[f64], n_clusters: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let row = |at: usize| &design.values[at * design.n_columns..(at + 1) * design.n_columns];
    let mut pick = |costs: &[f64]| {
        let mut left = rng.random::<f64>() * costs.iter().sum::<f64>();
        let found = costs.iter().position(|cost| {
            left -= cost;
            left < 0.0
        });
        found.unwrap_or(costs.len() - 1)
    };
    let mut centres = row(pick(weights)).to_vec();
    let mut nearest = vec![f64::INFINITY; design.n_rows];
    for _ in 1..n_clusters {
        let last = centres[centres.len() - design.n_columns..].to_vec();
        for (at, own) in nearest.iter_mut().enumerate() {
            *own = own.min(square(row(at), &last));
        }
        let costs: Vec<f64> = nearest
            .iter()
            .zip(weights)
            .map(|(square, weight)| square * weight)
            .collect();
        centres.extend_from_slice(row(pick(&costs)));
    }
    centres
}

/// The means of the rows nearest to each centre, and the cost before the move. A centre without rows goes to the row
/// that lies farthest from its own.
fn step(design: &Design, weights: &[f64], centres: &[f64]) -> (Vec<f64>, f64) {
    let n_columns = design.n_columns;
    let mut sums = vec![0.0; centres.len()];
    let mut counts = vec![0.0; centres.len() / n_columns];
    let mut inertia = 0.0;
    let mut farthest = (f64::NEG_INFINITY, 0);
    for (at, (row, weight)) in design.values.chunks(n_columns).zip(weights).enumerate() {
        let (mut own, mut least) = (0, f64::INFINITY);
        for (centre, values) in centres.chunks(n_columns).enumerate() {
            let distance = square(row, values);
            if distance < least {
                (own, least) = (centre, distance);
            }
        }
        inertia += weight * least;
        counts[own] += weight;
        let sums = &mut sums[own * n_columns..(own + 1) * n_columns];
        sums.iter_mut()
            .zip(row)
            .for_each(|(sum, value)| *sum += weight * value);
        if least > farthest.0 {
            farthest = (least, at);
        }
    }
    for (centre, count) in sums.chunks_mut(n_columns).zip(&counts) {
        if *count > 0.0 {
            for sum in centre {
                *sum /= count;
            }
        } else {
            let at = farthest.1 * n_columns;
            centre.copy_from_slice(&design.values[at..at + n_columns]);
        }
    }
    (sums, inertia)
}
