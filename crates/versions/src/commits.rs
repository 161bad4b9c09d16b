//! Which commits of git are kept when objects are removed, as `dvc gc` chooses them.

use std::collections::BTreeSet;
use std::path::Path;

use crate::git::git;
use crate::revision::Revision;
use crate::{Error, git};

/// What git's dates reach to.
const LAST_YEAR: u32 = 2099;

/// Commits whose data is kept besides that of the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Those at the ends of all local branches.
    pub all_branches: bool,
    /// Those that tags name.
    pub all_tags: bool,
    /// All of them.
    pub all_commits: bool,
    /// Those of this day (`2026-01-31`, as git reads it) and later.
    pub since: Option<String>,
    /// A single one.
    pub revision: Option<String>,
    /// How many are kept from `revision`, and from each branch, backwards; 1 if it is not said.
    pub n_commits: Option<usize>,
}

impl Keep {
    /// Whether nothing is kept but what the workspace names.
    #[must_use]
    pub fn is_workspace_only(&self) -> bool {
        let is_any = self.all_branches || self.all_tags || self.all_commits;
        !is_any && self.since.is_none() && self.revision.is_none()
    }
}

/// The hashes of the commits that are kept.
///
/// # Errors
///
/// Fails if git is not used, or does not know what is named.
pub(crate) fn commits(root: &Path, keep: &Keep) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    if keep.is_workspace_only() {
        return Ok(found);
    }
    if !git::is_used(root) {
        return Err(Error::NotFound {
            what: format!(
                "`{}` is not in git, so there are no commits to keep",
                root.display()
            ),
        });
    }
    let n_commits = keep.n_commits.unwrap_or(1).to_string();
    if let Some(name) = &keep.revision {
        let revision = Revision::find(root, name)?;
        found.extend(back(root, revision.id(), &n_commits)?);
    }
    if keep.all_commits {
        found.extend(lines(root, &["rev-list", "--all"])?);
        // A detached one is of no branch; before the first commit there is none.
        if let Ok(head) = Revision::find(root, "HEAD") {
            found.extend(lines(root, &["rev-list", head.id()])?);
        }
        return Ok(found);
    }
    if keep.all_branches {
        let format = "--format=%(objectname)";
        for head in lines(root, &["for-each-ref", format, "refs/heads"])? {
            found.extend(back(root, &head, &n_commits)?);
        }
    }
    if keep.all_tags {
        let format = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname)";
        for line in lines(root, &["for-each-ref", format, "refs/tags"])? {
            let words: Vec<&str> = line.split(' ').collect();
            // What a tag names may be no commit.
            let named = words.chunks(2).find(|pair| pair.first() == Some(&"commit"));
            found.extend(
                named
                    .and_then(|pair| pair.get(1))
                    .map(|id| (*id).to_owned()),
            );
        }
    }
    if let Some(day) = &keep.since {
        let oldest = oldest(root, day)?;
        for line in lines(root, &["log", "--all", "--format=%ct %H"])? {
            if let Some((second, id)) = line.split_once(' ')
                && second.parse().is_ok_and(|second: i64| second >= oldest)
            {
                found.insert(id.to_owned());
            }
        }
    }
    Ok(found)
}

/// A commit with those before it, as many as are asked for.
fn back(root: &Path, id: &str, n_commits: &str) -> Result<Vec<String>, Error> {
    lines(root, &["rev-list", "--first-parent", "-n", n_commits, id])
}

/// The second in which a day begins here. Git knows the zone, but takes a year after 2099 for this one.
fn oldest(root: &Path, day: &str) -> Result<i64, Error> {
    let refused = || Error::Form {
        path: "--date".to_owned(),
        problem: format!("`{day}` is no day such as `2026-01-31`"),
    };
    let digits: Vec<&str> = day.split('-').collect();
    let widths: Vec<usize> = digits.iter().map(|digits| digits.len()).collect();
    let is_day = widths == [4, 2, 2] && day.chars().all(|c| c == '-' || c.is_ascii_digit());
    let year: Option<u32> = digits.first().and_then(|year| year.parse().ok());
    let year = year.filter(|_| is_day).ok_or_else(refused)?;
    if year > LAST_YEAR {
        return Ok(i64::MAX);
    }
    let told = lines(root, &["rev-parse", &format!("--since={day} 00:00:00")])?;
    let second = told
        .first()
        .and_then(|told| told.strip_prefix("--max-age="));
    second
        .and_then(|second| second.parse().ok())
        .ok_or_else(refused)
}

/// The lines that a command of git prints.
fn lines(root: &Path, arguments: &[&str]) -> Result<Vec<String>, Error> {
    let output = git(root, arguments).output();
    let output = output.map_err(|error| Error::file("run git in", root, error))?;
    if !output.status.success() {
        return Err(Error::NotFound {
            what: format!(
                "`git {}` fails in `{}`",
                arguments.join(" "),
                root.display()
            ),
        });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(str::to_owned).collect())
}
