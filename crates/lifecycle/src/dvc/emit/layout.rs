//! Where the lines of a YAML text break.

/// The column that lines are kept below, where they can be.
pub(super) const WIDTH: usize = 80;

/// A text as it grows.
#[derive(Default)]
pub(super) struct Layout {
    pub(super) text: String,
    /// The column of the end, in characters from 0.
    pub(super) column: usize,
    /// Whether the end is one where a word can follow: white space, or nothing yet.
    is_after_space: bool,
    /// Whether nothing but indents and dashes stand in the line.
    is_fresh: bool,
}

impl Layout {
    /// Adds text within a line.
    pub(super) fn push(&mut self, text: &str) {
        self.is_fresh = false;
        self.text.push_str(text);
        self.column += text.chars().count();
        self.is_after_space = text.ends_with(' ');
    }

    /// Adds a dash or question mark, after which a first key may follow in the same line.
    pub(super) fn indicator(&mut self, text: &str) {
        self.push(text);
        self.is_fresh = true;
    }

    pub(super) fn line_break(&mut self) {
        self.text.push('\n');
        self.column = 0;
        self.is_after_space = true;
        self.is_fresh = true;
    }

    /// Goes to a column: in this line if nothing but dashes stand before it, else in the next.
    pub(super) fn go_to(&mut self, column: usize) {
        let is_start = self.text.is_empty();
        if !is_start && (!self.is_fresh || self.column > column) {
            self.line_break();
        }
        if self.column < column {
            let n_spaces = column - self.column;
            self.text.extend(std::iter::repeat_n(' ', n_spaces));
            self.column = column;
            self.is_after_space = true;
        }
    }

    /// A space, unless one stands there.
    pub(super) fn separate(&mut self) {
        if !self.is_after_space && !self.text.is_empty() {
            self.push(" ");
        }
    }

    /// Breaks the line within a scalar.
    pub(super) fn fold(&mut self, indent: usize) {
        self.line_break();
        self.go_to(indent);
        self.is_fresh = false;
        self.is_after_space = false;
    }

    /// Whether the line is as long as lines may be.
    pub(super) fn is_full(&self) -> bool {
        self.column >= WIDTH
    }

    /// Whether the line with so many more characters is longer than lines may be.
    pub(super) fn would_cross(&self, n_more: usize) -> bool {
        self.column + n_more > WIDTH
    }

    /// The end as it is now.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            length: self.text.len(),
            column: self.column,
            is_after_space: self.is_after_space,
            is_fresh: self.is_fresh,
        }
    }

    /// Takes away what was written since.
    pub(super) fn go_back(&mut self, mark: Mark) {
        self.text.truncate(mark.length);
        self.column = mark.column;
        self.is_after_space = mark.is_after_space;
        self.is_fresh = mark.is_fresh;
    }

    /// A scalar without quotes. A word that crosses the width goes to a line of its own; the space
    /// before it stays. Says whether the text reads back as the same: several spaces before a break
    /// read back as one, and a key that may not split is none on two lines.
    pub(super) fn plain(&mut self, text: &str, indent: usize, can_split: bool) -> bool {
        if text.is_empty() {
            return true;
        }
        self.separate();
        self.is_fresh = false;
        let mut is_kept = true;
        let mut n_spaces = 0;
        for (is_space, part) in runs(text) {
            if is_space && part.len() == 1 && self.is_full() && can_split {
                self.fold(indent);
                continue;
            }
            if !is_space && self.would_cross(part.chars().count()) && self.column > indent {
                is_kept &= n_spaces <= 1 && can_split;
                self.fold(indent);
            }
            n_spaces = if is_space { part.len() } else { 0 };
            self.push(part);
        }
        is_kept
    }
}

/// An end of a layout to go back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    length: usize,
    column: usize,
    is_after_space: bool,
    is_fresh: bool,
}

/// The runs of spaces and of other characters.
pub(super) fn runs(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_space = rest.chars().next()? == ' ';
        let end = rest
            .find(|c: char| (c == ' ') != is_space)
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some((is_space, run))
    })
}
