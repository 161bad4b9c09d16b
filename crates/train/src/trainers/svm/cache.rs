//! Rows of the kernel matrix that were computed, within a bound of memory.

use super::kernel::Points;

const ABSENT: u32 = u32::MAX;

/// Keeps the rows that were used last: a row is dropped when a hand that goes round meets it unused since its last
/// round (the clock algorithm, which is close to dropping the least recently used).
#[derive(Debug)]
pub(super) struct Cache {
    max_bytes: usize,
    /// The slot of each point.
    places: Vec<u32>,
    slots: Vec<Slot>,
    hand: usize,
}

#[derive(Debug)]
struct Slot {
    point: u32,
    is_used: bool,
    row: Vec<f32>,
}

impl Cache {
    pub(super) fn new(max_bytes: usize, n_points: usize) -> Self {
        Self {
            max_bytes,
            places: vec![ABSENT; n_points],
            slots: Vec::new(),
            hand: 0,
        }
    }

    /// The slot of the kernels of `points` with the point `at` of `all`; the slot `kept` stays as it is.
    pub(super) fn load(
        &mut self,
        all: &Points,
        points: &Points,
        at: u32,
        kept: Option<usize>,
    ) -> usize {
        let place = self.places[at as usize];
        if place != ABSENT {
            self.slots[place as usize].is_used = true;
            return place as usize;
        }
        let n_bytes = points.n_rows().max(1) * size_of::<f32>();
        let slot = if self.slots.len() < (self.max_bytes / n_bytes).max(2) {
            self.slots.push(Slot {
                point: at,
                is_used: true,
                row: vec![0.0; points.n_rows()],
            });
            self.slots.len() - 1
        } else {
            self.free(kept)
        };
        self.places[at as usize] = slot as u32;
        let own = &mut self.slots[slot];
        (own.point, own.is_used) = (at, true);
        points.row(all, at as usize, &mut own.row);
        slot
    }

    fn free(&mut self, kept: Option<usize>) -> usize {
        loop {
            let at = self.hand;
            self.hand = (at + 1) % self.slots.len();
            let slot = &mut self.slots[at];
            if Some(at) != kept && !slot.is_used {
                self.places[slot.point as usize] = ABSENT;
                return at;
            }
            slot.is_used = false;
        }
    }

    pub(super) fn row(&self, slot: usize) -> &[f32] {
        &self.slots[slot].row
    }

    /// Keeps some places of all rows.
    pub(super) fn narrow(&mut self, kept: &[u32]) {
        for slot in &mut self.slots {
            for (to, from) in kept.iter().enumerate() {
                slot.row[to] = slot.row[*from as usize];
            }
            slot.row.truncate(kept.len());
            slot.row.shrink_to_fit();
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.places.fill(ABSENT);
        self.hand = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::Design;
    use crate::model::Kernel;

    fn points(n_rows: usize) -> Points {
        let design = Design {
            values: (0..n_rows).map(|row| row as f64).collect(),
            n_rows,
            n_columns: 1,
        };
        let rows: Vec<u32> = (0..n_rows as u32).collect();
        Points::new(Kernel::Linear, &design, &rows)
    }

    #[test]
    fn rows_are_right_however_few_are_kept() {
        let points = points(4);
        let mut cache = Cache::new(2 * 4 * size_of::<f32>(), 4);
        for (at, kept) in [
            (1, None),
            (2, Some(0)),
            (3, Some(0)),
            (2, None),
            (0, Some(1)),
            (3, None),
        ] {
            let slot = cache.load(&points, &points, at, kept);
            assert_ne!(Some(slot), kept);
            let expected: Vec<f32> = (0..4).map(|other| other as f32 * at as f32).collect();
            assert_eq!(cache.row(slot), expected);
            assert_eq!(cache.slots.len().max(2), 2);
        }
    }

    #[test]
    fn narrowed_rows_keep_their_places() {
        let points = points(4);
        let mut cache = Cache::new(1 << 20, 4);
        let slot = cache.load(&points, &points, 2, None);
        cache.narrow(&[1, 3]);
        assert_eq!(cache.row(slot), [2.0, 6.0]);
        assert_eq!(cache.load(&points, &points.subset(&[1, 3]), 2, None), slot);
    }
}
