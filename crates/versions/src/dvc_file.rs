//! `.dvc` files: which data stands beside them, by digest.
//!
//! A new file has DVC's order of keys. A file that is there is changed line by line, so that comments, order and what
//! Everloop does not know stay; what came out is read again before it is believed.

use std::fmt::Write as _;

use everloop_lifecycle::dvc;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::listing::{Listing, check_path};
use crate::md5::{Hashing, ObjectId};
use crate::{Error, yaml};

/// More than any person or tool writes; longer ones are no `.dvc` files.
const MAX_BYTES: usize = 16 << 20;

/// A `.dvc` file as it was read.
#[derive(Clone, Debug)]
pub struct DvcFile {
    text: String,
    /// What it tracks.
    pub outs: Vec<Out>,
    /// Where its paths start, relative to its own directory.
    pub wdir: Option<String>,
    /// Whether the data comes from elsewhere (`dvc import`): only its source may change it.
    pub is_import: bool,
    /// Whether it comes from another repository (`dvc import`), and not just from another place.
    pub is_of_repository: bool,
    /// Whether it is a stage, as DVC 1 wrote them: it has a command.
    pub is_stage: bool,
}

/// A tracked file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Out {
    /// As it is written in the file.
    pub path: String,
    /// What was recorded; `None` before the first commit.
    pub recorded: Option<Recorded>,
    /// Whether the data lies in the cache; otherwise git has it.
    pub is_cached: bool,
    /// Whether the data may go to remotes.
    pub can_push: bool,
    /// The remote that it belongs to, if not the default.
    pub remote: Option<String>,
}

/// A recorded state of a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The object.
    pub object: ObjectId,
    /// Bytes, of a directory of all files.
    pub size: Option<u64>,
    /// How many files are in the directory; `None` for a file.
    pub n_files: Option<u64>,
    /// Whether the file may be executed; not recorded inside directories.
    pub is_executable: bool,
}

impl Recorded {
    /// What a `dvc.lock` says, in the form of the cache; none where it names no object.
    ///
    /// # Errors
    ///
    /// Says what is wrong with a digest that is no MD5.
    pub fn of_lock(record: &dvc::Recorded) -> Result<Option<Self>, String> {
        let Some(md5) = &record.md5 else {
            return Ok(None);
        };
        let mut object: ObjectId = md5.parse()?;
        if record.is_legacy {
            object = object.of_dvc_2();
        }
        Ok(Some(Self {
            object,
            size: record.size_bytes,
            n_files: record.n_files,
            is_executable: record.is_executable,
        }))
    }

