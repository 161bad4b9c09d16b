//! Sequential minimal optimisation of kernel machines.
//!
//! Classification and regression are one problem here: to minimise `b'Kb / 2 - t'b + e |b|_1` over `low <= b <= high`
//! with `sum of b = 0`. For classes `t` is 1 or -1, `e` is 0 and `b` is the dual variable times `t`; for values `t` is
//! the value and `e` the half width of the tube. The pair of each step is chosen by second order information (Fan, Chen
//! and Lin 2005); rows that rest at a bound are left out on the way and checked in the end (shrinking: Chang and Lin
//! 2011, section 5.1).

use super::cache::Cache;
use super::kernel::Points;

/// Steps between two looks at what may be left out.
const INTERVAL: u64 = 1000;
/// Rows are left out when no more than this share would be kept: copying them has a price, too.
const WORTHWHILE: f64 = 0.85;
/// The least curvature of a step.
const LEAST_CURVATURE: f32 = 1e-12;
/// Numbers that are looked through before the greatest is placed.
const CHUNK: usize = 128;
const LANES: usize = 8;

/// What is minimised, but for the kernel.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) targets: Vec<f64>,
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
    pub(super) epsilon: f64,
}

/// Where the search starts.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) factors: Vec<f64>,
    /// `K b`.
    pub(super) products: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) tolerance: f64,
    pub(super) n_steps: u64,
    pub(super) cache_bytes: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Solved {
    pub(super) factors: Vec<f64>,
    pub(super) products: Vec<f64>,
    pub(super) bias: f64,
    pub(super) is_converged: bool,
    pub(super) n_steps: u64,
}

impl Problem {
    /// What the slope of a row is less its product when its factor grows; impossible at the upper bound.
    pub(super) fn up(&self, row: usize, factor: f64) -> f64 {
        if factor >= self.high[row] {
            f64::NEG_INFINITY
        } else if factor < 0.0 {
            self.targets[row] + self.epsilon
        } else {
            self.targets[row] - self.epsilon
        }
    }

    /// The same when it falls.
    pub(super) fn down(&self, row: usize, factor: f64) -> f64 {
        if factor <= self.low[row] {
            f64::INFINITY
        } else if factor > 0.0 {
            self.targets[row] - self.epsilon
        } else {
            self.targets[row] + self.epsilon
        }
    }

    fn objective(&self, start: &Start) -> f64 {
        let rows = start.factors.iter().zip(&start.products).zip(&self.targets);
        rows.map(|((factor, product), target)| {
            factor * (product / 2.0 - target) + self.epsilon * factor.abs()
        })
        .sum()
    }
}

/// Adds the kernels of all points with some, times factors, to `products`.
pub(super) fn add_products(
    to: &Points,
    products: &mut [f64],
    from: &Points,
    factors: impl Iterator<Item = (usize, f64)>,
    is_stopped: &mut dyn FnMut() -> bool,
) {
    let mut row = vec![0.0; to.n_rows()];
    for (count, (at, factor)) in factors.filter(|(_, factor)| *factor != 0.0).enumerate() {
        if (count as u64).is_multiple_of(INTERVAL) && is_stopped() {
            return;
        }
        to.row(from, at, &mut row);
        for (product, kernel) in products.iter_mut().zip(&row) {
            *product += factor * f64::from(*kernel);
        }
    }
}

