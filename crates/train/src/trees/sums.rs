//! The sums of nodes by code: which are kept, which are subtracted, and what is looked for in them.

use rand::Rng;

use super::bins::Bins;
use super::grow::Open;
use super::growth::Growth;
use super::histogram::{N_CODES, accumulate, accumulate_few, codes, present};
use super::items::Piece as Values;
use super::items::{Items, Kind, Palette, Units};
use super::sides::Sides;
use super::split::{Search, Split};

/// Rows times bundles that a thread goes through before another is worth starting.
const WORK_A_THREAD: usize = 150_000;
/// Of so many rows the tables are filled row by row, of fewer table by table.
const MANY_ROWS: usize = 512;
/// Tables that nodes may keep, in bytes.
const MAX_KEPT_BYTES: usize = 256 << 20;

/// The sums of the nodes of a tree.
pub(super) struct Sums<'a> {
    bins: &'a Bins,
    growth: &'a Growth,
    units: Units,
    /// The bundles that hold columns, growing.
    bundles: Vec<usize>,
    /// Codes of these bundles.
    n_codes: usize,
    /// By column whether it may be split on; empty if all may.
    allowed: Vec<bool>,
    /// By column whether a node has chosen it.
    chosen: Vec<bool>,
    /// Words of a table.
    width: usize,
    /// Tables that nobody uses.
    pool: Vec<Vec<i64>>,
    n_kept: usize,
    /// Tables of a few bundles, all zero.
    scratch: Vec<i64>,
}

/// A piece of two nodes' tables, and what is looked for there.
struct Piece<'p> {
    bundles: &'p [usize],
    small: &'p mut [i64],
    large: &'p mut [i64],
}

impl<'a> Sums<'a> {
    pub(super) fn new(bins: &'a Bins, growth: &'a Growth, columns: &[usize], units: Units) -> Self {
        let mut bundles: Vec<usize> = columns
            .iter()
            .map(|column| bins.bundle_of(*column))
            .collect();
        bundles.dedup();
        let mut allowed = Vec::new();
        if columns.len() < bins.n_columns() {
            allowed = vec![false; bins.n_columns()];
            for column in columns {
                allowed[*column] = true;
            }
        }
        Self {
            n_codes: bundles
                .iter()
                .map(|bundle| bins.bundles[*bundle].n_codes)
                .sum(),
            width: N_CODES * units.kind.width(),
            bins,
            growth,
            units,
            bundles,
            allowed,
            chosen: Vec::new(),
            pool: Vec::new(),
            n_kept: 0,
            scratch: Vec::new(),
        }
    }

