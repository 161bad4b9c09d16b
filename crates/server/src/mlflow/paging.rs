//! Pages of searches.
//!
//! A token is opaque to clients; it holds how many things came before the page.

use everloop_metastore::search::{Condition, Order, Query};

use super::error::MlflowError;
use super::parameters::Parameters;

/// Which part of a result is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    limit: usize,
    offset: usize,
}

impl Page {
    /// Reads `max_results` and `page_token`.
    pub(super) fn read(
        parameters: &Parameters,
        default: i64,
        most: i64,
    ) -> Result<Self, MlflowError> {
        let limit = parameters.integer("max_results")?.unwrap_or(default);
        if limit < 1 {
            return Err(MlflowError::invalid(format!(
                "Invalid value {limit} for parameter 'max_results' supplied. It must be a positive integer"
            )));
        }
        if limit > most {
            return Err(MlflowError::invalid(format!(
                "Invalid value {limit} for parameter 'max_results' supplied. It must be at most {most}"
            )));
        }
        let offset = match parameters.text("page_token")? {
            None => 0,
            Some(token) => token.parse::<u32>().map_err(|_| {
                MlflowError::invalid(format!(
                    "Invalid page token, could not base64-decode: {token}"
                ))
            })?,
        };
        Ok(Self {
            limit: limit as usize,
            offset: offset as usize,
        })
    }

    /// The search of this page, and of one thing more that tells whether there is a next one.
    pub(super) fn query(self, condition: Condition, order: Vec<Order>) -> Query {
        let (limit, offset) = self.window();
        Query {
            condition,
            order,
            limit,
            offset,
        }
    }

    /// Limit and offset of the same.
    pub(super) fn window(self) -> (usize, usize) {
        (self.limit + 1, self.offset)
    }

    /// Takes the thing too many off and gives the token of the next page.
    pub(super) fn next<T>(self, found: &mut Vec<T>) -> Option<String> {
        let has_next = found.len() > self.limit;
        found.truncate(self.limit);
        has_next.then(|| (self.offset + self.limit).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Page, String> {
        let parameters = Parameters::from_json(body);
        Page::read(&parameters, 2, 10).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn pages_follow_each_other() {
        let page = read("{}").unwrap();
        assert_eq!(page.window(), (3, 0));
        let mut found = vec![1, 2, 3];
        let token = page.next(&mut found).unwrap();
        assert_eq!(found, [1, 2]);
        let next = read(&format!("{{\"page_token\": \"{token}\"}}")).unwrap();
        assert_eq!(next.window(), (3, 2));
        assert_eq!(
            next.next(&mut vec![3, 4]),
            None,
            "a full last page has no next one"
        );
    }

    #[test]
    fn limits_and_tokens_are_checked() {
        assert!(
            read(r#"{"max_results": 0}"#)
                .unwrap_err()
                .contains("It must be a positive integer")
        );
        assert!(
            read(r#"{"max_results": 11}"#)
                .unwrap_err()
                .contains("at most 10")
        );
        assert!(
            read(r#"{"page_token": "-1"}"#)
                .unwrap_err()
                .contains("could not base64-decode")
        );
    }
}
