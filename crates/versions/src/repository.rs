//! A repository: where it is, what is set, what is tracked.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cache::Cache;
use crate::config::{Config, ConfigFile, lexical};
use crate::known::Known;
use crate::links::Links;
use crate::lock::Lock;
use crate::progress::Progress;
use crate::whole::{TMP, write_whole};
use crate::{Error, RepoPath, git, journal};

const IGNORE_TEXT: &str = "\
# Add patterns of files dvc should ignore, which could improve
# the performance. Learn more at
# https://dvc.org/doc/user-guide/dvcignore
";

/// What holds for all repositories of a user on a machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// DVC's configuration files of the machine and of the user; the later win.
    pub config_files: Vec<PathBuf>,
    /// Variables that say how remotes are reached: those of AWS, Google and Azure, and `HOME`.
    pub environment: Vec<(String, String)>,
}

/// A repository with data versions.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    config: Config,
    cache: Cache,
    machine: Machine,
    progress: Arc<Progress>,
}

impl Repository {
    /// Makes a repository in a directory, as `dvc init` does.
    ///
    /// # Errors
    ///
    /// Fails if there is one, or if files cannot be written.
    pub fn init(dir: &Path, machine: &Machine) -> Result<Self, Error> {
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

    /// Opens the repository that a directory is in.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or if its configuration cannot be read.
    pub fn open(dir: &Path, machine: &Machine) -> Result<Self, Error> {
        let dir = canonical(dir)?;
        let root = dir.ancestors().find(|dir| dir.join(".dvc").is_dir());
        let root = root
            .ok_or_else(|| Error::NoRepository {
                dir: dir.display().to_string(),
            })?
            .to_owned();
        let mut files = machine.config_files.clone();
        files.extend([root.join(".dvc/config"), root.join(".dvc/config.local")]);
        let config = Config::load(&files)?;
        let place = config
            .get("cache", "dir")
            .map_or_else(|| root.join(".dvc/cache"), PathBuf::from);
        let progress = Arc::default();
        let mut cache = Cache::new(&place, Links::parse(config.get("cache", "type"))?);
        match config.get("cache", "shared") {
            None => {}
            Some(shared) if shared.eq_ignore_ascii_case("group") => cache = cache.shared(),
            Some(other) => {
                return Err(Error::form(
                    "cache.shared",
                    format!("`{other}` is not `group`"),
                ));
            }
        }
        Ok(Self {
            root,
            config,
            cache: cache.counting(&progress),
            progress,
            machine: machine.clone(),
        })
    }

    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.machine.environment
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

    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
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
        let is_by_link = self.config.get("core", "hardlink_lock");
        if is_by_link.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Err(Error::form(
                "core.hardlink_lock",
                "the lock of a hard link is not supported, and without it DVC and Everloop would be in each other's way; unset it where the file system has `flock`",
            ));
        }
        let lock = Lock::take(&self.root.join(".dvc"))?;
        journal::replay(&self.tmp(), &self.root)?;
        self.clean_tmp();
        Ok(lock)
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.root.join(TMP)
    }

    /// Makes the directory of what is being written, if need be.
    pub(crate) fn make_tmp(&self) -> Result<(), Error> {
        let tmp = self.tmp();
        fs::create_dir_all(&tmp).map_err(|error| Error::file("create", &tmp, error))
    }

    pub(crate) fn known(&self) -> Known {
        Known::load(&self.tmp()).counting(&self.progress)
    }

    /// As [`Self::known`], for files that are not in the repository; their paths start at the top of the machine.
    pub(crate) fn known_outside(&self) -> Known {
        Known::load(&self.tmp().join("outside")).counting(&self.progress)
    }

    /// How far the work of the methods has come.
    #[must_use]
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
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
}

fn canonical(dir: &Path) -> Result<PathBuf, Error> {
    dir.canonicalize()
        .map_err(|error| Error::file("find", dir, error))
}
