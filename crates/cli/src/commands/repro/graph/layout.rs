//! Places for the things of a drawing: layers from top to bottom, few crossings within them.

use everloop_engine::pipelines::Drawing;

/// How often the layers are put in order, down and up again.
const N_SWEEPS: usize = 8;

/// For each thing its layer: below all that it is made from.
pub(super) fn layers(drawing: &Drawing) -> Vec<usize> {
    let n_things = drawing.things.len();
    let mut next = vec![Vec::new(); n_things];
    let mut n_awaited = vec![0_usize; n_things];
    for (from, to) in &drawing.arrows {
        next[*from].push(*to);
        n_awaited[*to] += 1;
    }
    let mut layers = vec![0; n_things];
    let mut open: Vec<usize> = (0..n_things).filter(|at| n_awaited[*at] == 0).collect();
    while let Some(at) = open.pop() {
        for to in &next[at] {
            layers[*to] = layers[*to].max(layers[at] + 1);
            n_awaited[*to] -= 1;
            if n_awaited[*to] == 0 {
                open.push(*to);
            }
        }
    }
    layers
}

/// A place in the layers: a thing, or where an arrow passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// A thing.
    Thing(usize),
    /// An arrow on its way.
    Passage,
}

/// Things and passages in layers.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// All slots.
    pub(super) slots: Vec<Slot>,
    /// The slots of each layer, from left to right.
    pub(super) layers: Vec<Vec<usize>>,
    /// The slots that each arrow goes through, from its first thing to its last.
    pub(super) ways: Vec<Vec<usize>>,
}

impl Layout {
    /// Puts the things of a drawing in layers.
    pub(super) fn of(drawing: &Drawing) -> Self {
        let of_thing = layers(drawing);
        let n_layers = of_thing.iter().max().map_or(0, |last| last + 1);
        let mut layout = Self {
            layers: vec![Vec::new(); n_layers],
            ..Self::default()
        };
        for (at, layer) in of_thing.iter().enumerate() {
            layout.slots.push(Slot::Thing(at));
            layout.layers[*layer].push(at);
        }
        for (from, to) in &drawing.arrows {
            let mut way = vec![*from];
            for layer in of_thing[*from] + 1..of_thing[*to] {
                way.push(layout.slots.len());
                layout.layers[layer].push(layout.slots.len());
                layout.slots.push(Slot::Passage);
            }
            way.push(*to);
            layout.ways.push(way);
        }
        layout.untangle();
        layout
    }

    /// Moves each slot near to the middle of those that it is joined to, layer by layer.
    fn untangle(&mut self) {
        let mut above = vec![Vec::new(); self.slots.len()];
        let mut below = vec![Vec::new(); self.slots.len()];
        for pair in self.ways.iter().flat_map(|way| way.windows(2)) {
            below[pair[0]].push(pair[1]);
            above[pair[1]].push(pair[0]);
        }
        let mut places = vec![0.0; self.slots.len()];
        let note = |layer: &[usize], places: &mut Vec<f64>| {
            for (place, slot) in layer.iter().enumerate() {
                // Layers of different widths are compared by shares.
                places[*slot] = (place as f64 + 0.5) / layer.len() as f64;
            }
        };
        for layer in &self.layers {
            note(layer, &mut places);
        }
        for sweep in 0..N_SWEEPS {
            let is_down = sweep % 2 == 0;
            let joined = if is_down { &above } else { &below };
            let mut order: Vec<usize> = (0..self.layers.len()).collect();
            if !is_down {
                order.reverse();
            }
            for at in order {
                let middle = |slot: &usize| {
                    let others = &joined[*slot];
                    if others.is_empty() {
                        return places[*slot];
                    }
                    let sum: f64 = others.iter().map(|other| places[*other]).sum();
                    sum / others.len() as f64
                };
                let mut layer: Vec<(f64, usize)> = self.layers[at]
                    .iter()
                    .map(|slot| (middle(slot), *slot))
                    .collect();
                layer.sort_by(|(one, _), (other, _)| one.total_cmp(other));
                self.layers[at] = layer.into_iter().map(|(_, slot)| slot).collect();
                note(&self.layers[at], &mut places);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawing;
    use super::*;

    #[test]
    fn things_stand_below_what_they_are_made_from() {
        assert_eq!(layers(&drawing("a>b>c a>c d")), [0, 1, 2, 0]);
        let layout = Layout::of(&drawing("a>b>c a>c d"));
        assert_eq!(layout.ways.iter().map(Vec::len).max(), Some(3));
        assert!(layout.slots.contains(&Slot::Passage));
    }

    #[test]
    fn arrows_that_need_not_cross_do_not() {
        let layout = Layout::of(&drawing("a b y>z b>x a>z"));
        let order = |name: usize| {
            let mut layers = layout.layers.iter();
            layers.find_map(|layer| layer.iter().position(|slot| *slot == name))
        };
        // `b` is joined to `x`, `a` and `y` to `z`: `x` and `z` stand as they do.
        let drawing = drawing("a b y>z b>x a>z");
        let at = |name: &str| drawing.things.iter().position(|thing| thing.name == name);
        let is_left = order(at("b").unwrap()) < order(at("a").unwrap());
        let is_left_below = order(at("x").unwrap()) < order(at("z").unwrap());
        assert_eq!(is_left, is_left_below);
    }
}
