//! A repository: where it is, what is set, what is tracked.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::Cache;
use crate::config::{Config, ConfigFile, lexical};
use crate::dvc_file::{DvcFile, Out};
use crate::ignore::Ignore;
use crate::known::Known;
use crate::links::Links;
use crate::lock::Lock;
use crate::md5::Hashing;
use crate::whole::{TMP, read_whole, write_whole};
use crate::{Error, RepoPath, git};

const IGNORE_TEXT: &str = "\
# Add patterns of files dvc should ignore, which could improve
# the performance. Learn more at
# https://dvc.org/doc/user-guide/dvcignore
";

/// A repository with data versions.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    config: Config,
    cache: Cache,
}

/// Something that a `.dvc` file tracks.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The `.dvc` file.
    pub file: RepoPath,
    /// As it was read.
    pub dvc_file: DvcFile,
    /// Which of its outs.
    pub index: usize,
    /// The data.
    pub path: RepoPath,
}

impl Tracked {
    /// What the file says of it.
    #[must_use]
    pub fn out(&self) -> &Out {
        &self.dvc_file.outs[self.index]
    }

    /// How it was hashed.
    pub(crate) fn hashing(&self) -> Hashing {
        let recorded = self.out().recorded;
        recorded.map_or(Hashing::Plain, |recorded| recorded.object.hashing)
    }
}

impl Repository {
    /// Makes a repository in a directory, as `dvc init` does.
    ///
    /// # Errors
    ///
    /// Fails if there is one, or if files cannot be written.
    pub fn init(dir: &Path, machine: &[PathBuf]) -> Result<Self, Error> {
        let root = canonical(dir)?;
        let inner = root.join(".dvc");
        if inner.join("config").exists() {
            return Err(Error::Conflict {
                what: format!("`{}` is a repository already", root.display()),
            });
        }
        fs::create_dir_all(inner.join("tmp"))
            .map_err(|error| Error::file("create", &inner, error))?;
        let mut names = vec![".dvc/config", ".dvc/.gitignore"];
        write_whole(&inner.join(".gitignore"), b"/config.local\n/tmp\n/cache\n")?;
        if !root.join(".dvcignore").exists() {
            write_whole(&root.join(".dvcignore"), IGNORE_TEXT.as_bytes())?;
            names.push(".dvcignore");
        }
        let mut config = ConfigFile::load(&inner.join("config"))?;
        if git::is_used(&root) {
            config.save()?;
            git::stage(&root, &names);
        } else {
            // What `dvc init --no-scm` writes.
            config.set("core", "no_scm", "True");
            config.save()?;
        }
        Self::open(&root, machine)
    }

    /// Opens the repository that a directory is in. `machine` are configuration files of the machine and the user.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or if its configuration cannot be read.
    pub fn open(dir: &Path, machine: &[PathBuf]) -> Result<Self, Error> {
        let dir = canonical(dir)?;
        let root = dir.ancestors().find(|dir| dir.join(".dvc").is_dir());
        let root = root
            .ok_or_else(|| Error::NoRepository {
                dir: dir.display().to_string(),
            })?
            .to_owned();
        let mut files = machine.to_vec();
        files.extend([root.join(".dvc/config"), root.join(".dvc/config.local")]);
        let config = Config::load(&files)?;
        let place = config
            .get("cache", "dir")
            .map_or_else(|| root.join(".dvc/cache"), PathBuf::from);
        let cache = Cache::new(&place, Links::parse(config.get("cache", "type"))?);
        Ok(Self {
            root,
            config,
            cache,
        })
    }

