//! Two listings of files, path by path.
//!
//! Both are in order, so that neither is copied: of a million files that would take its share of memory.

use std::cmp::Ordering;

use crate::md5::Md5;

/// A file of a listing: its path and digest.
type File = (String, Md5);

/// All paths in order, each with its digest before and now.
pub(crate) fn pairs<'a>(
    before: &'a [File],
    now: &'a [File],
) -> impl Iterator<Item = (&'a str, Option<Md5>, Option<Md5>)> {
    let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (before.peek(), now.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(now)) => before.0.cmp(&now.0),
        };
        let before = before.next_if(|_| order.is_le());
        let now = now.next_if(|_| order.is_ge());
        let (path, _) = before.or(now)?;
        let md5 = |file: &File| file.1;
        Some((path.as_str(), before.map(md5), now.map(md5)))
    })
}

/// Paths that were added, modified and deleted.
pub(crate) fn differences(before: &[File], now: &[File]) -> [Vec<String>; 3] {
    let mut files: [Vec<String>; 3] = Default::default();
    for (path, before, now) in pairs(before, now) {
        let kind = match (before, now) {
            (None, _) => 0,
            (Some(_), None) => 2,
            (before, now) if before != now => 1,
            _ => continue,
        };
        files[kind].push(path.to_owned());
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, now: &str, expected: [&[&str]; 3]) {
        let files = |text: &str| -> Vec<File> {
            let pairs = text.split_whitespace();
            let pairs = pairs.map(|pair| pair.split_once('=').unwrap());
            pairs
                .map(|(path, bytes)| (path.to_owned(), Md5::of(bytes.as_bytes())))
                .collect()
        };
        let found = differences(&files(before), &files(now));
        assert_eq!(found, expected.map(<[&str]>::to_vec), "{before} {now}");
    }

    #[test]
    fn differences_are_by_path_and_content() {
        check("a=1 b=2 c=3", "a=1 b=4 d=3", [&["d"], &["b"], &["c"]]);
        check("", "a=1 b=1", [&["a", "b"], &[], &[]]);
        check("a=1 b=1", "", [&[], &[], &["a", "b"]]);
        check("b=1", "a=1 c=1", [&["a", "c"], &[], &["b"]]);
        check("a=1", "a=1", [&[], &[], &[]]);
    }
}
