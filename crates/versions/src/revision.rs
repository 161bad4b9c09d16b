//! The files of a repository as git kept them at a revision.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::git::git;
use crate::repository::Repository;
use crate::{Error, RepoPath};

/// A revision of git: a commit, with the files that it has at and below the repository's root.
#[derive(Clone, Debug)]
pub struct Revision {
    root: PathBuf,
    id: String,
    blobs: BTreeMap<RepoPath, String>,
}

impl Repository {
    /// The revision of a name: a branch, a tag, `HEAD~1`, a hash.
    ///
    /// # Errors
    ///
    /// Fails if git does not know the name, or is not used here.
    pub fn revision(&self, name: &str) -> Result<Revision, Error> {
        Revision::find(self.root(), name)
    }
}

impl Revision {
    /// The revision of a name, with the files at and below `root`.
    ///
    /// # Errors
    ///
    /// Fails if git does not know the name, or does not look after `root`.
    pub fn find(root: &Path, name: &str) -> Result<Self, Error> {
        let commit = format!("{name}^{{commit}}");
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ];
        let id = output(root, &arguments)?.ok_or_else(|| Error::NotFound {
            what: format!("git knows no revision `{name}` in `{}`", root.display()),
        })?;
        let id = String::from_utf8_lossy(&id).trim().to_owned();
        let tree = output(root, &["ls-tree", "-r", "-z", &id])?.ok_or_else(|| unreadable(&id))?;
        let mut blobs = BTreeMap::new();
        for entry in tree.split(|&byte| byte == 0) {
            // Links and modules are no files; a name that is no UTF-8 is none of ours.
            if let Ok(entry) = std::str::from_utf8(entry)
                && let Some((head, path)) = entry.split_once('\t')
                && let Some((_, blob)) = head
                    .strip_prefix("100")
                    .and_then(|rest| rest.split_once(" blob "))
                && let Ok(path) = RepoPath::default().join(path)
            {
                blobs.insert(path, blob.to_owned());
            }
        }
        Ok(Self {
            root: root.to_owned(),
            id,
            blobs,
        })
    }

    /// The hash of a file's content, if the revision has the file.
    pub(crate) fn blob(&self, path: &RepoPath) -> Option<&str> {
        self.blobs.get(path).map(String::as_str)
    }

    /// The hash of the commit: forty hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The files, by path.
    pub fn files(&self) -> impl Iterator<Item = &RepoPath> {
        self.blobs.keys()
    }

    /// The content of a file; none if the revision has no such file.
    ///
    /// # Errors
    ///
    /// Fails if git cannot read it.
    pub fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.read_all(&[path])?.pop().flatten())
    }

    /// The contents of many files, from one process, each none if the revision has no such file.
    ///
    /// # Errors
    ///
    /// Fails if git cannot read one of them.
    pub fn read_all(&self, paths: &[&RepoPath]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let blobs: Vec<Option<&String>> = paths.iter().map(|path| self.blobs.get(*path)).collect();
        let failed = |error| Error::file("read with git", &self.root, error);
        let mut command = git(&self.root, &["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let mut asked = child.stdin.take().ok_or_else(|| unreadable(&self.id))?;
        let told = child.stdout.take().ok_or_else(|| unreadable(&self.id))?;
        let mut names = String::new();
        for blob in blobs.iter().flatten() {
            names.push_str(blob);
            names.push('\n');
        }
        // Written aside: git answers while it is still being asked.
        let asking = std::thread::spawn(move || asked.write_all(names.as_bytes()));
        let mut told = BufReader::new(told);
        let mut contents = Vec::with_capacity(blobs.len());
        for blob in &blobs {
            contents.push(match blob {
                Some(_) => Some(next_blob(&mut told).map_err(failed)?),
                None => None,
            });
        }
        drop(told);
        let is_asked = asking.join().is_ok_and(|asked| asked.is_ok());
        let status = child.wait().map_err(failed)?;
        if !is_asked || !status.success() {
            return Err(unreadable(&self.id));
        }
        Ok(contents)
    }
}

/// What git tells of the next blob: a line that ends with its size, the bytes, a line end.
fn next_blob(told: &mut impl std::io::BufRead) -> std::io::Result<Vec<u8>> {
    let mut line = String::new();
    told.by_ref().take(200).read_line(&mut line)?;
    let size = line
        .trim_end()
        .rsplit(' ')
        .next()
        .and_then(|size| size.parse().ok());
    let size: u64 =
        size.ok_or_else(|| std::io::Error::other(format!("git says `{}`", line.trim_end())))?;
    let mut content = Vec::new();
    told.by_ref().take(size + 1).read_to_end(&mut content)?;
    if content.len() as u64 != size + 1 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    content.pop();
    Ok(content)
}

/// What a command of git prints; none if it fails.
fn output(root: &Path, arguments: &[&str]) -> Result<Option<Vec<u8>>, Error> {
    let output = git(root, arguments).output();
    let output = output.map_err(|error| Error::file("run git in", root, error))?;
    Ok(output.status.success().then_some(output.stdout))
}

fn unreadable(id: &str) -> Error {
    Error::NotFound {
        what: format!("git cannot read the revision {id}; `git fsck` tells what is wrong with it"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run(root: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@t"];
        let status = git(root, &identity)
            .args(arguments)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "git {arguments:?}");
    }

    #[test]
    fn files_are_those_of_the_revision() {
        let dir = tempfile::tempdir().unwrap();
        let (top, root) = (dir.path(), dir.path().join("sub"));
        fs::create_dir_all(root.join("deep")).unwrap();
        let large = vec![b'\n'; 300_000];
        fs::write(root.join("deep/é \"1\""), "one\n").unwrap();
        fs::write(root.join("large"), &large).unwrap();
        fs::write(top.join("above"), "no").unwrap();
        std::os::unix::fs::symlink("large", root.join("link")).unwrap();
        run(top, &["init", "--quiet"]);
        run(top, &["add", "."]);
        run(top, &["commit", "--quiet", "-m", "first"]);
        fs::write(root.join("large"), "").unwrap();
        run(top, &["commit", "--quiet", "-am", "second"]);

        let first = Revision::find(&root, "HEAD~1").unwrap();
        let files: Vec<&str> = first.files().map(RepoPath::as_str).collect();
        assert_eq!(files, ["deep/é \"1\"", "large"]);
        let path = |text| RepoPath::default().join(text).unwrap();
        let paths = [path("large"), path("absent"), path("deep/é \"1\"")];
        let paths: Vec<&RepoPath> = paths.iter().collect();
        let contents = first.read_all(&paths).unwrap();
        assert_eq!(contents, [Some(large), None, Some(b"one\n".to_vec())]);
        let second = Revision::find(&root, "HEAD").unwrap();
        assert_eq!(second.read(paths[0]).unwrap(), Some(Vec::new()));
        assert_ne!(first.id(), second.id());
    }

    #[test]
    fn unknown_revisions_are_named() {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), &["init", "--quiet"]);
        let error = Revision::find(dir.path(), "--output=x").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("git knows no revision `--output=x`"),
            "{error}"
        );
    }
}
