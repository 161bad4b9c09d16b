//! DVC's configuration: INI files in layers, the later before the earlier.
//!
//! A file is changed line by line, so that what others wrote stays. Relative places are relative to the file they stand in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::whole::{read_whole, write_whole};

/// All layers as one.
#[derive(Clone, Debug, Default)]
pub struct Config {
    values: BTreeMap<(String, String), String>,
}

/// One file, to be changed.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    lines: Vec<String>,
}

impl Config {
    /// Reads files, of which later ones win; absent ones are empty.
    ///
    /// # Errors
    ///
    /// Fails if one cannot be read or understood.
    pub fn load(files: &[PathBuf]) -> Result<Self, Error> {
        let mut values = BTreeMap::new();
        for file in files {
            let file = ConfigFile::load(file)?;
            let dir = file.path.parent().unwrap_or(Path::new("/"));
            for (section, key, value) in file.values()? {
                let is_place = is_place(&key) || (section == "cache" && key == "dir");
                let value = if is_place {
                    resolve(dir, &value)
                } else {
                    value
                };
                values.insert((section, key), value);
            }
        }
        Ok(Self { values })
    }

    /// A value: `get("core", "remote")`.
    #[must_use]
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        let key = (section.to_owned(), key.to_owned());
        self.values.get(&key).map(String::as_str)
    }

    /// All values of a section.
    pub(crate) fn section(&self, section: &str) -> impl Iterator<Item = (&str, &str)> {
        let start = (section.to_owned(), String::new());
        let from = self.values.range(start..);
        let inside = from.take_while(move |((name, _), _)| name == section);
        inside.map(|((_, key), value)| (key.as_str(), value.as_str()))
    }

    /// The remotes with their places.
    #[must_use]
    pub fn remotes(&self) -> Vec<(&str, &str)> {
        let urls = self.values.iter().filter(|((_, key), _)| key == "url");
        urls.filter_map(|((section, _), url)| Some((remote_name(section)?, url.as_str())))
            .collect()
    }
}

/// The name in a section `remote "name"`.
fn remote_name(section: &str) -> Option<&str> {
    section.strip_prefix("remote \"")?.strip_suffix('"')
}

/// The section of a remote.
pub(crate) fn remote_section(name: &str) -> String {
    format!("remote \"{name}\"")
}

/// Whether the values of a remote's key are paths that are relative to the file they stand in.
pub(crate) fn is_place(key: &str) -> bool {
    ["url", "credentialpath", "keyfile"].contains(&key)
}

