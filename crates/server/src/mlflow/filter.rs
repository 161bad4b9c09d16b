//! The filters that the client itself sends: `name = 'x' and source_run_id = 'y'`.
//!
//! Anything else is refused by name: a filter that is ignored would show what was not asked for.

use super::error::MlflowError;

/// Names with the value that each must have.
pub(super) type Equalities = Vec<(String, String)>;

/// Reads a filter of equalities; the names must be among those given, and may have `attributes.` before them.
pub(super) fn equalities(filter: Option<&str>, names: &[&str]) -> Result<Equalities, MlflowError> {
    let Some(filter) = filter.map(str::trim).filter(|filter| !filter.is_empty()) else {
        return Ok(Vec::new());
    };
    let refused = || {
        let known = names.join("`, `");
        let what = if names.is_empty() {
            "filters are not supported here yet".to_owned()
        } else {
            format!("only `=` on `{known}`, joined by `and`, is supported here yet")
        };
        MlflowError::invalid(format!("Invalid filter string: `{filter}`: {what}"))
    };
    let mut found = Vec::new();
    let mut rest = filter;
    loop {
        let (name, after) = rest.split_once('=').ok_or_else(refused)?;
        let name = name.trim().trim_matches(['`', '"']);
        let name = name.strip_prefix("attributes.").unwrap_or(name);
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let quote = quote
            .filter(|_| names.contains(&name))
            .ok_or_else(refused)?;
        let (value, after) = after[1..].split_once(quote).ok_or_else(refused)?;
        found.push((name.to_owned(), value.to_owned()));
        let after = after.trim_start();
        if after.is_empty() {
            return Ok(found);
        }
        rest = after
            .get(..4)
            .filter(|word| word.eq_ignore_ascii_case("and "))
            .and_then(|_| after.get(4..))
            .ok_or_else(refused)?;
    }
}

/// Whether a thing has the values that a filter wants.
pub(super) fn matches(wanted: &[(String, String)], value: impl Fn(&str) -> Option<String>) -> bool {
    wanted
        .iter()
        .all(|(name, wanted)| value(name).as_ref() == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: &str, expected: &str) {
        let shown = match equalities(Some(filter), &["name", "run_id"]) {
            Ok(found) => found
                .iter()
                .map(|(name, value)| format!("{name}:{value}"))
                .collect::<Vec<_>>()
                .join(" "),
            Err(_) => "refused".to_owned(),
        };
        assert_eq!(shown, expected, "{filter}");
    }

    #[test]
    fn equalities_are_read() {
        check("", "");
        check("name = 'a'", "name:a");
        check(
            "name='a b = c' AND attributes.run_id = \"x\"",
            "name:a b = c run_id:x",
        );
    }

    #[test]
    fn the_rest_is_refused() {
        for filter in [
            "name",
            "name = a",
            "name = 'a",
            "name != 'a'",
            "name > 'a'",
            "name LIKE 'a'",
            "other = 'a'",
            "name = 'a' or run_id = 'b'",
            "name = 'a' and",
            "name = 'a' 'b'",
            "metrics.m = 'ä'",
            "name ='é'ä",
        ] {
            check(filter, "refused");
        }
    }
}
