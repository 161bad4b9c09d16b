//! Things that are made from each other: an order in which each comes after what it is made from,
//! and the circles that prevent one.

use std::collections::HashMap;

/// What came out of ordering.
#[derive(Debug, PartialEq)]
pub(crate) struct Order {
    /// All things, each after those that it is made from (but for circles).
    pub(crate) sorted: Vec<usize>,
    /// The circles, each once, from its first member on; each member is made from the next.
    pub(crate) circles: Vec<Vec<usize>>,
}

/// How far the walk has come with a thing.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Unseen,
    Open,
    Done,
}

/// Orders things given their names and the names that each is made from. Other names are passed
/// over; of equal names the first counts.
pub(crate) fn order(things: &[(&str, Vec<&str>)]) -> Order {
    let mut index = HashMap::with_capacity(things.len());
    for (at, (name, _)) in things.iter().enumerate() {
        index.entry(*name).or_insert(at);
    }
    let edges: Vec<Vec<usize>> = things
        .iter()
        .map(|(_, names)| {
            names
                .iter()
                .filter_map(|name| index.get(name).copied())
                .collect()
        })
        .collect();
    let mut circles = Vec::new();
    let sorted = walk(
        0..things.len(),
        &edges,
        |_| true,
        |circle| circles.push(from_first(circle)),
    );
    Order { sorted, circles }
}

/// Walks along the edges from each start in turn, and puts down each thing when all that it leads to
/// is put down.
///
/// It goes to the depth of the longest chain, on a stack of its own, in time linear in the number of things and edges.
pub(crate) fn walk(
    starts: impl IntoIterator<Item = usize>,
    edges: &[Vec<usize>],
    is_chosen: impl Fn(usize) -> bool,
    mut on_circle: impl FnMut(Vec<usize>),
) -> Vec<usize> {
    let mut states = vec![State::Unseen; edges.len()];
    let mut order = Vec::new();
    for start in starts {
        if states[start] != State::Unseen {
            continue;
        }
        states[start] = State::Open;
        // Each thing on the way from `start`, and how many of its edges were followed.
        let mut way = vec![(start, 0)];
        while let Some((at, followed)) = way.last_mut() {
            let at = *at;
            let Some(next) = edges[at].get(*followed).copied() else {
                states[at] = State::Done;
                order.push(at);
                way.pop();
                continue;
            };
            *followed += 1;
            match states[next] {
                State::Unseen if is_chosen(next) => {
                    states[next] = State::Open;
                    way.push((next, 0));
                }
                State::Open => {
                    let members = way.iter().map(|(member, _)| *member);
                    on_circle(members.skip_while(|member| *member != next).collect());
                }
                State::Unseen | State::Done => {}
            }
        }
    }
    order
}

/// The circle, turned so that its first member in the file stands first.
fn from_first(mut circle: Vec<usize>) -> Vec<usize> {
    let first = circle
        .iter()
        .enumerate()
        .min_by_key(|(_, member)| **member)
        .map_or(0, |(at, _)| at);
    circle.rotate_left(first);
    circle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(things: &[(&str, &[&str])], sorted: &[usize], circles: &[&[usize]]) {
        let things: Vec<_> = things
            .iter()
            .map(|(name, reads)| (*name, reads.to_vec()))
            .collect();
        let circles = circles.iter().map(|circle| circle.to_vec()).collect();
        assert_eq!(
            order(&things),
            Order {
                sorted: sorted.to_vec(),
                circles
            }
        );
    }

    #[test]
    fn each_comes_after_what_it_is_made_from() {
        check(
            &[("a", &["b"]), ("b", &["c", "x"]), ("c", &[]), ("d", &["a"])],
            &[2, 1, 0, 3],
            &[],
        );
    }

    #[test]
    fn circles_are_found_once() {
        check(&[("a", &["a"])], &[0], &[&[0]]);
        check(&[("a", &["b"]), ("b", &["a"])], &[1, 0], &[&[0, 1]]);
        check(
            &[("x", &["c"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])],
            &[2, 1, 3, 0],
            &[&[1, 2, 3]],
        );
    }

    #[test]
    fn long_chains_need_no_stack() {
        let names: Vec<String> = (0..100_000).map(|at| at.to_string()).collect();
        let things: Vec<_> = names
            .windows(2)
            .map(|pair| (pair[0].as_str(), vec![pair[1].as_str()]))
            .collect();
        assert_eq!(order(&things).sorted[0], 99_998);
    }
}