    /// What `dvc.lock` says of data that is in this state.
    #[must_use]
    pub fn to_lock(&self, path: &str) -> dvc::Recorded {
        dvc::Recorded {
            path: path.to_owned(),
            md5: Some(self.object.to_string()),
            is_legacy: self.object.is_of_dvc_2(),
            size_bytes: self.size,
            n_files: self.n_files,
            is_executable: self.is_executable,
            others: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
struct RawFile {
    outs: Option<Vec<RawOut>>,
    deps: Option<Vec<RawDep>>,
    wdir: Option<String>,
    cmd: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RawDep {
    repo: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RawOut {
    path: String,
    md5: Option<String>,
    files: Option<Vec<RawEntry>>,
    hash: Option<String>,
    size: Option<u64>,
    nfiles: Option<u64>,
    isexec: Option<bool>,
    cache: Option<bool>,
    push: Option<bool>,
    remote: Option<String>,
}

/// A file of a directory that a cloud keeps by its own versions.
#[derive(Deserialize)]
struct RawEntry {
    relpath: String,
    md5: Option<String>,
    size: Option<u64>,
}

impl DvcFile {
    /// Reads a file. `name` is named in errors.
    ///
    /// # Errors
    ///
    /// Fails if it is no `.dvc` file, or of a kind that is not supported.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, Error> {
        if bytes.len() > MAX_BYTES {
            return Err(Error::form(name, "it is too long for a `.dvc` file"));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Error::form(name, format!("it is no UTF-8: {error}")))?;
        let raw: RawFile = serde_saphyr::from_str(text)
            .map_err(|error| Error::form(name, format!("it is no `.dvc` file: {error}")))?;
        let outs = raw.outs.unwrap_or_default().into_iter();
        let outs: Result<Vec<Out>, String> = outs.map(RawOut::check).collect();
        Ok(Self {
            text: text.to_owned(),
            outs: outs.map_err(|problem| Error::form(name, problem))?,
            wdir: raw.wdir,
            is_stage: raw.cmd.is_some(),
            is_import: raw.deps.as_ref().is_some_and(|deps| !deps.is_empty()),
            is_of_repository: raw
                .deps
                .is_some_and(|deps| deps.iter().any(|dep| dep.repo.is_some())),
        })
    }

    /// As it was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a new file that tracks `path`.
    #[must_use]
    pub fn new_text(path: &str, recorded: &Recorded) -> String {
        let mut text = "outs:\n".to_owned();
        let values = keys(recorded);
        let values = values.iter().filter_map(|(key, value)| {
            let value = value.as_ref()?;
            Some(format!("{key}:{value}"))
        });
        let path = format!("path:{}", yaml::string(path, 7, 4));
        for (index, line) in values.chain([path]).enumerate() {
            let start = if index == 0 { "- " } else { "  " };
            let _ = writeln!(text, "{start}{line}");
        }
        text
    }

    /// The text with another state of one of its outs; a record of DVC 2 becomes one of DVC 3.
    ///
    /// # Errors
    ///
    /// Fails if the file is written in a way that cannot be changed line by line. `name` is named.
    pub fn with(&self, index: usize, recorded: &Recorded, name: &str) -> Result<String, Error> {
        let refused = || {
            Error::form(
                name,
                "its layout cannot be changed in place; write its `outs` one key a line",
            )
        };
        let text = edit(&self.text, index, recorded).ok_or_else(refused)?;
        let set = |out: &mut Out| out.recorded = Some(*recorded);
        self.checked(text, index, set, name).ok_or_else(refused)
    }

    /// The text with another path of one of its outs.
    ///
    /// # Errors
    ///
    /// Fails if the file is written in a way that cannot be changed line by line. `name` is named.
    pub fn with_path(&self, index: usize, path: &str, name: &str) -> Result<String, Error> {
        let set = |out: &mut Out| path.clone_into(&mut out.path);
        let text = rename(&self.text, index, path);
        let text = text.and_then(|text| self.checked(text, index, set, name));
        text.ok_or_else(|| {
            Error::form(
                name,
                "its layout cannot be changed in place; write its `outs` one key a line",
            )
        })
    }

    /// The text, if it reads as this file with one out changed.
    fn checked(
        &self,
        text: String,
        index: usize,
        set: impl FnOnce(&mut Out),
        name: &str,
    ) -> Option<String> {
        let read = Self::parse(text.as_bytes(), name).ok()?;
        let mut expected = self.outs.clone();
        set(expected.get_mut(index)?);
        (read.outs == expected).then_some(text)
    }
}

impl RawOut {
    fn check(self) -> Result<Out, String> {
        let recorded = match (&self.md5, self.hash.as_deref()) {
            (None, Some("md5")) if self.files.is_some() => {
                of_entries(self.files.unwrap_or_default())?
            }
            (None, _) => None,
            (Some(md5), None | Some("md5")) => {
                let object: ObjectId = md5.parse()?;
                let hashing = match self.hash {
                    Some(_) => Hashing::Plain,
                    None => Hashing::Dos2Unix,
                };
                Some(Recorded {
                    object: ObjectId { hashing, ..object },
                    size: self.size,
                    n_files: self.nfiles,
                    is_executable: self.isexec.unwrap_or(false),
                })
            }
            (Some(_), Some(other)) => {
                return Err(format!("`{}` has the unknown hash `{other}`", self.path));
            }
        };
        Ok(Out {
            path: self.path,
            recorded,
            is_cached: self.cache.unwrap_or(true),
            can_push: self.push.unwrap_or(true),
            remote: self.remote,
        })
    }
}

/// The directory of such files; nothing where only the cloud knows their content.
fn of_entries(entries: Vec<RawEntry>) -> Result<Option<Recorded>, String> {
    let (mut files, mut size) = (Vec::new(), 0_u64);
    for entry in entries {
        let Some(md5) = entry.md5 else {
            return Ok(None);
        };
        check_path(&entry.relpath).map_err(|problem| format!("`{}`: {problem}", entry.relpath))?;
        files.push((entry.relpath, md5.parse()?));
        size = size.saturating_add(entry.size.unwrap_or_default());
    }
    let n_files = files.len() as u64;
    Ok(Some(Recorded {
        object: Listing::new(files).object().0,
        size: Some(size),
        n_files: Some(n_files),
        is_executable: false,
    }))
}

/// What is written of a state, in DVC's order; a key without a value is not there.
fn keys(recorded: &Recorded) -> [(&'static str, Option<String>); 5] {
    let number = |number: u64| format!(" {number}");
    [
        (
            "md5",
            Some(yaml::string(&recorded.object.to_string(), 5, 4)),
        ),
        ("size", recorded.size.map(number)),
        ("nfiles", recorded.n_files.map(number)),
        ("isexec", recorded.is_executable.then(|| " true".to_owned())),
        ("hash", Some(" md5".to_owned())),
    ]
}

/// Changes the lines of the out at `index`; `None` if they are not found where they should be.
fn edit(text: &str, index: usize, recorded: &Recorded) -> Option<String> {
    // DVC writes the line ends of Unix, whatever there was.
    let mut lines: Vec<String> = text
        .replace("\r\n", "\n")
        .split('\n')
        .map(str::to_owned)
        .collect();
    let (start, mut end, indent) = entry(&lines, index)?;
    for (key, value) in keys(recorded) {
        let found = (start..end).find(|&line| key_of(&lines[line], indent) == Some(key));
        match (found, value) {
            (Some(line), Some(value)) => replace(&mut lines[line], indent, key, &value),
            (None, Some(value)) => {
                lines.insert(end, format!("{:indent$}{key}:{value}", ""));
                end += 1;
            }
            (Some(line), None) => {
                lines.remove(line);
                end -= 1;
                if line == start {
                    // The dash moves to the next key.
                    lines
                        .get_mut(start)?
                        .replace_range(indent - 2..indent, "- ");
                }
            }
            (None, None) => {}
        }
    }
    for key in ["files", "cloud"] {
        remove_block(&mut lines, (start, &mut end), indent, key);
    }
    Some(lines.join("\n"))
}

/// Changes the path of the out at `index`.
fn rename(text: &str, index: usize, path: &str) -> Option<String> {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let (start, end, indent) = entry(&lines, index)?;
    let is_path = |line: &usize| key_of(&lines[*line], indent) == Some("path");
    let line = (start..end).find(is_path)?;
    replace(&mut lines[line], indent, "path", &yaml::string(path, 7, 4));
    Some(lines.join("\n"))
}

/// Removes a key with all that stands below it: what a cloud knew of the state before.
fn remove_block(
    lines: &mut Vec<String>,
    (start, end): (usize, &mut usize),
    indent: usize,
    key: &str,
) {
    let of = |line: usize| key_of(&lines[line], indent).filter(|key| !key.starts_with("- "));
    let Some(first) = (start + 1..*end).find(|&line| of(line) == Some(key)) else {
        return;
    };
    let next = (first + 1..*end).find(|&line| of(line).is_some());
    let next = next.unwrap_or(*end);
    lines.drain(first..next);
    *end -= next - first;
}

/// The lines of an entry of `outs`, without blank lines and comments after it, and the column of its keys.
fn entry(lines: &[String], index: usize) -> Option<(usize, usize, usize)> {
    let outs = lines
        .iter()
        .position(|line| line.trim_end() == "outs:" || line.starts_with("outs: #"))?;
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let first = (outs + 1..lines.len()).find(|&line| !is_blank(&lines[line]))?;
    let dash = lines[first].find("- ")?;
    if !lines[first][..dash].trim().is_empty() {
        return None;
    }
    let is_inside = |line: &str| {
        let margin = line.len() - line.trim_start().len();
        is_blank(line) || margin > dash || line[margin..].starts_with("- ") && margin == dash
    };
    let last = (first..lines.len())
        .find(|&line| !is_inside(&lines[line]))
        .unwrap_or(lines.len());
    let starts: Vec<usize> = (first..last)
        .filter(|&line| {
            lines[line]
                .get(dash..)
                .is_some_and(|rest| rest.starts_with("- "))
        })
        .filter(|&line| lines[line][..dash].trim().is_empty())
        .collect();
    let start = *starts.get(index)?;
    let mut end = starts.get(index + 1).copied().unwrap_or(last);
    while end > start + 1 && is_blank(&lines[end - 1]) {
        end -= 1;
    }
    Some((start, end, dash + 2))
}

/// The key of a line, if it has one at the column.
fn key_of(line: &str, indent: usize) -> Option<&str> {
    let (margin, rest) = (line.get(..indent)?, line.get(indent..)?);
    let is_margin = margin.trim().is_empty() || margin.trim() == "-";
    let (key, _) = rest.split_once(':')?;
    (is_margin && !key.starts_with(' ')).then_some(key)
}

/// Puts another value behind a key; a comment behind it stays.
fn replace(line: &mut String, indent: usize, key: &str, value: &str) {
    let comment = line.find(" #").map_or("", |at| &line[at..]).to_owned();
    line.truncate(indent + key.len() + 1);
    line.push_str(value);
    line.push_str(&comment);
}

#[cfg(test)]
mod tests;
