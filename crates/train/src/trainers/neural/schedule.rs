//! How the learning rate changes with the steps.

use std::f64::consts::PI;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schedule {
    /// Falls to 0 along half a cosine (Loshchilov and Hutter 2017, without restarts).
    Cosine,
    Constant,
    /// A tenth after half of the steps, a hundredth after three quarters.
    Step,
    /// Rises from a 25th for three tenths of the steps, then falls to nearly 0, both along a cosine (Smith and Topin 2018).
    OneCycle,
}

impl Schedule {
    /// In the order of the parameter's words.
    pub(super) const ALL: [Self; 4] = [Self::Cosine, Self::Constant, Self::Step, Self::OneCycle];

    /// What the learning rate is multiplied by after `done`, the share of the steps that are made.
    pub(super) fn factor(self, done: f64) -> f64 {
        const START: f64 = 1.0 / 25.0;
        const RISE: f64 = 0.3;
        match self {
            Self::Constant => 1.0,
            Self::Cosine => f64::midpoint(1.0, (PI * done).cos()),
            Self::Step if done < 0.5 => 1.0,
            Self::Step if done < 0.75 => 0.1,
            Self::Step => 0.01,
            Self::OneCycle if done < RISE => {
                START + (1.0 - START) * f64::midpoint(1.0, -(PI * done / RISE).cos())
            }
            Self::OneCycle => f64::midpoint(1.0, (PI * (done - RISE) / (1.0 - RISE)).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schedule: Schedule, expected: [f64; 4]) {
        let found = [0.0, 0.3, 0.65, 1.0].map(|done| schedule.factor(done));
        let is_near = found
            .iter()
            .zip(&expected)
            .all(|(found, expected)| (found - expected).abs() < 1e-3);
        assert!(is_near, "{schedule:?}: {found:?}");
    }

    #[test]
    fn factors_follow_the_share_of_steps() {
        check(Schedule::Constant, [1.0; 4]);
        check(Schedule::Cosine, [1.0, 0.794, 0.273, 0.0]);
        check(Schedule::Step, [1.0, 1.0, 0.1, 0.01]);
        check(Schedule::OneCycle, [0.04, 1.0, 0.5, 0.0]);
    }
}
