//! Keys as names of files, as MLflow reads them back: one that it does not understand makes it refuse the whole run.

use std::collections::BTreeSet;

/// The longest name of a file on the usual file systems, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Why a key cannot name a file of a file store; nothing if it can.
pub(super) fn store_key_problem(key: &str) -> Option<&'static str> {
    let is_plain = |c: char| c.is_alphanumeric() || "_.-: /".contains(c);
    if !key.chars().all(is_plain) {
        return Some(
            "keys of a file store have letters, digits, and `_`, `-`, `.`, `:`, `/` and blanks only",
        );
    }
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    if !key.split('/').all(is_name) {
        return Some("a file store keeps it in a file of its name, which would lead elsewhere");
    }
    let is_long = key.split('/').any(|part| part.len() > MAX_NAME_BYTES);
    is_long.then_some("a file store keeps it in a file of its name, which is too long")
}

/// Keys that can, and those that cannot with the reason: a file cannot also be a directory.
#[expect(clippy::type_complexity, reason = "two lists of pairs")]
pub(super) fn file_texts<'t, T>(
    texts: impl IntoIterator<Item = (&'t String, T)>,
) -> (Vec<(&'t str, T)>, Vec<(&'t str, &'static str)>) {
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    let all: Vec<(&str, T)> = texts
        .into_iter()
        .map(|(key, text)| (key.as_str(), text))
        .collect();
    let keys: BTreeSet<&str> = all.iter().map(|(key, _)| *key).collect();
    for (key, text) in all {
        let is_below_another = key
            .match_indices('/')
            .any(|(end, _)| keys.contains(&key[..end]));
        let clash =
            "a file store keeps it below a directory whose name is that of a file: another key";
        match store_key_problem(key).or(is_below_another.then_some(clash)) {
            Some(why) => refused.push((key, why)),
            None => kept.push((key, text)),
        }
    }
    (kept, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(keys: &[&str], expected: &[&str]) {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let (kept, refused) = file_texts(keys.iter().map(|key| (key, ())));
        let kept: Vec<&str> = kept.into_iter().map(|(key, ())| key).collect();
        assert_eq!(kept, expected);
        assert_eq!(kept.len() + refused.len(), keys.len());
    }

    #[test]
    fn keys_that_are_files_pass() {
        let long = "a".repeat(255);
        check(
            &["a", "a b/c:d", "größe.x-1", &long],
            &["a", "a b/c:d", "größe.x-1", &long],
        );
    }

    #[test]
    fn keys_that_lead_elsewhere_or_that_mlflow_cannot_read_do_not() {
        let long = format!("x/{}", "a".repeat(256));
        check(
            &[
                "",
                "/a",
                "a/",
                "a//b",
                "..",
                "a/../../b",
                ".",
                "a\\b",
                "a\nb",
                "a%",
                &long,
            ],
            &[],
        );
    }

    #[test]
    fn a_file_is_no_directory() {
        check(&["a", "a-b", "a/b", "a/b/c", "ab/c"], &["a", "a-b", "ab/c"]);
    }
}
