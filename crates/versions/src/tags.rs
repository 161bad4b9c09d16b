//! Names for versions of one piece of data: tags of git in the form of DVC's registry (GTO), such as `people@v1.2.0`.
//!
//! ```text
//! people@v1.2.0           a version of `people`; in a directory: `dir=people@v1.2.0`, named `dir:people@v1.2.0`
//! people@v1.2.0!          the version is withdrawn
//! ```
//!
//! The message of a tag says which data it means, as a line `Path: data/people.csv`. Tags that GTO made have none: then
//! the section `artifacts` of `dvc.yaml` knows the data.

use std::sync::LazyLock;

use regex::Regex;

use crate::git::git;
use crate::md5::ObjectId;
use crate::repository::Repository;
use crate::revision::Revision;
use crate::snapshot::{Versioned, artifact_path};
use crate::{Error, RepoPath};

/// What GTO takes for the name and version of an artifact, and all that it may put behind.
static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^((?:[a-zA-Z0-9\-_./]+=)?[a-zA-Z0-9](?:[a-zA-Z0-9\-/_]*[a-zA-Z0-9])?)",
        r"@v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.\-]+)?(\+[0-9A-Za-z.\-]+)?$"
    ))
    .ok()
});

/// A name for a version of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataTag {
    /// The tag as git has it; it can stand for a revision.
    pub tag: String,
    /// The commit.
    pub commit: String,
    /// When it was made, in ISO 8601.
    pub date: String,
    /// The data that it means, if that is known.
    pub path: Option<RepoPath>,
    /// The digest of the data, if it is known.
    pub object: Option<ObjectId>,
}

/// A name and its version.
struct Parsed<'a> {
    name: &'a str,
    /// Major, minor, patch.
    numbers: [u64; 3],
    is_release: bool,
}

impl Repository {
    /// Names the version of data that a revision has. `named` is `people@v1.2.0`; without a version, the patch after the
    /// greatest one is taken. Without a path, the section `artifacts` of `dvc.yaml` tells what the name means.
    ///
    /// # Errors
    ///
    /// Fails if the name has not this form, exists, or if the revision has no such data.
    pub fn tag(
        &self,
        named: &str,
        path: Option<&RepoPath>,
        revision: &str,
    ) -> Result<DataTag, Error> {
        let tag = self.complete(&named.replace(':', "="))?;
        let name = parse(&tag).ok_or_else(|| refused(named))?.name.to_owned();
        let revision = self.revision(revision)?;
        let data = self.snapshot(&revision)?;
        let path = match path {
            Some(path) => path.clone(),
            None => artifact_path(&revision, &name)?.ok_or_else(|| Error::NotFound {
                what: format!(
                    "no `artifacts` of a `dvc.yaml` say what `{name}` is; name the data: `everloop data tag {named} PATH`"
                ),
            })?,
        };
        let is_data = |one: &&Versioned| one.path == path || path.is_in(&one.path);
        let one = data.iter().find(is_data).ok_or_else(|| Error::NotFound {
            what: format!("the commit {} tracks no data at `{path}`", revision.id()),
        })?;
        let version = tag.rsplit('@').next().unwrap_or_default();
        let artifact = name.replace('=', ":");
        let message =
            format!("Registering artifact {artifact} version {version}\n\nPath: {path}\n");
        let arguments = [
            "tag",
            "--annotate",
            "--message",
            &message,
            "--",
            &tag,
            revision.id(),
        ];
        let output = git(self.root(), &arguments)
            .stderr(std::process::Stdio::piped())
            .output();
        let output = output.map_err(|error| Error::file("run git in", self.root(), error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::Conflict {
                what: format!("git does not make the tag `{tag}`: {}", said.trim()),
            });
        }
        let object = one
            .recorded
            .filter(|_| one.path == path)
            .map(|recorded| recorded.object);
        Ok(DataTag {
            commit: revision.id().to_owned(),
            date: String::new(),
            path: Some(path),
            object,
            tag,
        })
    }

    /// The names of versions of data, in the order of their names and versions. Those that GTO withdrew are left out.
    ///
    /// # Errors
    ///
    /// Fails if git cannot list its tags.
    pub fn tags(&self) -> Result<Vec<DataTag>, Error> {
        let format = "--format=%(refname:strip=2)%00%(*objectname)%00%(objectname)%00%(creatordate:iso-strict)%00%(contents)%00";
        let arguments = ["for-each-ref", format, "refs/tags"];
        let output = git(self.root(), &arguments).output();
        let output = output.map_err(|error| Error::file("run git in", self.root(), error))?;
        if !output.status.success() {
            return Err(Error::NotFound {
                what: format!("git cannot list the tags of `{}`", self.root().display()),
            });
        }
        let told = String::from_utf8_lossy(&output.stdout);
        let words: Vec<&str> = told.split('\0').collect();
        let all: Vec<[&str; 5]> = words
            .chunks_exact(5)
            .map(|words| {
                [
                    words[0].trim_start(),
                    words[1],
                    words[2],
                    words[3],
                    words[4],
                ]
            })
            .collect();
        let is_withdrawn = |tag: &str| {
            let mark = format!("{tag}!");
            all.iter().any(|[name, ..]| {
                *name == mark
                    || name
                        .strip_prefix(&mark)
                        .is_some_and(|rest| rest.starts_with('#'))
            })
        };
        let mut tags = Vec::new();
        for [tag, of_annotated, of_light, date, message] in &all {
            if parse(tag).is_none() || is_withdrawn(tag) {
                continue;
            }
            let commit = if of_annotated.is_empty() {
                of_light
            } else {
                of_annotated
            };
            tags.push(self.described(tag, commit, date, message));
        }
        tags.sort_by_key(|tag| order(&tag.tag));
        Ok(tags)
    }

