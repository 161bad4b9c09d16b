//! Which stages people mean.

use std::collections::HashSet;

use everloop_lifecycle::dvc::Target;
use everloop_versions::RepoPath;

use super::reproduce::Request;
use super::{Error, Project};

impl Project<'_> {
    /// The members that a request names.
    pub(super) fn find(&self, request: &Request) -> Result<Vec<usize>, Error> {
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        let all = ["dvc.yaml".to_owned()];
        let targets = match request.targets.as_slice() {
            [] => &all[..],
            targets => targets,
        };
        for target in targets {
            let members = self.find_one(target, request);
            if members.is_empty() {
                return Err(Error::NotFound {
                    target: target.clone(),
                });
            }
            found.extend(members.into_iter().filter(|at| seen.insert(*at)));
        }
        Ok(found)
    }

    fn find_one(&self, target: &str, request: &Request) -> Vec<usize> {
        if request.is_recursive
            && let Ok(dir) = request.directory.join(target)
            && dir.under(self.repository.root()).is_dir()
        {
            return self.in_directory(&dir);
        }
        let meant = Target::parse(target);
        let found = self.graph.find(&meant, request.directory.as_str());
        if !found.is_empty() || !request.is_glob {
            return found;
        }
        let Some(pattern) = &meant.name else {
            return found;
        };
        let file = Target {
            name: None,
            ..meant.clone()
        };
        let mut members = self.graph.find(&file, request.directory.as_str());
        members.retain(|at| {
            let name = self.graph.members()[*at].name.as_ref();
            name.is_some_and(|name| is_match(pattern, name))
        });
        members
    }

    /// The members whose file is in a directory, in the order in which they run.
    fn in_directory(&self, dir: &RepoPath) -> Vec<usize> {
        let order = self
            .graph
            .order(&[], everloop_lifecycle::dvc::Selection::Upstream);
        let is_inside = |at: &usize| {
            let file = &self.graph.members()[*at].file;
            match dir.as_str() {
                "" => true,
                dir => file
                    .strip_prefix(dir)
                    .is_some_and(|rest| rest.starts_with('/')),
            }
        };
        order.into_iter().filter(is_inside).collect()
    }
}

/// Whether a name has the form of a pattern of `*`, `?` and `[…]`, as Python's `fnmatch` sees it.
fn is_match(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut place) = (0, 0);
    // After the last star: where the pattern goes on, and where the name does if the star takes one more.
    let mut star = None;
    loop {
        if pattern.get(at) == Some(&'*') {
            at += 1;
            star = Some((at, place));
            continue;
        }
        let next = match (pattern.get(at), name.get(place)) {
            (None, None) => return true,
            (Some(_), Some(char)) => after_one(&pattern, at, *char),
            _ => None,
        };
        match (next, &mut star) {
            (Some(next), _) => (at, place) = (next, place + 1),
            (None, Some((after, from))) if *from < name.len() => {
                *from += 1;
                (at, place) = (*after, *from);
            }
            _ => return false,
        }
    }
}

/// Where a pattern goes on after a part that stands for one character, if it stands for this one.
fn after_one(pattern: &[char], at: usize, char: char) -> Option<usize> {
    match pattern[at] {
        '?' => Some(at + 1),
        '[' => {
            let is_negated = pattern.get(at + 1) == Some(&'!');
            let first = at + 1 + usize::from(is_negated);
            // A bracket that comes first is one of the characters.
            let rest = pattern.get(first + 1..)?;
            let Some(length) = rest.iter().position(|char| *char == ']') else {
                return (char == '[').then_some(at + 1);
            };
            let end = first + 1 + length;
            (is_in_set(&pattern[first..end], char) != is_negated).then_some(end + 1)
        }
        other => (other == char).then_some(at + 1),
    }
}

fn is_in_set(set: &[char], char: char) -> bool {
    let mut at = 0;
    while at < set.len() {
        if let [low, '-', high, ..] = set[at..] {
            if (low..=high).contains(&char) {
                return true;
            }
            at += 3;
        } else {
            if set[at] == char {
                return true;
            }
            at += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_shells() {
        let table = [
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?b[a-c]", "xbb", true),
            ("?b[!a-c]", "xbb", false),
            ("[]x]", "]", true),
            ("[a", "[a", true),
            ("", "a", false),
            ("*", "", true),
            ("train@*", "train@1", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(is_match(pattern, name), expected, "{pattern} {name}");
        }
    }
}
