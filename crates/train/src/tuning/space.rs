//! What is searched: dimensions, some of which apply only under conditions.

use std::collections::BTreeMap;

use everloop_domain::search::{Condition, Dimension, Domain};
use everloop_domain::{ParameterValue, Value};
use rand::Rng;

use super::axis::Axis;

/// A value for each dimension; nothing where it does not apply.
pub(super) type Point = Vec<Option<f64>>;

/// Dimensions with their axes.
#[derive(Clone, Debug)]
pub(super) struct Space {
    pub(super) dimensions: Vec<Dimension>,
    pub(super) axes: Vec<Axis>,
}

/// Dimensions that apply under the same conditions, and so always together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) members: Vec<usize>,
    when: Vec<Condition>,
}

impl Space {
    pub(super) fn new(dimensions: Vec<Dimension>) -> Self {
        let axes = dimensions
            .iter()
            .map(|dimension| Axis::new(&dimension.domain));
        Self {
            axes: axes.collect(),
            dimensions,
        }
    }

    /// Whether a dimension applies, given the earlier ones.
    pub(super) fn applies(&self, dimension: usize, point: &[Option<f64>]) -> bool {
        holds(&self.dimensions[dimension].when, point)
    }

    /// A point by chance.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> Point {
        let mut point = vec![None; self.axes.len()];
        for dimension in 0..self.axes.len() {
            if self.applies(dimension, &point) {
                point[dimension] = Some(self.axes[dimension].draw(rng));
            }
        }
        point
    }

    /// The groups, in the order of their first members.
    pub(super) fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (index, dimension) in self.dimensions.iter().enumerate() {
            match groups.iter_mut().find(|group| group.when == dimension.when) {
                Some(group) => group.members.push(index),
                None => groups.push(Group {
                    members: vec![index],
                    when: dimension.when.clone(),
                }),
            }
        }
        groups
    }

    /// The parameters of a point.
    pub(super) fn parameters(&self, point: &[Option<f64>]) -> BTreeMap<String, ParameterValue> {
        let pairs = self.dimensions.iter().zip(point);
        let set = pairs.filter_map(|(dimension, value)| {
            let value = match &dimension.domain {
                Domain::Choices(choices) => choices.get((*value)? as usize)?.clone(),
                Domain::Range { is_whole: true, .. } => Value::Integer((*value)? as i64).into(),
                Domain::Range { .. } => Value::Number((*value)?).into(),
            };
            Some((dimension.parameter.clone(), value))
        });
        set.collect()
    }

    /// Whether a point that was kept is one of this space.
    pub(super) fn contains(&self, point: &[Option<f64>]) -> bool {
        point.len() == self.axes.len()
            && (0..point.len()).all(|dimension| match point[dimension] {
                Some(value) => {
                    self.applies(dimension, point) && self.axes[dimension].contains(value)
                }
                None => !self.applies(dimension, point),
            })
    }
}

impl Group {
    pub(super) fn applies(&self, point: &[Option<f64>]) -> bool {
        holds(&self.when, point)
    }

    /// The members' values at a point, if they apply there.
    pub(super) fn values(&self, point: &[Option<f64>]) -> Option<Vec<f64>> {
        self.members.iter().map(|member| point[*member]).collect()
    }
}

fn holds(when: &[Condition], point: &[Option<f64>]) -> bool {
    when.iter().all(|condition| {
        point[condition.dimension]
            .is_some_and(|value| condition.choices.contains(&(value as usize)))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    pub(in crate::tuning) fn range(
        id: &str,
        low: f64,
        high: f64,
        is_log: bool,
        is_whole: bool,
    ) -> Dimension {
        Dimension {
            id: id.to_owned(),
            parameter: id.to_owned(),
            domain: Domain::Range {
                low,
                high,
                step: None,
                is_log,
                is_whole,
            },
            when: Vec::new(),
        }
    }

    pub(in crate::tuning) fn choices(id: &str, words: &[&str]) -> Dimension {
        let value = |word: &&str| Value::Text((*word).to_owned()).into();
        Dimension {
            domain: Domain::Choices(words.iter().map(value).collect()),
            ..range(id, 0.0, 1.0, false, false)
        }
    }

    pub(in crate::tuning) fn when(dimension: Dimension, on: usize, choice: usize) -> Dimension {
        Dimension {
            when: vec![Condition {
                dimension: on,
                choices: vec![choice],
            }],
            ..dimension
        }
    }

    #[test]
    fn dimensions_apply_under_their_conditions() {
        let space = Space::new(vec![
            choices("trainer", &["boosting", "forest"]),
            when(range("rate", 0.01, 0.3, true, false), 0, 0),
            when(range("depth", 2.0, 9.0, false, true), 0, 1),
        ]);
        assert_eq!(space.groups().len(), 3);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for _ in 0..50 {
            let point = space.draw(&mut rng);
            assert!(space.contains(&point));
            let parameters = space.parameters(&point);
            let trainer = parameters["trainer"].to_string();
            assert_eq!(parameters.contains_key("rate"), trainer == "boosting");
            assert_eq!(parameters.contains_key("depth"), trainer == "forest");
        }
        assert!(!space.contains(&[Some(0.0), None, None]));
        assert!(!space.contains(&[Some(2.0), None, None]));
        assert!(!space.contains(&[]));
    }
}
