//! Pages of lists: `max_results` and `page_token`.
//!
//! A token is opaque to clients. It tells after which thing the page begins, so that pages stay apart while things are added.

use std::str::FromStr;

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::asked::invalid;
use crate::error::ApiError;

/// How many things a page has if nobody says.
const DEFAULT_SIZE: usize = 100;
/// How many it may have.
const MAX_SIZE: usize = 1000;

/// How many things are wanted.
pub(super) fn size(max_results: Option<&str>) -> Result<usize, ApiError> {
    let Some(text) = max_results else {
        return Ok(DEFAULT_SIZE);
    };
    let size = text.parse().ok();
    size.filter(|size| (1..=MAX_SIZE).contains(size))
        .ok_or_else(|| {
            invalid(format!(
                "`max_results={text}`: expected a whole number from 1 to {MAX_SIZE}"
            ))
        })
}

/// A token that is a number.
pub(super) fn number<N: FromStr>(page_token: Option<&str>) -> Result<Option<N>, ApiError> {
    page_token
        .map(|text| text.parse().map_err(|_| bad_token(text)))
        .transpose()
}

/// What is said of a token that is none.
pub(super) fn bad_token(text: &str) -> ApiError {
    invalid(format!(
        "`page_token={text}`: expected the `next_page_token` of the page before"
    ))
}

/// Takes off what is too much, and gives the token of the next page if there is one.
pub(super) fn next<T>(
    found: &mut Vec<T>,
    size: usize,
    token: impl FnOnce(&T) -> String,
) -> Option<String> {
    let has_next = found.len() > size;
    found.truncate(size);
    found.last().filter(|_| has_next).map(token)
}

/// The parameter `max_results`.
pub(super) fn max_results() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_SIZE))
        .default(Some(DEFAULT_SIZE.into()))
        .description(Some("How many at most."))
        .build()
}

/// A parameter `page_token` that is a number.
pub(super) fn number_token() -> Object {
    token("^[0-9]{1,18}$")
}

/// A parameter `page_token` of a form.
pub(super) fn token(pattern: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .description(Some("The `next_page_token` of the page before."))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_default_and_a_greatest() {
        assert_eq!(size(None).unwrap(), DEFAULT_SIZE);
        assert_eq!(size(Some("1000")).unwrap(), MAX_SIZE);
        for text in ["0", "1001", "-1", "x", "", "1.5", "99999999999999999999"] {
            let refused = size(Some(text)).unwrap_err();
            assert!(refused.message().contains("from 1 to 1000"), "{text}");
        }
    }

    #[test]
    fn a_full_last_page_has_no_next_one() {
        let mut found = vec![7, 8];
        assert_eq!(next(&mut found, 2, ToString::to_string), None);
        assert_eq!(next(&mut found, 1, ToString::to_string), Some("7".into()));
        assert_eq!(found, [7]);
        assert_eq!(next(&mut Vec::<u8>::new(), 1, ToString::to_string), None);
    }

    #[test]
    fn tokens_are_numbers_or_refused() {
        assert_eq!(number::<u64>(None).unwrap(), None);
        assert_eq!(number::<u64>(Some("12")).unwrap(), Some(12));
        let refused = number::<u64>(Some("-12")).unwrap_err();
        assert!(refused.message().contains("`page_token=-12`"));
    }
}
