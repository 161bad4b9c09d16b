//! Sizes of memory as lifecycle files write them: `512MiB`, `4GiB`, `8GB`.

/// The units and how many bytes each has.
const UNITS: [(&str, u64); 8] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Reads a size, in bytes: a whole number and a unit.
///
/// # Errors
///
/// Fails if the text is none, or one that no machine could address.
pub(crate) fn parse_size(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a size");
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at(n_digits);
    let (_, n_bytes) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(wrong)?;
    if digits.is_empty() {
        return Err(wrong());
    }
    let count = digits.parse::<u64>().ok();
    let total = count.and_then(|count| count.checked_mul(*n_bytes));
    let total = total.filter(|total| i64::try_from(*total).is_ok());
    total
        .and_then(|total| usize::try_from(total).ok())
        .ok_or_else(|| format!("`{text}` is more than any machine has"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_unit() {
        for (text, n_bytes) in [
            ("1KiB", 1024),
            ("512MiB", 536_870_912),
            ("4GiB", 4_294_967_296),
            ("1TiB", 1_099_511_627_776),
            ("2kB", 2_000),
            ("3MB", 3_000_000),
            ("8GB", 8_000_000_000),
            ("1TB", 1_000_000_000_000),
            ("0GiB", 0),
        ] {
            assert_eq!(parse_size(text), Ok(n_bytes));
        }
    }

    #[test]
    fn refuses_what_is_not_a_size() {
        for text in [
            "", "GiB", "4", "4 GiB", "-4GiB", "1.5GiB", "4G", "4gib", "4GiBs", "é",
        ] {
            assert_eq!(parse_size(text), Err(format!("`{text}` is not a size")));
        }
        for text in ["99999999999999999999GiB", "99999999999TiB"] {
            let message = format!("`{text}` is more than any machine has");
            assert_eq!(parse_size(text), Err(message));
        }
    }
}