    /// Finds the split of a node, and keeps its sums if that pays.
    pub(super) fn one(&mut self, items: &Items, node: &mut Open) {
        if !self.keeps(node.range.len()) {
            let bundles = std::mem::take(&mut self.bundles);
            let allowed = std::mem::take(&mut self.allowed);
            node.split = self.look(items, node, &bundles, &allowed, None).0;
            (self.bundles, self.allowed) = (bundles, allowed);
            return;
        }
        let mut tables = self.tables();
        let (rows, values) = (
            &items.rows[node.range.clone()],
            items.piece(node.range.clone()),
        );
        let search = self.search(node);
        let fill = |piece: Piece<'_>| {
            piece.large.fill(0);
            accumulate(
                self.bins,
                self.units.kind,
                piece.bundles,
                (rows, values),
                piece.large,
            );
            (None, self.find(&search, piece.bundles, piece.large))
        };
        let found = self.in_pieces(rows.len(), &mut [], &mut tables, fill);
        node.split = found.1;
        node.tables = Some(tables);
        self.n_kept += 1;
    }

    /// Finds the splits of both children of a node, given the node's sums: of the smaller child they are taken anew, of the
    /// larger one by subtraction.
    pub(super) fn both(
        &mut self,
        items: &Items,
        mut tables: Vec<i64>,
        (small, may_small): (&mut Open, bool),
        (large, may_large): (&mut Open, bool),
    ) {
        let rows = &items.rows[small.range.clone()];
        let values = items.piece(small.range.clone());
        let keeps_large = may_large && self.keeps(large.range.len());
        let keeps_small = self.keeps(rows.len());
        if !keeps_large {
            self.give_back(Some(tables));
            if may_large {
                self.one(items, large);
            }
            if may_small {
                self.one(items, small);
            }
            return;
        }
        let mut own = if keeps_small {
            self.tables()
        } else {
            Vec::new()
        };
        let (small_search, large_search) = (self.search(small), self.search(large));
        let kind = self.units.kind;
        let taken = (!keeps_small).then(|| Negated::new(kind, values));
        let fill = |piece: Piece<'_>| {
            let Piece {
                bundles,
                small,
                large,
            } = piece;
            if let Some(taken) = &taken {
                accumulate(self.bins, kind, bundles, (rows, taken.piece(values)), large);
                return (None, self.find(&large_search, bundles, large));
            }
            small.fill(0);
            accumulate(self.bins, kind, bundles, (rows, values), small);
            large
                .iter_mut()
                .zip(small.iter())
                .for_each(|(all, own)| *all -= own);
            let found = may_small.then(|| self.find(&small_search, bundles, small));
            (found.flatten(), self.find(&large_search, bundles, large))
        };
        let found = self.in_pieces(rows.len(), &mut own, &mut tables, fill);
        large.split = found.1;
        large.tables = Some(tables);
        if keeps_small && may_small {
            small.split = found.0;
            small.tables = Some(own);
            self.n_kept += 1;
        } else {
            if keeps_small {
                self.pool.push(own);
            }
            if may_small {
                self.one(items, small);
            }
        }
    }

    /// The best split among some columns, and whether any of them differs within the node. With `cuts`, columns are cut by
    /// chance.
    pub(super) fn some(
        &mut self,
        items: &Items,
        node: &Open,
        columns: &[usize],
        cuts: Option<&mut dyn Rng>,
    ) -> (Option<Split>, bool) {
        let mut bundles: Vec<usize> = columns
            .iter()
            .map(|column| self.bins.bundle_of(*column))
            .collect();
        bundles.sort_unstable();
        bundles.dedup();
        let mut allowed = std::mem::take(&mut self.chosen);
        allowed.resize(self.bins.n_columns(), false);
        for column in columns {
            allowed[*column] = true;
        }
        let found = match cuts {
            Some(chance) => self.cut(items, node, &bundles, &allowed, chance),
            None => self.look(items, node, &bundles, &allowed, None),
        };
        for column in columns {
            allowed[*column] = false;
        }
        self.chosen = allowed;
        found
    }

    /// The best split among some bundles, cut by chance.
    fn cut(
        &mut self,
        items: &Items,
        node: &Open,
        bundles: &[usize],
        allowed: &[bool],
        chance: &mut dyn Rng,
    ) -> (Option<Split>, bool) {
        let rows = &items.rows[node.range.clone()];
        let values = items.piece(node.range.clone());
        let Some(sides) = Sides::new(self.bins, rows, values) else {
            return self.look(items, node, bundles, allowed, Some(chance));
        };
        let is_single = |bundle: &usize| !self.bins.bundles[*bundle].is_exclusive();
        let (singles, others): (Vec<usize>, Vec<usize>) =
            bundles.iter().copied().partition(is_single);
        let total = (node.total.as_slice(), node.bounds);
        let search = Search::new(self.bins, self.units, self.growth, allowed, total);
        let (mut best, mut differs) = (None, false);
        if !singles.is_empty() {
            (best, differs) = sides.best(&search, &singles, chance);
        }
        if !others.is_empty() {
            // Columns of two values are cut without chance.
            let found = self.look(items, node, &others, allowed, None);
            best = Split::better(best, found.0);
            differs |= found.1;
        }
        (best, differs)
    }

    /// The best split among some bundles, from the rows of the node alone.
    fn look(
        &mut self,
        items: &Items,
        node: &Open,
        bundles: &[usize],
        allowed: &[bool],
        mut cuts: Option<&mut dyn Rng>,
    ) -> (Option<Split>, bool) {
        let both = (
            &items.rows[node.range.clone()],
            items.piece(node.range.clone()),
        );
        let is_many = both.0.len() >= MANY_ROWS;
        let n_tables = if is_many { bundles.len() } else { 1 };
        if self.scratch.len() < n_tables * self.width {
            self.scratch.resize(n_tables * self.width, 0);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let kind = self.units.kind;
        if is_many {
            accumulate(
                self.bins,
                kind,
                bundles,
                both,
                &mut scratch[..n_tables * self.width],
            );
        }
        let total = (node.total.as_slice(), node.bounds);
        let search = Search::new(self.bins, self.units, self.growth, allowed, total);
        let (mut best, mut differs) = (None, false);
        for (place, bundle) in bundles.iter().enumerate() {
            let at = if is_many { place } else { 0 };
            let table = &mut scratch[at * self.width..(at + 1) * self.width];
            let there = if is_many {
                present(kind, self.bins.bundles[*bundle].n_codes, table)
            } else {
                accumulate_few(self.bins, kind, *bundle, both, table)
            };
            let found = search.bundle(*bundle, table, there, cuts.as_deref_mut());
            best = Split::better(best, found.0);
            differs |= found.1;
            for code in codes(there) {
                table[code * kind.width()..(code + 1) * kind.width()].fill(0);
            }
        }
        self.scratch = scratch;
        (best, differs)
    }

    /// Takes back the tables of a node.
    pub(super) fn give_back(&mut self, tables: Option<Vec<i64>>) {
        if let Some(tables) = tables {
            self.pool.push(tables);
            self.n_kept -= 1;
        }
    }

    fn tables(&mut self) -> Vec<i64> {
        let length = self.bundles.len() * self.width;
        self.pool.pop().unwrap_or_else(|| vec![0; length])
    }

    fn search<'s>(&'s self, node: &'s Open) -> Search<'s> {
        let total = (node.total.as_slice(), node.bounds);
        Search::new(self.bins, self.units, self.growth, &self.allowed, total)
    }

    /// The best split that the tables of some bundles show.
    fn find(&self, search: &Search<'_>, bundles: &[usize], tables: &[i64]) -> Option<Split> {
        let tables = tables.chunks_exact(self.width);
        let found = bundles.iter().zip(tables).map(|(bundle, table)| {
            let there = present(self.units.kind, self.bins.bundles[*bundle].n_codes, table);
            search.bundle(*bundle, table, there, None).0
        });
        found.reduce(Split::better).flatten()
    }

    /// Whether a node of so many rows keeps sums: with fewer rows than codes it is cheaper to look at the rows alone.
    fn keeps(&self, n_rows: usize) -> bool {
        let n_bytes = (self.n_kept + 2) * self.bundles.len() * self.width * size_of::<i64>();
        n_rows * self.bundles.len() * 2 >= self.n_codes && n_bytes <= MAX_KEPT_BYTES
    }

    /// Has threads work on pieces of two nodes' tables; the first of equal splits wins, on any number of threads.
    fn in_pieces(
        &self,
        n_rows: usize,
        small: &mut [i64],
        large: &mut [i64],
        work: impl Fn(Piece<'_>) -> (Option<Split>, Option<Split>) + Sync,
    ) -> (Option<Split>, Option<Split>) {
        let n_bundles = self.bundles.len();
        let useful = (n_rows + N_CODES) * n_bundles / WORK_A_THREAD;
        let n_threads = self.growth.n_threads.min(useful).clamp(1, n_bundles.max(1));
        let share = n_bundles.div_ceil(n_threads).max(1);
        let length = share * self.width;
        let mut small = small.chunks_mut(length);
        let pieces = self.bundles.chunks(share).zip(large.chunks_mut(length));
        let mut pieces = pieces.map(|(bundles, large)| Piece {
            bundles,
            small: small.next().unwrap_or_default(),
            large,
        });
        let work = &work;
        let Some(first) = pieces.next() else {
            return (None, None);
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = pieces
                .map(|piece| scope.spawn(move || work(piece)))
                .collect();
            let mut found = work(first);
            for other in others {
                let other = other.join();
                let other = other.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                found.0 = Split::better(found.0, other.0);
                found.1 = Split::better(found.1, other.1);
            }
            found
        })
    }
}

/// Values that take away what others add.
enum Negated {
    Each(Vec<[i64; 2]>),
    Few(Palette),
}

impl Negated {
    fn new(kind: Kind, values: Values<'_>) -> Self {
        match values {
            Values::Each(values) => {
                Self::Each(values.iter().map(|value| negated(kind, *value)).collect())
            }
            Values::Few(_, palette) => Self::Few(palette.with(|value| negated(kind, value))),
        }
    }

    /// These values in place of those that they were made of.
    fn piece<'a>(&'a self, values: Values<'a>) -> Values<'a> {
        match (self, values) {
            (Self::Few(palette), Values::Few(places, _)) => Values::Few(places, palette),
            (Self::Each(values), _) => Values::Each(values),
            (Self::Few(_), values) => values,
        }
    }
}

/// A value that takes away what the value adds.
fn negated(kind: Kind, [first, word]: [i64; 2]) -> [i64; 2] {
    match kind {
        Kind::Moments => [-first, -word],
        Kind::Classes(_) => [first, -word],
    }
}