    /// A tag with what it means, as far as its commit can be read.
    fn described(&self, tag: &str, commit: &str, date: &str, message: &str) -> DataTag {
        let revision = self.revision(commit).ok();
        let named = message.lines().find_map(|line| line.strip_prefix("Path: "));
        let path = match named {
            Some(path) => RepoPath::default().join(path).ok(),
            None => revision
                .as_ref()
                .and_then(|revision| artifact_path(revision, parse(tag)?.name).ok().flatten()),
        };
        DataTag {
            tag: tag.to_owned(),
            commit: commit.to_owned(),
            date: date.to_owned(),
            object: path
                .as_ref()
                .and_then(|path| self.object_at(revision.as_ref()?, path)),
            path,
        }
    }

    fn object_at(&self, revision: &Revision, path: &RepoPath) -> Option<ObjectId> {
        let data = self.snapshot(revision).ok()?;
        let one = data.into_iter().find(|one| one.path == *path)?;
        Some(one.recorded?.object)
    }

    /// Takes a name back. Tags of other forms are not touched.
    ///
    /// # Errors
    ///
    /// Fails if there is no such tag of a version of data.
    pub fn delete_tag(&self, named: &str) -> Result<(), Error> {
        let tag = named.replace(':', "=");
        parse(&tag).ok_or_else(|| refused(named))?;
        let status = git(self.root(), &["tag", "--delete", "--", &tag])
            .stdout(std::process::Stdio::null())
            .status();
        let status = status.map_err(|error| Error::file("run git in", self.root(), error))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::NotFound {
            what: format!(
                "there is no tag `{tag}`; `everloop data tag list` tells which there are"
            ),
        })
    }

    /// The tag with a version: one that has none gets the patch after the greatest.
    fn complete(&self, named: &str) -> Result<String, Error> {
        if named.contains('@') {
            return Ok(named.to_owned());
        }
        let tags = self.tags()?;
        let releases = tags.iter().filter_map(|one| parse(&one.tag));
        let releases = releases.filter(|parsed| parsed.name == named && parsed.is_release);
        let [major, minor, patch] = releases
            .map(|parsed| parsed.numbers)
            .max()
            .unwrap_or_default();
        Ok(format!(
            "{named}@v{major}.{minor}.{}",
            patch.saturating_add(1)
        ))
    }
}

fn parse(tag: &str) -> Option<Parsed<'_>> {
    let found = FORM.as_ref()?.captures(tag)?;
    let number = |index: usize| found.get(index)?.as_str().parse().ok();
    Some(Parsed {
        name: found.get(1)?.as_str(),
        numbers: [number(2)?, number(3)?, number(4)?],
        is_release: found.get(5).is_none(),
    })
}

fn order(tag: &str) -> (String, [u64; 3], bool, String) {
    let parsed = parse(tag);
    let name = parsed.as_ref().map_or(tag, |parsed| parsed.name);
    let numbers = parsed.as_ref().map_or([0; 3], |parsed| parsed.numbers);
    let is_release = parsed.as_ref().is_some_and(|parsed| parsed.is_release);
    (name.to_owned(), numbers, is_release, tag.to_owned())
}

fn refused(named: &str) -> Error {
    Error::Path {
        path: named.to_owned(),
        problem: "a name of a version is like `people@v1.2.0`: letters, digits, `-`, `_` and `/`, then `@v` and three numbers"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_gto() {
        for (tag, name) in [
            ("people@v1.2.0", Some("people")),
            ("a/b-c_d@v0.0.1", Some("a/b-c_d")),
            ("dir/x=people@v1.2.0-rc.1", Some("dir/x=people")),
            ("people@v1.2", None),
            ("people@v01.2.3", None),
            ("people@1.2.3", None),
            ("people#prod#1", None),
            ("-people@v1.2.3", None),
            ("people@v1.2.3!", None),
            ("p@v99999999999999999999.0.0", None),
        ] {
            assert_eq!(parse(tag).map(|parsed| parsed.name), name, "{tag}");
        }
    }

    #[test]
    fn versions_are_in_the_order_of_their_numbers() {
        let mut tags = ["b@v0.0.1", "a@v1.10.0", "a@v1.9.0", "a@v1.10.0-rc"];
        tags.sort_by_key(|tag| order(tag));
        assert_eq!(tags, ["a@v1.9.0", "a@v1.10.0-rc", "a@v1.10.0", "b@v0.0.1"]);
    }
}
