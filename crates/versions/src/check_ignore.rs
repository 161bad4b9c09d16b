//! Whether `.dvcignore` leaves paths out, and which line does (`dvc check-ignore`).

use std::fs;

use crate::ignore::FILE;
use crate::pattern::Patterns;
use crate::repository::Repository;
use crate::whole::read_whole;
use crate::{Error, RepoPath};

/// A line of a `.dvcignore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreRule {
    /// The file.
    pub file: RepoPath,
    /// The number of the line, from one.
    pub line: usize,
    /// What it says.
    pub pattern: String,
    /// Whether what it matches is left out, and not kept in.
    pub is_ignoring: bool,
}

impl Repository {
    /// The line that decides about a path, if one does: of the path itself, or of a directory above it that is left out.
    ///
    /// # Errors
    ///
    /// Fails if a `.dvcignore` cannot be read.
    pub fn ignore_rule(&self, path: &RepoPath) -> Result<Option<IgnoreRule>, Error> {
        let ends = path.as_str().match_indices('/').map(|(index, _)| index);
        for end in ends {
            let above = RepoPath::default().join(&path.as_str()[..end])?;
            let rule = self.rule_of(&above, true)?;
            if rule.as_ref().is_some_and(|rule| rule.is_ignoring) {
                return Ok(rule);
            }
        }
        let place = path.under(self.root());
        let is_dir = fs::metadata(place).is_ok_and(|metadata| metadata.is_dir());
        self.rule_of(path, is_dir)
    }

    fn rule_of(&self, path: &RepoPath, is_dir: bool) -> Result<Option<IgnoreRule>, Error> {
        let mut dir = path.clone();
        while !dir.as_str().is_empty() {
            dir = dir.parent();
            let file = dir.join(FILE)?;
            let place = file.under(self.root());
            let text = match read_whole(&place) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::file("read", &place, error)),
            };
            let below = path.as_str().strip_prefix(dir.as_str());
            let below = below.unwrap_or_default().trim_start_matches('/');
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<&str> = text.lines().collect();
            for (index, line) in lines.iter().enumerate().rev() {
                if let Some(is_ignoring) = Patterns::parse(line).of(below, is_dir) {
                    return Ok(Some(IgnoreRule {
                        file,
                        line: index + 1,
                        pattern: (*line).to_owned(),
                        is_ignoring,
                    }));
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Machine;

    #[test]
    fn the_last_line_of_the_nearest_file_decides() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init(dir.path(), &Machine::default()).unwrap();
        fs::create_dir_all(dir.path().join("a/logs")).unwrap();
        fs::write(dir.path().join(FILE), "# x\n*.tmp\nlogs/\n").unwrap();
        fs::write(dir.path().join("a").join(FILE), "!keep.tmp\n").unwrap();
        let check = |path: &str, expected: Option<(&str, usize, bool)>| {
            let path = RepoPath::default().join(path).unwrap();
            let rule = repository.ignore_rule(&path).unwrap();
            let told = rule
                .as_ref()
                .map(|rule| (rule.file.as_str(), rule.line, rule.is_ignoring));
            assert_eq!(told, expected, "{path}");
        };
        check("x.tmp", Some((".dvcignore", 2, true)));
        check("a/x.tmp", Some((".dvcignore", 2, true)));
        check("a/keep.tmp", Some(("a/.dvcignore", 1, false)));
        check("keep.tmp", Some((".dvcignore", 2, true)));
        check("a/logs", Some((".dvcignore", 3, true)));
        check("a/logs/keep.tmp", Some((".dvcignore", 3, true)));
        check("a/other", None);
    }
}
