//! Where imported data comes from, and the `.dvc` files that say so: another repository (`dvc import`) or a place
//! (`dvc import-url`).
//!
//! Such a file has a digest of itself at its top, of what DVC would read from it: keys sorted, sizes left out.
//!
//! What is recorded of a place differs by its kind: files of this machine and of those that are reached by SSH by their
//! digests, those of buckets by `etag`, those of web servers by `checksum`. A directory in a bucket has the digest of a listing of
//! its tags, so that its state is not told from that of a local one; the address tells them apart.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::dvc_file::Recorded;
use crate::listing::json_string;
use crate::md5::{Md5, ObjectId};
use crate::yaml;

/// Where imported data comes from, as its `.dvc` file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// Another repository.
    Repository {
        /// Its place: a directory or a URL.
        url: String,
        /// The data in it.
        path: String,
        /// The revision that was asked for, if one was.
        rev: Option<String>,
        /// The commit that the data is of.
        rev_lock: Option<String>,
    },
    /// A file or directory, or a URL.
    Place {
        /// The place: as seen from the data, or a URL.
        path: String,
        /// The state of the data there.
        state: Option<PlaceState>,
    },
}

/// What is recorded of data in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceState {
    /// Its digest. In a bucket it is that of the tags of a directory.
    Content(Recorded),
    /// By what the server tells it from other versions.
    Tag {
        /// What the server calls it.
        kind: TagKind,
        /// The tag.
        tag: String,
        /// Bytes.
        size: Option<u64>,
    },
}

/// What a server tells versions of a file by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// A bucket's.
    Etag,
    /// A web server's.
    Checksum,
}

impl TagKind {
    fn key(self) -> &'static str {
        match self {
            Self::Etag => "etag",
            Self::Checksum => "checksum",
        }
    }
}

impl PlaceState {
    /// The digest or the tag.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Content(recorded) => recorded.object.to_string(),
            Self::Tag { tag, .. } => tag.clone(),
        }
    }

    /// Whether the data of both is the same.
    pub(crate) fn is_same(&self, other: Option<&Self>) -> bool {
        match (self, other) {
            (Self::Content(now), Some(Self::Content(other))) => now.object == other.object,
            (Self::Tag { tag, .. }, Some(Self::Tag { tag: other, .. })) => tag == other,
            _ => false,
        }
    }
}

#[derive(Deserialize)]
struct RawFile {
    deps: Option<Vec<RawDep>>,
}

#[derive(Deserialize)]
struct RawDep {
    path: Option<String>,
    md5: Option<String>,
    etag: Option<String>,
    checksum: Option<String>,
    size: Option<u64>,
    nfiles: Option<u64>,
    isexec: Option<bool>,
    repo: Option<RawRepository>,
}

#[derive(Deserialize)]
struct RawRepository {
    url: String,
    rev: Option<String>,
    rev_lock: Option<String>,
}

impl Import {
    /// The source that the text of a `.dvc` file names; none if it is no import of these kinds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let file: RawFile = serde_saphyr::from_str(text).ok()?;
        let [dep] = <[RawDep; 1]>::try_from(file.deps?).ok()?;
        let path = dep.path?;
        if let Some(RawRepository { url, rev, rev_lock }) = dep.repo {
            return Some(Self::Repository {
                url,
                path,
                rev,
                rev_lock,
            });
        }
        let object: Option<ObjectId> = dep.md5.and_then(|md5| md5.parse().ok());
        let content = object.map(|object| {
            PlaceState::Content(Recorded {
                object,
                size: dep.size,
                n_files: dep.nfiles,
                is_executable: dep.isexec.unwrap_or(false),
            })
        });
        let tags = [(TagKind::Etag, dep.etag), (TagKind::Checksum, dep.checksum)];
        let tagged = tags.into_iter().find_map(|(kind, tag)| {
            Some(PlaceState::Tag {
                kind,
                tag: tag?,
                size: dep.size,
            })
        });
        Some(Self::Place {
            path,
            state: content.or(tagged),
        })
    }

    /// The text of the `.dvc` file of data that comes from here; without a state it has not been downloaded.
    #[must_use]
    pub fn text(&self, out: &str, recorded: Option<&Recorded>) -> String {
        self.text_under(self.md5(out, recorded), out, recorded)
    }

    /// The text under a digest that was made of another state.
    pub(crate) fn text_under(&self, md5: Md5, out: &str, recorded: Option<&Recorded>) -> String {
        let mut text = format!("md5: {md5}\nfrozen: true\ndeps:\n");
        let path = |path: &str| format!("path:{}", yaml::string(path, 7, 4));
        match self {
            Self::Repository {
                url,
                path: data,
                rev,
                rev_lock,
            } => {
                let _ = write!(text, "- {}\n  repo:\n", path(data));
                let keys = [
                    ("url", Some(url)),
                    ("rev", rev.as_ref()),
                    ("rev_lock", rev_lock.as_ref()),
                ];
                for (key, value) in keys {
                    if let Some(value) = value {
                        let value = yaml::string(value, key.len() + 5, 6);
                        let _ = writeln!(text, "    {key}:{value}");
                    }
                }
            }
            Self::Place { path: place, state } => match state {
                Some(PlaceState::Tag { kind, tag, size }) => {
                    let key = kind.key();
                    let tag = yaml::string(tag, key.len() + 3, 4);
                    let _ = writeln!(text, "- {key}:{tag}");
                    if let Some(size) = size {
                        let _ = writeln!(text, "  size: {size}");
                    }
                    let _ = writeln!(text, "  hash: md5\n  {}", path(place));
                }
                Some(PlaceState::Content(recorded)) => {
                    entry(&mut text, Some(recorded), true, &path(place));
                }
                None => entry(&mut text, None, true, &path(place)),
            },
        }
        text.push_str("outs:\n");
        entry(&mut text, recorded, false, &path(out));
        text
    }

    /// The digest that DVC compares to see whether the file was changed by hand.
    pub(crate) fn md5(&self, out: &str, recorded: Option<&Recorded>) -> Md5 {
        let mut dep = Vec::new();
        match self {
            Self::Repository {
                url,
                path,
                rev,
                rev_lock,
            } => {
                let keys = [
                    ("rev", rev.as_ref()),
                    ("rev_lock", rev_lock.as_ref()),
                    ("url", Some(url)),
                ];
                let keys = keys
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, json(value?))));
                dep.push(("path", json(path)));
                dep.push(("repo", object(keys)));
            }
            Self::Place { path, state } => match state {
                Some(PlaceState::Content(recorded)) => dep = keys_of(Some(recorded), path),
                Some(PlaceState::Tag { kind, tag, .. }) => {
                    dep = keys_of(None, path);
                    dep.insert(0, (kind.key(), json(tag)));
                }
                None => dep = keys_of(None, path),
            },
        }
        let out = object(keys_of(recorded, out).into_iter());
        let deps = object(dep.into_iter());
        Md5::of(format!("{{\"deps\": [{deps}], \"outs\": [{out}]}}").as_bytes())
    }
}