/// Solves the problem. `watch` learns steps and objective now and then, and says whether to stop.
pub(super) fn solve(
    points: &Points,
    problem: &Problem,
    start: Start,
    limits: Limits,
    watch: &mut dyn FnMut(u64, f64) -> bool,
) -> Solved {
    let mut search = Search {
        points,
        problem,
        objective: problem.objective(&start),
        active: Active::all(points, problem, &start),
        cache: Cache::new(limits.cache_bytes, points.n_rows()),
        factors: start.factors,
        products: start.products,
    };
    search.narrow(1.0);
    let mut has_checked = false;
    let mut is_converged = false;
    let mut n_steps = 0;
    for step in 0..=limits.n_steps {
        n_steps = step;
        let (up, down) = (search.active.greatest.1, search.active.least);
        let gap = up - down;
        let is_solved = gap <= limits.tolerance || !gap.is_finite();
        let is_partial = search.active.ids.len() < search.factors.len();
        if is_partial && (is_solved || (!has_checked && gap <= 10.0 * limits.tolerance)) {
            has_checked = true;
            search.widen(&mut || watch(step, f64::NAN));
            continue;
        }
        if is_solved {
            is_converged = true;
            break;
        }
        if step.is_multiple_of(INTERVAL) {
            if watch(step, search.objective) {
                break;
            }
            search.narrow(WORTHWHILE);
        }
        search.step();
    }
    search.finish(is_converged, n_steps)
}

struct Search<'a> {
    points: &'a Points,
    problem: &'a Problem,
    active: Active,
    cache: Cache,
    objective: f64,
    /// Of all rows; those of active ones are in `active`.
    factors: Vec<f64>,
    products: Vec<f64>,
}

/// The rows that are looked at.
struct Active {
    ids: Vec<u32>,
    points: Points,
    diagonal: Vec<f32>,
    products: Vec<f64>,
    /// [`Problem::up`] and [`Problem::down`].
    up: Vec<f64>,
    down: Vec<f64>,
    /// The place of the greatest `up` less its product, and that difference.
    greatest: (usize, f64),
    /// The least `down` less its product.
    least: f64,
}

impl Active {
    fn all(points: &Points, problem: &Problem, start: &Start) -> Self {
        let rows = || start.factors.iter().enumerate();
        let mut active = Self {
            ids: (0..points.n_rows() as u32).collect(),
            points: points.clone(),
            diagonal: points.diagonal(),
            products: start.products.clone(),
            up: rows()
                .map(|(row, factor)| problem.up(row, *factor))
                .collect(),
            down: rows()
                .map(|(row, factor)| problem.down(row, *factor))
                .collect(),
            greatest: (0, f64::NEG_INFINITY),
            least: f64::INFINITY,
        };
        active.look();
        active
    }

    /// Finds the greatest and the least slope.
    fn look(&mut self) {
        let none = vec![0.0; self.ids.len()];
        self.move_and_look(&none, &none, 0.0);
    }

    /// Adds `share` times the difference of two rows of kernels to the products; finds the extreme slopes.
    fn move_and_look(&mut self, left: &[f32], right: &[f32], share: f64) {
        let mut best = (0, f64::NEG_INFINITY);
        self.least = f64::INFINITY;
        for first in (0..self.products.len()).step_by(CHUNK) {
            let range = first..self.products.len().min(first + CHUNK);
            let products = &mut self.products[range.clone()];
            let kernels = left[range.clone()].iter().zip(&right[range.clone()]);
            for (product, (left, right)) in products.iter_mut().zip(kernels) {
                *product += share * f64::from(left - right);
            }
            let greatest = extreme(&self.up[range.clone()], products, |new, old| new > old);
            let least = extreme(&self.down[range], products, |new, old| new < old);
            if greatest > best.1 {
                best = (first, greatest);
            }
            if least < self.least {
                self.least = least;
            }
        }
        self.greatest = self.place(best);
    }

    /// The place of the greatest slope, which is in the chunk that starts here.
    fn place(&self, (first, greatest): (usize, f64)) -> (usize, f64) {
        let last = self.products.len().min(first + CHUNK);
        let found = (first..last).find(|at| self.up[*at] - self.products[*at] == greatest);
        (found.unwrap_or(first), greatest)
    }

