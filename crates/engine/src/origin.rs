//! Where the result of a cycle comes from, told by the tags of its run.
//!
//! ```text
//! everloop.source.<name>.digest, .rows      what a source was when it was read
//! everloop.data.<part>.digest, .rows        what the split made of it
//! everloop.stage.<stage>.fingerprint        what the result of a stage depends on; whole in `fingerprints/<stage>.json`
//! everloop.package_digest                   what was made
//! ```

use std::collections::BTreeMap;

use everloop_domain::StageName;

use crate::stages::deploy::PACKAGE_TAG;

const SOURCE: &str = "everloop.source.";
const PART: &str = "everloop.data.";
const STAGE: &str = "everloop.stage.";
const FINGERPRINT: &str = ".fingerprint";

/// Data by name, as they were seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenData {
    /// The name of the source, or of the part of the split.
    pub name: String,
    /// The digest of its rows.
    pub digest: String,
    /// How many rows there were.
    pub n_rows: Option<u64>,
}

/// What a run was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Sources, by name.
    pub sources: Vec<SeenData>,
    /// Parts of the split, by name.
    pub parts: Vec<SeenData>,
    /// The digests of the fingerprints of stages.
    pub fingerprints: BTreeMap<StageName, String>,
    /// The digest of the package.
    pub package: Option<String>,
    /// The commit of the code.
    pub commit: Option<String>,
    /// Whether the code differed from the commit.
    pub is_dirty: Option<bool>,
}

impl Origin {
    /// Reads the tags of a run; of a run that no cycle made there may be nothing.
    #[must_use]
    pub fn read(tags: &BTreeMap<String, String>) -> Self {
        let fingerprint =
            |stage: &StageName| Some((*stage, tags.get(&fingerprint_tag(*stage))?.clone()));
        Self {
            sources: seen(tags, SOURCE),
            parts: seen(tags, PART),
            fingerprints: StageName::ALL.iter().filter_map(fingerprint).collect(),
            package: tags.get(PACKAGE_TAG).cloned(),
            commit: tags.get("mlflow.source.git.commit").cloned(),
            is_dirty: tags.get("everloop.git.dirty").map(|text| text == "true"),
        }
    }
}

fn seen(tags: &BTreeMap<String, String>, prefix: &str) -> Vec<SeenData> {
    let digests = tags.iter().filter_map(|(tag, digest)| {
        let name = tag.strip_prefix(prefix)?.strip_suffix(".digest")?;
        let rows = tags.get(&format!("{prefix}{name}.rows"));
        Some(SeenData {
            name: name.to_owned(),
            digest: digest.clone(),
            n_rows: rows.and_then(|rows| rows.parse().ok()),
        })
    });
    digests.collect()
}

/// The tags of a source.
pub(crate) fn source_tags(name: &str, digest: &str, n_rows: u64) -> [(String, String); 2] {
    data_tags(SOURCE, name, digest, n_rows)
}

/// The tags of a part of the split.
pub(crate) fn part_tags(name: &str, digest: &str, n_rows: u64) -> [(String, String); 2] {
    data_tags(PART, name, digest, n_rows)
}

fn data_tags(prefix: &str, name: &str, digest: &str, n_rows: u64) -> [(String, String); 2] {
    [
        (format!("{prefix}{name}.digest"), digest.to_owned()),
        (format!("{prefix}{name}.rows"), n_rows.to_string()),
    ]
}

/// The tag of the fingerprint of a stage.
pub(crate) fn fingerprint_tag(stage: StageName) -> String {
    format!("{STAGE}{stage}{FINGERPRINT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tagged_is_read_again() {
        let mut tags: BTreeMap<String, String> = [
            source_tags("rides.2011", "sha256:a", 7),
            part_tags("train", "sha256:b", 5),
        ]
        .into_iter()
        .flatten()
        .collect();
        tags.insert(fingerprint_tag(StageName::Train), "sha256:c".to_owned());
        tags.insert("everloop.git.dirty".to_owned(), "true".to_owned());
        let origin = Origin::read(&tags);
        let source = &origin.sources[0];
        assert_eq!(
            (source.name.as_str(), source.digest.as_str(), source.n_rows),
            ("rides.2011", "sha256:a", Some(7))
        );
        assert_eq!(origin.parts.len(), 1);
        assert_eq!(origin.fingerprints[&StageName::Train], "sha256:c");
        assert_eq!((origin.package, origin.is_dirty), (None, Some(true)));
    }

    #[test]
    fn a_run_of_a_client_tells_nothing() {
        let tags = [("everloop.data.".to_owned(), "x".to_owned())].into();
        assert_eq!(Origin::read(&tags), Origin::default());
    }
}
