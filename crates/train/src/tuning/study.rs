//! A search, asked for the next trial and told what came of it.

use std::collections::BTreeMap;

use everloop_domain::ParameterValue;
use everloop_domain::search::{Sampler, Search};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::importance::{self, Importance};
use super::pareto::{compromise, front, losses};
use super::pruner::Judge;
use super::space::{Point, Space};
use super::tpe::History;
use super::trial::{Trial, TrialState};
use super::{gp, grid, tpe};
use crate::Error;

/// A search under way.
#[derive(Debug)]
pub struct Study {
    search: Search,
    space: Space,
    is_maximized: Vec<bool>,
    /// The points of a grid search.
    grid: Option<Vec<Point>>,
    /// What was asked for and has not ended.
    asked: BTreeMap<usize, Point>,
    ended: BTreeMap<usize, Trial>,
}

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The trial's number, from 0.
    pub number: usize,
    /// Its parameters.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Whoever decides whether it is ended early.
    pub judge: Judge,
}

/// What came of a trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The objectives; none if it was ended early or failed.
    pub values: Vec<f64>,
    /// What was seen on the way: step and value.
    pub curve: Vec<(u64, f64)>,
    /// The name of what was seen on the way.
    pub curve_name: Option<String>,
    /// Whether more of it is better.
    pub is_curve_maximized: bool,
    /// Why it failed, if it did.
    pub problem: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Study {
    /// A search from the beginning.
    ///
    /// # Errors
    ///
    /// Fails if the grid of a grid search is beyond reason.
    pub fn new(search: Search) -> Result<Self, Error> {
        let space = Space::new(search.space.clone());
        let is_maximized = search
            .objectives
            .iter()
            .map(|objective| objective.is_maximized)
            .collect();
        let grid = if search.sampler == Sampler::Grid {
            let points = grid::points(&space, &mut ChaCha8Rng::seed_from_u64(search.seed));
            Some(points.ok_or_else(|| {
                Error::Search(format!(
                    "the grid has more than {} points: give fewer values, or a `step`",
                    grid::MAX_POINTS
                ))
            })?)
        } else {
            None
        };
        Ok(Self {
            search,
            space,
            is_maximized,
            grid,
            asked: BTreeMap::new(),
            ended: BTreeMap::new(),
        })
    }

    /// Takes up a trial that has ended before; one that does not belong to this search is left out, and false comes back.
    pub fn restore(&mut self, trial: Trial) -> bool {
        let n_values = if trial.is_complete() {
            self.is_maximized.len()
        } else {
            0
        };
        let fits = self.space.contains(&trial.point)
            && trial.number < self.n_trials()
            && trial.values.len() == n_values
            && trial.values.iter().all(|value| value.is_finite());
        if fits {
            self.ended.insert(trial.number, trial);
        }
        fits
    }

    /// How many trials there are to be.
    #[must_use]
    pub fn n_trials(&self) -> usize {
        let n_points = self.grid.as_ref().map_or(usize::MAX, Vec::len);
        self.search.trials.min(n_points)
    }

    /// The next trial; nothing if there is none, or if another one must end first.
    pub fn ask(&mut self) -> Option<Asked> {
        let is_known =
            |number: &usize| self.asked.contains_key(number) || self.ended.contains_key(number);
        let number = (0..self.n_trials()).find(|number| !is_known(number))?;
        let n_seen = (number + 1).saturating_sub(self.search.parallel.max(1));
        if !(0..n_seen).all(|before| self.ended.contains_key(&before)) {
            return None;
        }
        let seen: Vec<&Trial> = self.ended.range(..n_seen).map(|(_, trial)| trial).collect();
        let point = match &self.grid {
            Some(points) => points[number].clone(),
            None => self.choose(number, n_seen, &seen),
        };
        let asked = Asked {
            number,
            parameters: self.space.parameters(&point),
            judge: Judge::new(self.search.pruner, number, &seen),
        };
        self.asked.insert(number, point);
        Some(asked)
    }

    fn choose(&self, number: usize, n_seen: usize, seen: &[&Trial]) -> Point {
        let point_of = |number: usize| match self.asked.get(&number) {
            Some(point) => Some(point.clone()),
            None => self.ended.get(&number).map(|trial| trial.point.clone()),
        };
        let pending: Vec<Point> = (n_seen..number).filter_map(point_of).collect();
        let history = History {
            ended: seen,
            pending: &pending,
            is_maximized: &self.is_maximized,
        };
        // Each trial has chance of its own: what was drawn for others does not matter.
        let mut rng = ChaCha8Rng::seed_from_u64(self.search.seed);
        rng.set_stream(number as u64 + 1);
        match self.search.sampler {
            Sampler::Tpe => tpe::choose(&self.space, &history, &mut rng),
            Sampler::Gp => gp::choose(&self.space, &history, &mut rng),
            Sampler::Random | Sampler::Grid => self.space.draw(&mut rng),
        }
    }

    /// Learns what came of a trial; gives what is to be kept of it. A trial that nobody asked for is none.
    pub fn tell(&mut self, number: usize, outcome: Outcome) -> Option<&Trial> {
        let point = self.asked.remove(&number)?;
        let is_number = |value: &f64| value.is_finite();
        let (mut values, mut problem) = (outcome.values, outcome.problem);
        if let Some(place) = values.iter().position(|value| !is_number(value)) {
            let metric = self
                .search
                .objectives
                .get(place)
                .map_or("value", |objective| &objective.metric);
            problem = Some(format!("`{metric}` is {}", values[place]));
        }
        let state = match (&problem, values.is_empty()) {
            (Some(_), _) => TrialState::Failed,
            (None, true) => TrialState::Pruned,
            (None, false) => TrialState::Complete,
        };
        if state == TrialState::Failed {
            values.clear();
        }
        let trial = Trial {
            number,
            parameters: self.space.parameters(&point),
            point,
            state,
            values,
            // JSON has no other numbers.
            curve: outcome
                .curve
                .into_iter()
                .filter(|(_, value)| is_number(value))
                .collect(),
            curve_name: outcome.curve_name,
            is_curve_maximized: outcome.is_curve_maximized,
            problem,
            seconds: outcome.seconds,
        };
        self.ended.insert(number, trial);
        self.ended.get(&number)
    }

    /// The search.
    #[must_use]
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// The trials that have ended, by number.
    pub fn trials(&self) -> impl Iterator<Item = &Trial> {
        self.ended.values()
    }

    /// The best trial; for several objectives the one on the front that is nearest to the best of each.
    #[must_use]
    pub fn best(&self) -> Option<&Trial> {
        let complete = self.complete();
        compromise(&self.losses(&complete)).map(|place| complete[place])
    }

    /// The trials that no other is better than, by number.
    #[must_use]
    pub fn front(&self) -> Vec<&Trial> {
        let complete = self.complete();
        let places = front(&self.losses(&complete));
        places.into_iter().map(|place| complete[place]).collect()
    }

    /// How much each dimension matters for an objective, the greatest first.
    #[must_use]
    pub fn importances(&self, objective: usize) -> Vec<Importance> {
        let complete = self.complete();
        let losses = self.losses(&complete);
        let of_objective: Vec<f64> = losses.iter().map(|losses| losses[objective]).collect();
        importance::of(&self.space, &complete, &of_objective)
    }

    fn complete(&self) -> Vec<&Trial> {
        self.trials().filter(|trial| trial.is_complete()).collect()
    }

    fn losses(&self, complete: &[&Trial]) -> Vec<Vec<f64>> {
        complete
            .iter()
            .map(|trial| losses(trial, &self.is_maximized))
            .collect()
    }
}

#[cfg(test)]
mod tests;