/// Whether a place is a URL, and no path.
pub(crate) fn is_url(place: &str) -> bool {
    let scheme = place.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

fn resolve(dir: &Path, place: &str) -> String {
    if is_url(place) || place.starts_with('/') || place.starts_with('~') {
        return place.to_owned();
    }
    let joined = std::path::absolute(dir.join(place)).unwrap_or_else(|_| dir.join(place));
    lexical(&joined).display().to_string()
}

/// A path without `.` and `..`, by its words alone.
pub(crate) fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// `to` as seen from the directory `from`; both absolute.
pub(crate) fn relative(from: &Path, to: &Path) -> String {
    let (from, to) = (lexical(from), lexical(to));
    let n_common = from
        .components()
        .zip(to.components())
        .take_while(|(left, right)| left == right)
        .count();
    let up = from.components().skip(n_common).map(|_| "..".into());
    let down = to.components().skip(n_common);
    let names: Vec<_> = up
        .chain(down.map(|name| name.as_os_str().to_string_lossy()))
        .collect();
    if names.is_empty() {
        ".".to_owned()
    } else {
        names.join("/")
    }
}

impl ConfigFile {
    /// Reads a file; an absent one is empty.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = match read_whole(path) {
            Ok(bytes) => String::from_utf8(bytes)
                .map_err(|_| Error::form(path.display(), "it is no UTF-8"))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::file("read", path, error)),
        };
        Ok(Self {
            path: path.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
        })
    }

    /// Sets a value, in the section's place or in a new one.
    pub fn set(&mut self, section: &str, key: &str, value: &str) {
        let line = format!("    {key} = {}", quote(value));
        let Some((start, end)) = self.section(section) else {
            self.lines.push(header(section));
            self.lines.push(line);
            return;
        };
        match (start + 1..end).find(|&index| key_of(&self.lines[index]) == Some(key)) {
            Some(index) => self.lines[index] = line,
            None => self.lines.insert(end, line),
        }
    }

    /// Removes a value; whether it was there.
    pub fn unset(&mut self, section: &str, key: &str) -> bool {
        let Some((start, end)) = self.section(section) else {
            return false;
        };
        let found = (start + 1..end).find(|&index| key_of(&self.lines[index]) == Some(key));
        if let Some(index) = found {
            self.lines.remove(index);
            if (start, start + 2) == (start, end) {
                self.lines.remove(start);
            }
        }
        found.is_some()
    }

    /// Removes a section with all in it; whether it was there.
    pub fn remove_section(&mut self, section: &str) -> bool {
        let Some((start, end)) = self.section(section) else {
            return false;
        };
        self.lines.drain(start..end);
        true
    }

    /// Gives a section another name; whether it was there.
    pub fn rename_section(&mut self, section: &str, new: &str) -> bool {
        let found = self.section(section);
        if let Some((start, _)) = found {
            self.lines[start] = header(new);
        }
        found.is_some()
    }

    /// Whether it has the section.
    #[must_use]
    pub fn has_section(&self, section: &str) -> bool {
        self.section(section).is_some()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, section: &str, key: &str) -> Option<String> {
        let (start, end) = self.section(section)?;
        let mut lines = self.lines[start + 1..end].iter();
        let line = lines.find(|line| key_of(line) == Some(key))?;
        line.split_once('=').map(|(_, value)| unquote(value))
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn save(&self) -> Result<(), Error> {
        let mut text = self.lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        write_whole(&self.path, text.as_bytes())
    }

    /// All values: section, key, value.
    pub(crate) fn values(&self) -> Result<Vec<(String, String, String)>, Error> {
        let mut section = None;
        let mut values = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let words = line.trim();
            if words.is_empty() || words.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = section_of(line) {
                section = Some(name);
                continue;
            }
            let (Some(section), Some(key), Some((_, value))) =
                (&section, key_of(line), line.split_once('='))
            else {
                let problem = format!(
                    "line {} is neither `[section]` nor `key = value`",
                    index + 1
                );
                return Err(Error::form(self.path.display(), problem));
            };
            values.push((section.clone(), key.to_lowercase(), unquote(value)));
        }
        Ok(values)
    }

    /// The lines of a section: its header, and one past its last value.
    fn section(&self, name: &str) -> Option<(usize, usize)> {
        let is_start = |line: &String| section_of(line).as_deref() == Some(name);
        let start = self.lines.iter().position(is_start)?;
        let after = self.lines[start + 1..].iter();
        let mut end = after
            .clone()
            .position(|line| section_of(line).is_some())
            .map_or(self.lines.len(), |index| start + 1 + index);
        while end > start + 1 && self.lines[end - 1].trim().is_empty() {
            end -= 1;
        }
        Some((start, end))
    }
}

/// Names with quotes in them are quoted whole, as DVC does it.
fn header(section: &str) -> String {
    if section.contains('"') {
        format!("['{section}']")
    } else {
        format!("[{section}]")
    }
}

fn section_of(line: &str) -> Option<String> {
    let name = line.trim().strip_prefix('[')?;
    let name = name[..name.rfind(']')?].trim();
    let bare = name
        .strip_prefix('\'')
        .and_then(|name| name.strip_suffix('\''));
    let name = bare.unwrap_or(name);
    // Sections are in any case, names of remotes are not.
    Some(match name.split_once(' ') {
        Some((kind, rest)) => format!("{} {rest}", kind.to_lowercase()),
        None => name.to_lowercase(),
    })
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    (!key.is_empty() && !key.starts_with(['#', ';', '['])).then_some(key)
}

fn quote(value: &str) -> String {
    let is_plain = !value.is_empty()
        && value.trim() == value
        && !value.contains(['#', ',', '"', '\''])
        && !value.contains('\n');
    match (is_plain, value.contains('"')) {
        (true, _) => value.to_owned(),
        (false, true) => format!("'{value}'"),
        (false, false) => format!("\"{value}\""),
    }
}

fn unquote(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split(quote).next().unwrap_or(rest).to_owned();
        }
    }
    value
        .split_once(" #")
        .map_or(value, |(value, _)| value.trim_end())
        .to_owned()
}

#[cfg(test)]
mod tests;
