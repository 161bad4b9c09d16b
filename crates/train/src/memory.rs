//! How much memory training needs, estimated before anything large is allocated: a limit is an error, not the end of
//! the process.

use crate::Error;
use crate::encoder::Style;

/// Fails if the encoded rows and what trainers make of them need more than so many bytes.
///
/// Trees make bins (a byte a number) and sums of gradients beside the matrix of doubles; linear models and nearest
/// neighbours make a copy of it, and a graph that holds kept rows a third.
pub(crate) fn check(
    limit: usize,
    style: Style,
    (n_rows, n_columns): (usize, usize),
) -> Result<(), Error> {
    let n_copies = match style {
        Style::Binned => 1,
        Style::Raw => 2,
        Style::Scaled | Style::Marked | Style::Embedded => 3,
    };
    let needed = n_rows
        .saturating_mul(n_columns)
        .saturating_mul(n_copies * size_of::<f64>());
    if needed <= limit {
        return Ok(());
    }
    Err(Error::Memory {
        n_rows,
        n_columns,
        needed: mebibytes(needed),
        limit: mebibytes(limit),
    })
}

fn mebibytes(n_bytes: usize) -> usize {
    n_bytes.div_ceil(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_told_with_the_limit() {
        assert!(check(1 << 20, Style::Raw, (100, 100)).is_ok());
        let error = check(1 << 20, Style::Scaled, (1000, 1000)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "training on 1000 rows of 1000 encoded columns needs about 23 MiB, at most 1 MiB may be used: exclude columns or rows, or raise `train.max_memory`"
        );
        assert!(check(usize::MAX - 1, Style::Raw, (usize::MAX, 2)).is_err());
    }
}
