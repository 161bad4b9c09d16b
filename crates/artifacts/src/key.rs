//! The keys of the store, built in one place.

use std::fmt;

use everloop_domain::{ExperimentId, RunId};

use crate::Error;

/// The place of an artifact in the store: relative, without `..`, never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageKey(String);

impl StorageKey {
    /// An artifact of a run: `<experiment>/<run>/artifacts/<path>`.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] if the path would lead out of the run.
    pub fn run_artifact(experiment: ExperimentId, run: &RunId, path: &str) -> Result<Self, Error> {
        let path = Self::parse(path)?;
        Ok(Self(format!("{experiment}/{run}/artifacts/{path}")))
    }

    /// A path from outside, as it follows `mlflow-artifacts:/`.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] if it is empty, absolute, holds `..`, a backslash, a drive letter or a control character, or
    /// ends in `#` and digits (names of unfinished uploads).
    pub fn parse(path: &str) -> Result<Self, Error> {
        let refuse = |problem| {
            Err(Error::Path {
                path: path.to_owned(),
                problem,
            })
        };
        let trimmed = path.trim_end_matches('/');
        if trimmed.is_empty() {
            return refuse("it is empty");
        }
        if path.starts_with('/') {
            return refuse("it is absolute");
        }
        if path.contains('\\') {
            return refuse("it holds a backslash");
        }
        if path.chars().any(char::is_control) {
            return refuse("it holds a control character");
        }
        let bytes = path.as_bytes();
        if bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
            return refuse("it starts with a drive letter");
        }
        if trimmed
            .split('/')
            .any(|part| part.is_empty() || part == "." || part == "..")
        {
            return refuse("a part of it is empty, `.` or `..`");
        }
        let ends_as_upload = |part: &str| {
            part.rsplit_once('#').is_some_and(|(_, end)| {
                !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        if trimmed.split('/').any(ends_as_upload) {
            return refuse("a part of it ends in `#` and digits, as unfinished uploads do");
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// A path from outside that may have been encoded twice: it must not become hostile at the next reader.
    ///
    /// # Errors
    ///
    /// As [`StorageKey::parse`], of the path as it is and of the decoded one.
    pub fn from_outside(path: &str) -> Result<Self, Error> {
        let decoded = path
            .to_lowercase()
            .replace("%2e", ".")
            .replace("%2f", "/")
            .replace("%5c", "\\");
        Self::parse(&decoded).and_then(|_| Self::parse(path))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuse(path: &str) {
        let error = StorageKey::parse(path).unwrap_err();
        assert!(matches!(error, Error::Path { .. }), "{path}: {error}");
    }

    #[test]
    fn hostile_paths_are_refused() {
        for path in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../../x",
            "a/..",
            "a//b",
            "./a",
            "a\\..\\b",
            "C:/x",
            "C:x",
            "a\0b",
            "a\nb",
            "a#1",
            "a#1/b",
        ] {
            refuse(path);
        }
    }

    #[test]
    fn ordinary_paths_pass() {
        for path in [
            "a",
            "model/MLmodel",
            "größe/ä.txt",
            "a b/c",
            "..a/b..",
            "a#b",
            "100%25?*~",
            "x:y/z",
        ] {
            let passed = StorageKey::parse(path).map(|key| key.to_string());
            // A second letter that is a colon is a drive on other systems.
            assert_eq!(
                passed.ok().as_deref(),
                if path == "x:y/z" { None } else { Some(path) }
            );
        }
        assert_eq!(StorageKey::parse("dir/").unwrap().as_str(), "dir");
    }

    #[test]
    fn artifacts_of_runs_lie_below_their_run() {
        let run = RunId::from_bytes([1; 16]);
        let key = StorageKey::run_artifact(ExperimentId(3), &run, "model/MLmodel").unwrap();
        assert_eq!(key.as_str(), format!("3/{run}/artifacts/model/MLmodel"));
        assert!(StorageKey::run_artifact(ExperimentId(3), &run, "../../x").is_err());
    }
}
