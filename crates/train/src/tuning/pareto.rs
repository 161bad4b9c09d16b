//! Which of several trials is better, for one objective and for several.

use super::trial::{Trial, TrialState};

/// The losses of complete trials: what is to become small.
pub(super) fn losses(trial: &Trial, is_maximized: &[bool]) -> Vec<f64> {
    let pairs = trial.values.iter().zip(is_maximized);
    pairs
        .map(|(value, is_maximized)| if *is_maximized { -value } else { *value })
        .collect()
}

/// The places of trials, the best first: complete ones by their losses, then those that were ended early, the latest
/// first. Failed ones are left out.
pub(super) fn ordered(trials: &[&Trial], is_maximized: &[bool]) -> Vec<usize> {
    let places = |state: TrialState| -> Vec<usize> {
        (0..trials.len())
            .filter(|place| trials[*place].state == state)
            .collect()
    };
    let complete = places(TrialState::Complete);
    let of_complete: Vec<Vec<f64>> = complete
        .iter()
        .map(|place| losses(trials[*place], is_maximized))
        .collect();
    let mut pruned = places(TrialState::Pruned);
    let last = |place: usize| {
        let trial = trials[place];
        let sign = if trial.is_curve_maximized { -1.0 } else { 1.0 };
        let last = trial.curve.last();
        last.map_or((0, f64::INFINITY), |(step, value)| (*step, sign * value))
    };
    pruned.sort_by(|left, right| {
        let (left, right) = (last(*left), last(*right));
        right.0.cmp(&left.0).then(left.1.total_cmp(&right.1))
    });
    let best_first = by_loss(&of_complete)
        .into_iter()
        .map(|index| complete[index]);
    best_first.chain(pruned).collect()
}

/// The order of losses: by value, or for several by front and then by room around them (Deb et al. 2002).
fn by_loss(losses: &[Vec<f64>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..losses.len()).collect();
    if losses.first().is_none_or(|losses| losses.len() == 1) {
        order.sort_by(|left, right| losses[*left][0].total_cmp(&losses[*right][0]));
        return order;
    }
    let mut sorted = Vec::with_capacity(order.len());
    while !order.is_empty() {
        let (mut front, rest): (Vec<usize>, Vec<usize>) = order.iter().partition(|one| {
            !order
                .iter()
                .any(|other| dominates(&losses[*other], &losses[**one]))
        });
        let room = room(&front, losses);
        let mut places: Vec<usize> = (0..front.len()).collect();
        places.sort_by(|left, right| room[*right].total_cmp(&room[*left]));
        front = places.into_iter().map(|place| front[place]).collect();
        sorted.extend(front);
        order = rest;
    }
    sorted
}

/// How far the neighbours on the front are, each objective between 0 and 1; infinite at the ends.
fn room(front: &[usize], losses: &[Vec<f64>]) -> Vec<f64> {
    let mut room = vec![0.0; front.len()];
    let n_objectives = front.first().map_or(0, |first| losses[*first].len());
    let columns = (0..n_objectives).map(|objective| {
        let values = front.iter().map(|place| losses[*place][objective]);
        values.collect::<Vec<f64>>()
    });
    for values in columns {
        let mut places: Vec<usize> = (0..front.len()).collect();
        places.sort_by(|left, right| values[*left].total_cmp(&values[*right]));
        let (first, last) = (places[0], places[places.len() - 1]);
        room[first] = f64::INFINITY;
        room[last] = f64::INFINITY;
        let width = values[last] - values[first];
        if width > 0.0 {
            for three in places.windows(3) {
                room[three[1]] += (values[three[2]] - values[three[0]]) / width;
            }
        }
    }
    room
}

/// Whether one is nowhere worse and somewhere better.
pub(super) fn dominates(one: &[f64], other: &[f64]) -> bool {
    let pairs = || one.iter().zip(other);
    pairs().all(|(one, other)| one <= other) && pairs().any(|(one, other)| one < other)
}

/// The places of those that nothing dominates.
pub(super) fn front(losses: &[Vec<f64>]) -> Vec<usize> {
    let is_on_front = |place: &usize| !losses.iter().any(|other| dominates(other, &losses[*place]));
    (0..losses.len()).filter(is_on_front).collect()
}

/// The place of the one nearest to the best of each objective, where all objectives of the front run from 0 to 1.
pub(super) fn compromise(losses: &[Vec<f64>]) -> Option<usize> {
    let front = front(losses);
    let n_objectives = losses.first()?.len();
    let ends = |objective: usize| {
        let values = front.iter().map(move |place| losses[*place][objective]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let distance = |place: usize| -> f64 {
        let share = |objective: usize| {
            let (low, high) = ends(objective);
            if high > low {
                (losses[place][objective] - low) / (high - low)
            } else {
                0.0
            }
        };
        (0..n_objectives)
            .map(|objective| share(objective).powi(2))
            .sum()
    };
    front
        .iter()
        .copied()
        .min_by(|left, right| distance(*left).total_cmp(&distance(*right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[f64; 2]]) -> Vec<Vec<f64>> {
        rows.iter().map(|row| row.to_vec()).collect()
    }

    #[test]
    fn fronts_come_one_after_the_other() {
        let losses = table(&[[2.0, 2.0], [1.0, 3.0], [3.0, 1.0], [1.5, 1.5], [4.0, 4.0]]);
        assert_eq!(front(&losses), [1, 2, 3]);
        let order = by_loss(&losses);
        assert_eq!(order[3..], [0, 4]);
        assert_eq!(order[2], 3, "the ends have most room");
        assert_eq!(compromise(&losses), Some(3));
    }

    #[test]
    fn one_objective_is_an_order() {
        assert_eq!(by_loss(&[vec![3.0], vec![1.0], vec![2.0]]), [1, 2, 0]);
        assert_eq!(compromise(&[vec![3.0], vec![1.0]]), Some(1));
        assert_eq!(compromise(&[]), None);
        assert!(!dominates(&[1.0, 1.0], &[1.0, 1.0]));
    }
}