    /// The row that, with the one at `at`, promises the greatest fall of the objective.
    fn partner(&self, at: usize, kernels: &[f32]) -> usize {
        let (up, own) = (self.greatest.1, self.diagonal[at]);
        let promise = |place: usize| {
            let gap = (up - (self.down[place] - self.products[place])) as f32;
            let gap = if gap > 0.0 { gap } else { 0.0 };
            let curvature = own + self.diagonal[place] - 2.0 * kernels[place];
            gap * gap
                / if curvature > LEAST_CURVATURE {
                    curvature
                } else {
                    LEAST_CURVATURE
                }
        };
        let mut promises = [0.0_f32; CHUNK];
        let mut best = (0, -1.0);
        for first in (0..kernels.len()).step_by(CHUNK) {
            let last = kernels.len().min(first + CHUNK);
            for (to, place) in promises.iter_mut().zip(first..last) {
                *to = promise(place);
            }
            let mut greatest = 0.0_f32;
            for value in &promises[..last - first] {
                greatest = if *value > greatest { *value } else { greatest };
            }
            if greatest > best.1 {
                best = (first, greatest);
            }
        }
        let last = kernels.len().min(best.0 + CHUNK);
        (best.0..last)
            .find(|place| promise(*place) == best.1)
            .unwrap_or(best.0)
    }
}

