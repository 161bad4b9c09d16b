//! What git knows of data: the `git` program answers, where the repository is one of git's.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::pattern::escape;
use crate::whole::{read_whole, write_whole};
use crate::{Error, RepoPath};

/// Whether git looks after the directory.
pub(crate) fn is_used(root: &Path) -> bool {
    root.ancestors().any(|dir| dir.join(".git").exists())
}

pub(crate) fn git(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(arguments);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// Whether git itself has a file at or below a path.
pub(crate) fn tracks(root: &Path, path: &RepoPath) -> bool {
    let mut command = git(root, &["--literal-pathspecs", "ls-files", "-z", "--"]);
    let output = command.arg(path.as_str()).output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

/// Which of the paths git itself has, or has files of.
pub(crate) fn tracked_of(root: &Path, paths: &[RepoPath]) -> Vec<RepoPath> {
    let output = git(root, &["ls-files", "-z"]).output();
    let text = output.map_or(Vec::new(), |output| output.stdout);
    let mut files: Vec<&str> = text
        .split(|&byte| byte == 0)
        .filter_map(|name| std::str::from_utf8(name).ok())
        .collect();
    files.sort_unstable();
    let is_tracked = |path: &&RepoPath| {
        let below = format!("{path}/");
        let is_there = |name: &str| {
            let at = files.partition_point(|file| *file < name);
            files.get(at).copied()
        };
        is_there(path.as_str()) == Some(path.as_str())
            || is_there(&below).is_some_and(|file| file.starts_with(&below))
    };
    paths.iter().filter(is_tracked).cloned().collect()
}

/// Tells git of files of ours; that it does not take them is no failure of ours.
pub(crate) fn stage(root: &Path, paths: &[&str]) {
    let mut command = git(root, &["--literal-pathspecs", "add", "--"]);
    // The files are there, whether git is or not.
    let _ = command.args(paths).stdout(Stdio::null()).status();
}

/// Makes git ignore data: an entry in the `.gitignore` beside it, unless it is ignored already.
pub(crate) fn ignore(root: &Path, path: &RepoPath) -> Result<(), Error> {
    if !is_used(root) {
        return Ok(());
    }
    let file = path.parent().under(root).join(".gitignore");
    let before = match read_whole(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Error::file("read", &file, error)),
    };
    if let Some(text) = ignoring(root, path, &before) {
        write_whole(&file, &text)?;
    }
    Ok(())
}

/// The text of the `.gitignore` beside data with an entry for it; `None` if git ignores it already.
pub(crate) fn ignoring(root: &Path, path: &RepoPath, before: &[u8]) -> Option<Vec<u8>> {
    with_entry(before, path.name()).filter(|_| !is_ignored(root, path))
}

/// The text without the entry for a name beside it; `None` if it has none.
pub(crate) fn without_entry(before: &[u8], name: &str) -> Option<Vec<u8>> {
    let entry = escape(&format!("/{name}"));
    let lines = before.split_inclusive(|&byte| byte == b'\n');
    let is_entry = |line: &&[u8]| line.strip_suffix(b"\n").unwrap_or(line) == entry.as_bytes();
    let kept: Vec<&[u8]> = lines.filter(|line| !is_entry(line)).collect();
    let text = kept.concat();
    (text.len() < before.len()).then_some(text)
}

fn is_ignored(root: &Path, path: &RepoPath) -> bool {
    let mut command = git(root, &["check-ignore", "--quiet", "--no-index", "--"]);
    // A leading `:` would be magic.
    let status = command.arg(format!("./{path}")).status();
    status.is_ok_and(|status| status.success())
}

/// Those of many paths that git ignores already.
pub(crate) fn ignored(root: &Path, paths: &[RepoPath]) -> HashSet<RepoPath> {
    let mut command = git(
        root,
        &[
            "check-ignore",
            "--stdin",
            "-z",
            "--no-index",
            "--verbose",
            "--non-matching",
        ],
    );
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        return HashSet::new();
    };
    let input = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            if let Some(mut input) = input {
                for path in paths {
                    // Git may have gone; then it answers for none.
                    let _ = write!(input, "./{path}\0");
                }
            }
        });
        child.wait_with_output()
    });
    let output = output.map(|output| output.stdout).unwrap_or_default();
    // For each path the file, line and pattern that decide, and the path: no file where none does.
    let fields: Vec<&[u8]> = output.split(|&byte| byte == 0).collect();
    let answers = paths.iter().zip(fields.chunks_exact(4));
    let is_ignored = |answer: &[&[u8]]| !answer[0].is_empty() && !answer[2].starts_with(b"!");
    let found = answers.filter(|(_, answer)| is_ignored(answer));
    found.map(|(path, _)| path.clone()).collect()
}

/// The entry of a `.gitignore` for a name beside it.
pub(crate) fn entry(name: &str) -> String {
    // A line cannot hold a line break, and git cuts the blank at its end.
    let mut entry = escape(&format!("/{name}")).replace(['\n', '\r'], "?");
    if entry.ends_with(' ') {
        entry.insert(entry.len() - 1, '\\');
    }
    entry
}

/// The text with an entry for a name beside it; `None` if it has one.
pub(crate) fn with_entry(before: &[u8], name: &str) -> Option<Vec<u8>> {
    let entry = entry(name);
    if before
        .split(|&byte| byte == b'\n')
        .any(|line| line == entry.as_bytes())
    {
        return None;
    }
    let mut text = before.to_owned();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(entry.as_bytes());
    text.push(b'\n');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, name: &str, after: Option<&str>) {
        let text = with_entry(before.as_bytes(), name);
        assert_eq!(text.as_deref(), after.map(str::as_bytes), "{name}");
    }

    #[test]
    fn entries_are_those_of_dvc() {
        check("", "a", Some("/a\n"));
        check("/b", "we ird:#name.bin", Some("/b\n/we ird:\\#name.bin\n"));
        check("/a\n", "a", None);
        check("/ab\n", "a", Some("/ab\n/a\n"));
        check("", "a\n!b ", Some("/a?\\!b\\ \n"));
    }

    #[test]
    fn entries_are_taken_out() {
        let without = |text: &str| without_entry(text.as_bytes(), "a").map(String::from_utf8);
        assert_eq!(without("/b\n/a\n/c"), Some(Ok("/b\n/c".to_owned())));
        assert_eq!(without("/a"), Some(Ok(String::new())));
        assert_eq!(without("/ab\na\n"), None);
    }
}