fn keys_of(recorded: Option<&Recorded>, path: &str) -> Vec<(&'static str, String)> {
    let mut keys = vec![("hash", json("md5"))];
    keys.extend(recorded.map(|recorded| ("md5", json(&recorded.object.to_string()))));
    keys.push(("path", json(path)));
    keys
}

fn json(text: &str) -> String {
    let mut quoted = String::new();
    json_string(text, &mut quoted);
    quoted
}

fn object<'a>(keys: impl Iterator<Item = (&'a str, String)>) -> String {
    let keys: Vec<String> = keys
        .map(|(key, value)| format!("\"{key}\": {value}"))
        .collect();
    format!("{{{}}}", keys.join(", "))
}

/// An entry of a list in DVC's order of keys. An imported file is never recorded as executable, its source is.
fn entry(text: &mut String, recorded: Option<&Recorded>, has_mode: bool, path: &str) {
    let mut lines = Vec::new();
    if let Some(recorded) = recorded {
        let md5 = yaml::string(&recorded.object.to_string(), 5, 4);
        lines.push(format!("md5:{md5}"));
        lines.extend(recorded.size.map(|size| format!("size: {size}")));
        lines.extend(recorded.n_files.map(|n_files| format!("nfiles: {n_files}")));
        if has_mode && recorded.is_executable {
            lines.push("isexec: true".to_owned());
        }
    }
    lines.push("hash: md5".to_owned());
    lines.push(path.to_owned());
    for (index, line) in lines.iter().enumerate() {
        let start = if index == 0 { "- " } else { "  " };
        let _ = writeln!(text, "{start}{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dvc_file::DvcFile;

    /// What DVC 3.67.1 wrote: `tests/gen/imports.sh`.
    const FILES: &str = include_str!("../tests/golden/imports.txt");

    #[test]
    fn files_are_those_of_dvc() {
        let mut n_files = 0;
        for text in FILES.split("--- ").skip(1) {
            let (name, text) = text.split_once('\n').unwrap();
            let file = DvcFile::parse(text.as_bytes(), name).unwrap();
            let import = Import::parse(text).unwrap();
            let out = &file.outs[0];
            assert_eq!(
                import.text(&out.path, out.recorded.as_ref()),
                text,
                "{name}"
            );
            let is_of_repository = matches!(import, Import::Repository { .. });
            assert_eq!(file.is_of_repository, is_of_repository, "{name}");
            n_files += 1;
        }
        assert_eq!(n_files, 10);
    }

    /// What DVC 3.67.1 wrote of files on web servers and in buckets.
    #[test]
    fn tags_of_servers_are_kept_as_dvc_writes_them() {
        let dep = |tag: &str, size: u64, path: &str| {
            format!("deps:\n- {tag}\n  size: {size}\n  hash: md5\n  path: {path}\n")
        };
        let out = "outs:\n- md5: b1946ac92492d2347c6235b4d2611184\n  size: 6\n  hash: md5\n";
        let s3 = dep(
            "etag: b1946ac92492d2347c6235b4d2611184",
            6,
            "remote://main/a.txt",
        );
        let s3_dir = dep(
            "md5: 0926468f2f056a6acb760aefb4c9a6e2.dir",
            5,
            "remote://main/dir",
        );
        let s3_dir = s3_dir.replace("  hash", "  nfiles: 2\n  hash");
        let later = "outs:\n- hash: md5\n  path: dir2\n".to_owned();
        for (md5, dep, outs) in [
            (
                "a82f17818811364248d37497eaa3c965",
                s3,
                format!("{out}  path: a.txt\n"),
            ),
            ("3791f6b708fcaec5aa2ee4f21d05bd60", s3_dir, later),
        ] {
            let text = format!("md5: {md5}\nfrozen: true\n{dep}{outs}");
            let file = DvcFile::parse(text.as_bytes(), "x.dvc").unwrap();
            let import = Import::parse(&text).unwrap();
            let recorded = file.outs[0].recorded.as_ref();
            assert_eq!(import.text(&file.outs[0].path, recorded), text);
        }
    }

    #[test]
    fn what_was_added_is_no_import() {
        assert_eq!(Import::parse("outs:\n- path: x\n"), None);
        assert_eq!(
            Import::parse("deps: [{path: a}, {path: b}]\nouts: []\n"),
            None
        );
        assert_eq!(Import::parse("[1"), None);
    }
}