/// The greatest or least difference, in lanes that do not wait for each other.
fn extreme(left: &[f64], right: &[f64], is_better: fn(f64, f64) -> bool) -> f64 {
    let start = if is_better(1.0, 0.0) {
        f64::NEG_INFINITY
    } else {
        f64::INFINITY
    };
    let mut lanes = [start; LANES];
    let (left_parts, left_rest) = left.as_chunks::<LANES>();
    let (right_parts, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in left_parts.iter().zip(right_parts) {
        for lane in 0..LANES {
            let value = left[lane] - right[lane];
            lanes[lane] = if is_better(value, lanes[lane]) {
                value
            } else {
                lanes[lane]
            };
        }
    }
    let rest = left_rest
        .iter()
        .zip(right_rest)
        .map(|(left, right)| left - right);
    let pick = |best: f64, value: f64| if is_better(value, best) { value } else { best };
    rest.chain(lanes).fold(start, pick)
}

impl Search<'_> {
    /// Moves the best pair as far as it pays and the bounds allow.
    fn step(&mut self) {
        let at = self.active.greatest.0;
        let id = self.active.ids[at];
        let left = self.cache.load(self.points, &self.active.points, id, None);
        let other = self.active.partner(at, self.cache.row(left));
        let other_id = self.active.ids[other];
        let right = self
            .cache
            .load(self.points, &self.active.points, other_id, Some(left));
        let (left, right) = (self.cache.row(left), self.cache.row(right));
        let down = self.active.down[other] - self.active.products[other];
        let gap = self.active.greatest.1 - down;
        let curvature = self.active.diagonal[at] + self.active.diagonal[other] - 2.0 * left[other];
        let curvature = f64::from(curvature.max(LEAST_CURVATURE));
        let (row, other_row) = (id as usize, other_id as usize);
        let (old, other_old) = (self.factors[row], self.factors[other_row]);
        // The tube has a kink at zero: a step ends there.
        let room = if old < 0.0 {
            -old
        } else {
            self.problem.high[row] - old
        };
        let other_room = if other_old > 0.0 {
            other_old
        } else {
            other_old - self.problem.low[other_row]
        };
        let share = (gap / curvature).min(room).min(other_room);
        self.factors[row] = moved(old, share, room, self.problem.high[row]);
        self.factors[other_row] = moved(other_old, -share, other_room, self.problem.low[other_row]);
        for (place, row) in [(at, row), (other, other_row)] {
            self.active.up[place] = self.problem.up(row, self.factors[row]);
            self.active.down[place] = self.problem.down(row, self.factors[row]);
        }
        self.objective -= share * (gap - share * curvature / 2.0);
        self.active.move_and_look(left, right, share);
    }

    /// Leaves out rows that rest at a bound, if that leaves no more than a share of them.
    fn narrow(&mut self, worthwhile: f64) {
        let active = &self.active;
        let (greatest, least) = (active.greatest.1, active.least);
        let is_kept = |at: &u32| {
            let (at, product) = (*at as usize, active.products[*at as usize]);
            // Infinite ones cannot move that way.
            let up = active.up[at] - product;
            let down = active.down[at] - product;
            (up.is_finite() && up >= least) || (down.is_finite() && down <= greatest)
        };
        let kept: Vec<u32> = (0..active.ids.len() as u32).filter(is_kept).collect();
        let share = kept.len() as f64 / active.ids.len().max(1) as f64;
        if share > worthwhile || kept.len() == active.ids.len() || kept.is_empty() {
            return;
        }
        for (id, product) in active.ids.iter().zip(&active.products) {
            self.products[*id as usize] = *product;
        }
        let pick = |values: &[f64]| kept.iter().map(|at| values[*at as usize]).collect();
        self.active = Active {
            ids: kept.iter().map(|at| active.ids[*at as usize]).collect(),
            points: active.points.subset(&kept),
            diagonal: kept
                .iter()
                .map(|at| active.diagonal[*at as usize])
                .collect(),
            products: pick(&active.products),
            up: pick(&active.up),
            down: pick(&active.down),
            ..self.active
        };
        self.cache.narrow(&kept);
        self.active.look();
    }

    /// Takes all rows in again, with the products that they missed.
    fn widen(&mut self, is_stopped: &mut dyn FnMut() -> bool) {
        let mut is_active = vec![false; self.factors.len()];
        for (id, product) in self.active.ids.iter().zip(&self.active.products) {
            is_active[*id as usize] = true;
            self.products[*id as usize] = *product;
        }
        let left_out: Vec<u32> = (0..is_active.len() as u32)
            .filter(|id| !is_active[*id as usize])
            .collect();
        let mut products = vec![0.0; left_out.len()];
        let factors = self.factors.iter().copied().enumerate();
        let points = self.points.subset(&left_out);
        add_products(&points, &mut products, self.points, factors, is_stopped);
        for (id, product) in left_out.iter().zip(products) {
            self.products[*id as usize] = product;
        }
        self.cache.clear();
        let start = Start {
            factors: std::mem::take(&mut self.factors),
            products: std::mem::take(&mut self.products),
        };
        self.active = Active::all(self.points, self.problem, &start);
        (self.factors, self.products) = (start.factors, start.products);
    }

    fn finish(mut self, is_converged: bool, n_steps: u64) -> Solved {
        for (id, product) in self.active.ids.iter().zip(&self.active.products) {
            self.products[*id as usize] = *product;
        }
        // Rows between their bounds have the bias as slope: what rounding leaves of it is levelled out.
        let free =
            (0..self.active.ids.len()).filter(|at| self.active.up[*at] == self.active.down[*at]);
        let slopes: Vec<f64> = free
            .map(|at| self.active.up[at] - self.active.products[at])
            .collect();
        let (up, down) = (self.active.greatest.1, self.active.least);
        let bias = match (up.is_finite(), down.is_finite()) {
            _ if !slopes.is_empty() => slopes.iter().sum::<f64>() / slopes.len() as f64,
            (true, true) => f64::midpoint(up, down),
            (true, false) => up,
            (false, true) => down,
            (false, false) => 0.0,
        };
        Solved {
            factors: self.factors,
            products: self.products,
            bias,
            is_converged,
            n_steps,
        }
    }
}

/// A factor after a step; exactly at the bound or at zero where the step has used all its room.
fn moved(old: f64, share: f64, room: f64, bound: f64) -> f64 {
    if share.abs() < room {
        return old + share;
    }
    // Towards zero from the other side, or to the bound.
    if old != 0.0 && (old < 0.0) == (share > 0.0) {
        0.0
    } else {
        bound
    }
}

#[cfg(test)]
mod tests;