    /// The topmost directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What is set.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The objects that are here.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The configuration file that git shares, or with `is_local` the one of this machine.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn config_file(&self, is_local: bool) -> Result<ConfigFile, Error> {
        let name = if is_local { "config.local" } else { "config" };
        ConfigFile::load(&self.root.join(".dvc").join(name))
    }

    /// Nobody else works in the repository until the lock is dropped.
    ///
    /// # Errors
    ///
    /// Fails if somebody else does, with their name.
    pub fn lock(&self) -> Result<Lock, Error> {
        let lock = Lock::take(&self.root.join(".dvc"))?;
        self.clean_tmp();
        Ok(lock)
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.root.join(TMP)
    }

    pub(crate) fn known(&self) -> Known {
        Known::load(&self.tmp())
    }

    /// The path of a file as people name it, seen from `from`. Its last name may be a link.
    ///
    /// # Errors
    ///
    /// Fails if it is not in the repository.
    pub fn path(&self, from: &Path, named: &Path) -> Result<RepoPath, Error> {
        let path = lexical(&from.join(named));
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        let path = match (parent, path.file_name()) {
            (Some(parent), Some(name)) => parent.join(name),
            _ => path,
        };
        RepoPath::of(&self.root, &path)
    }

    /// All that `.dvc` files track, in the order of their names.
    ///
    /// # Errors
    ///
    /// Fails if a `.dvc` file cannot be understood, leads out of the repository, or tracks what another one does.
    pub fn tracked(&self) -> Result<Vec<Tracked>, Error> {
        let mut tracked = Vec::new();
        self.find(&RepoPath::default(), &Ignore::default(), &mut tracked)?;
        let mut by_path: Vec<&Tracked> = tracked.iter().collect();
        by_path.sort_by_key(|one| format!("{}/", one.path));
        for pair in by_path.windows(2) {
            if pair[1].path.is_in(&pair[0].path) {
                return Err(Error::Conflict {
                    what: format!(
                        "`{}` of `{}` and `{}` of `{}` overlap; remove one of the two files",
                        pair[0].path, pair[0].file, pair[1].path, pair[1].file
                    ),
                });
            }
        }
        Ok(tracked)
    }

    /// Those of the tracked that targets name: data, `.dvc` files, or directories above them. No targets name all.
    ///
    /// # Errors
    ///
    /// Fails if a target names nothing that is tracked.
    pub fn chosen(&self, targets: &[RepoPath]) -> Result<Vec<Tracked>, Error> {
        let tracked = self.tracked()?;
        for target in targets {
            if tracked.iter().any(|one| is_named(one, target)) {
                continue;
            }
            let above = tracked.iter().find(|one| target.is_in(&one.path));
            return Err(Error::NotFound {
                what: match above {
                    Some(one) => format!("`{target}` is a part of `{}`; name that", one.path),
                    None => format!(
                        "no `.dvc` file tracks `{target}`; `everloop data list` tells what is tracked"
                    ),
                },
            });
        }
        let is_chosen = |one: &Tracked| {
            targets.is_empty() || targets.iter().any(|target| is_named(one, target))
        };
        Ok(tracked.into_iter().filter(is_chosen).collect())
    }

    fn find(
        &self,
        dir: &RepoPath,
        above: &Ignore,
        tracked: &mut Vec<Tracked>,
    ) -> Result<(), Error> {
        let place = dir.under(&self.root);
        let read = |error| Error::file("read", &place, error);
        let ignore = above.within(&self.root, dir)?;
        let (mut files, mut dirs) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&place).map_err(read)? {
            let entry = entry.map_err(read)?;
            // Names that are no UTF-8 are no `.dvc` files of ours and lead to none.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = entry.file_type().map_err(read)?;
            if (!kind.is_dir() && !is_dvc_file(&name)) || name == ".dvc" || name == ".git" {
                continue;
            }
            let path = dir.join(&name)?;
            if ignore.leaves_out(path.as_str(), kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                dirs.push(path);
            } else {
                files.push(path);
            }
        }
        files.sort();
        dirs.sort();
        for file in &files {
            self.read(file, tracked)?;
        }
        for dir in dirs {
            let is_data = tracked.iter().any(|one| dir.is_in(&one.path));
            let is_other = dir.under(&self.root).join(".dvc").is_dir();
            if !is_data && !is_other {
                self.find(&dir, &ignore, tracked)?;
            }
        }
        Ok(())
    }

    fn read(&self, file: &RepoPath, tracked: &mut Vec<Tracked>) -> Result<(), Error> {
        let place = file.under(&self.root);
        let bytes = read_whole(&place).map_err(|error| Error::file("read", &place, error))?;
        let dvc_file = DvcFile::parse(&bytes, file.as_str())?;
        let start = match &dvc_file.wdir {
            Some(wdir) => file.parent().join(wdir)?,
            None => file.parent(),
        };
        for (index, out) in dvc_file.outs.iter().enumerate() {
            let path = start.join(&out.path).map_err(|error| match error {
                Error::Path { path, problem } => Error::Path {
                    path,
                    problem: format!("{problem} (`{file}` names it)"),
                },
                error => error,
            })?;
            if path.as_str().is_empty() {
                return Err(Error::form(file, "it tracks the whole repository"));
            }
            tracked.push(Tracked {
                file: file.clone(),
                dvc_file: dvc_file.clone(),
                index,
                path,
            });
        }
        Ok(())
    }
}

/// Whether a file of this name tells what is tracked.
pub(crate) fn is_dvc_file(name: &str) -> bool {
    name.strip_suffix(".dvc")
        .is_some_and(|data| !data.is_empty())
}

fn is_named(one: &Tracked, target: &RepoPath) -> bool {
    one.file == *target || one.path.is_in(target) || one.file.is_in(target)
}

fn canonical(dir: &Path) -> Result<PathBuf, Error> {
    dir.canonicalize()
        .map_err(|error| Error::file("find", dir, error))
}
