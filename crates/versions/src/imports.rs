//! Where imported data comes from, and the `.dvc` files that say so: another repository (`dvc import`) or a place
//! (`dvc import-url`).
//!
//! Such a file has a digest of itself at its top, of what DVC would read from it: keys sorted, sizes left out.

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
        recorded: Option<Recorded>,
    },
}

#[derive(Deserialize)]
struct RawFile {
    deps: Option<Vec<RawDep>>,
}

#[derive(Deserialize)]
struct RawDep {
    path: Option<String>,
    md5: Option<String>,
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
        let recorded = object.map(|object| Recorded {
            object,
            size: dep.size,
            n_files: dep.nfiles,
            is_executable: dep.isexec.unwrap_or(false),
        });
        Some(Self::Place { path, recorded })
    }

    /// The text of the `.dvc` file of data that comes from here; without a state it has not been downloaded.
    #[must_use]
    pub fn text(&self, out: &str, recorded: Option<&Recorded>) -> String {
        let mut text = format!("md5: {}\nfrozen: true\ndeps:\n", self.md5(out, recorded));
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
            Self::Place {
                path: place,
                recorded,
            } => {
                entry(&mut text, recorded.as_ref(), true, &path(place));
            }
        }
        text.push_str("outs:\n");
        entry(&mut text, recorded, false, &path(out));
        text
    }

    /// The digest that DVC compares to see whether the file was changed by hand.
    fn md5(&self, out: &str, recorded: Option<&Recorded>) -> Md5 {
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
            Self::Place { path, recorded } => {
                dep = keys_of(recorded.as_ref(), path);
            }
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
