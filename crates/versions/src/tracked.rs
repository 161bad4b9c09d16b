//! What is tracked: outs of `.dvc` files, and outs of the stages of `dvc.yaml`.
//!
//! The repository is walked once. Data is not walked into, nor are other repositories in this one, nor what `.dvcignore`
//! leaves out.

use std::fs;
use std::sync::Arc;

use everloop_lifecycle::dvc::Stage;

use crate::dvc_file::{DvcFile, Out};
use crate::ignore::Ignore;
use crate::md5::Hashing;
use crate::parts::Parts;
use crate::repository::Repository;
use crate::whole::read_whole;
use crate::{Error, RepoPath, stages};

/// Something that is tracked.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The `.dvc` file, or the `dvc.yaml` of the stage.
    pub file: RepoPath,
    /// The data.
    pub path: RepoPath,
    /// Whose out it is.
    pub origin: Origin,
    pub(crate) out: Out,
}

/// What makes that something is tracked.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A `.dvc` file, and which of its outs.
    File(Arc<DvcFile>, usize),
    /// A stage.
    Stage(Arc<Stage>),
}

/// Something that is meant by targets, whole or in parts.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) tracked: Tracked,
    pub(crate) parts: Parts,
}

impl Tracked {
    /// What is said of it.
    #[must_use]
    pub fn out(&self) -> &Out {
        &self.out
    }

    /// The stage that makes it, as `repro` names it; `None` for data of a `.dvc` file.
    #[must_use]
    pub fn stage(&self) -> Option<String> {
        match &self.origin {
            Origin::File(..) => None,
            Origin::Stage(stage) if self.file.as_str() == stages::FILE => Some(stage.name.clone()),
            Origin::Stage(stage) => Some(format!("{}:{}", self.file, stage.name)),
        }
    }

    /// The stage that makes it, as its file names it.
    pub(crate) fn stage_name(&self) -> Option<&str> {
        match &self.origin {
            Origin::File(..) => None,
            Origin::Stage(stage) => Some(&stage.name),
        }
    }

    /// Where it stands: the `.dvc` file or the stage.
    #[must_use]
    pub fn address(&self) -> String {
        self.stage().unwrap_or_else(|| self.file.to_string())
    }

    /// Whether it comes from elsewhere: only its source may change it.
    #[must_use]
    pub fn is_import(&self) -> bool {
        matches!(&self.origin, Origin::File(file, _) if file.is_import)
    }

    /// Whether its `.dvc` file is a stage, as DVC 1 wrote them.
    #[must_use]
    pub fn is_of_old_stage(&self) -> bool {
        matches!(&self.origin, Origin::File(file, _) if file.is_stage)
    }

    /// Whether it comes from another repository, which keeps it.
    #[must_use]
    pub fn is_of_repository(&self) -> bool {
        matches!(&self.origin, Origin::File(file, _) if file.is_of_repository)
    }

    /// How it was hashed.
    pub(crate) fn hashing(&self) -> Hashing {
        let recorded = self.out().recorded;
        recorded.map_or(Hashing::Plain, |recorded| recorded.object.hashing)
    }

    /// Whether a target names it: the data, its file, a directory above them, its stage or group of stages.
    fn is_named(&self, target: &RepoPath) -> bool {
        self.file == *target || self.path.is_in(target) || self.file.is_in(target)
    }

    fn is_of_stage(&self, target: &RepoPath) -> bool {
        let Origin::Stage(stage) = &self.origin else {
            return false;
        };
        let dir = match self.file.parent().as_str() {
            "" => String::new(),
            dir => format!("{dir}/"),
        };
        let names = std::iter::once(&stage.name).chain(&stage.group);
        let mut addresses =
            names.flat_map(|name| [format!("{dir}{name}"), format!("{}:{name}", self.file)]);
        addresses.any(|address| address == target.as_str())
    }
}

impl Repository {
    /// All that `.dvc` files and stages track, in the order of their directories.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be understood, leads out of the repository, or tracks what another one does.
    pub fn tracked(&self) -> Result<Vec<Tracked>, Error> {
        self.walk(true)
    }

    /// All that `.dvc` files alone track.
    ///
    /// # Errors
    ///
    /// As [`Self::tracked`].
    pub fn tracked_by_files(&self) -> Result<Vec<Tracked>, Error> {
        self.walk(false)
    }

    fn walk(&self, has_stages: bool) -> Result<Vec<Tracked>, Error> {
        let mut walk = Walk {
            repository: self,
            has_stages,
            tracked: Vec::new(),
        };
        walk.enter(&RepoPath::default(), &Ignore::default())?;
        let tracked = walk.tracked;
        let mut by_path: Vec<(String, &Tracked)> = tracked
            .iter()
            .map(|one| (format!("{}/", one.path), one))
            .collect();
        by_path.sort_by(|one, other| one.0.cmp(&other.0));
        for pair in by_path.windows(2) {
            let (one, other) = (pair[0].1, pair[1].1);
            if other.path.is_in(&one.path) {
                return Err(Error::Conflict {
                    what: format!(
                        "`{}` of `{}` and `{}` of `{}` overlap; remove one of the two",
                        one.path,
                        one.address(),
                        other.path,
                        other.address()
                    ),
                });
            }
        }
        Ok(tracked)
    }

    /// Those of the tracked that targets name: data, `.dvc` files, stages, `dvc.yaml` files, or directories above them. No
    /// targets name all.
    ///
    /// # Errors
    ///
    /// Fails if a target names nothing that is tracked as a whole.
    pub fn chosen(&self, targets: &[RepoPath]) -> Result<Vec<Tracked>, Error> {
        let chosen = self.chosen_parts(targets)?;
        if let Some(one) = chosen.iter().find(|one| !one.parts.is_whole()) {
            let part = one.parts.paths(&one.tracked.path).next();
            return Err(Error::NotFound {
                what: format!(
                    "`{}` is a part of `{}`; name that",
                    part.unwrap_or_default(),
                    one.tracked.path
                ),
            });
        }
        Ok(chosen.into_iter().map(|one| one.tracked).collect())
    }

    /// As [`Self::chosen`]; targets may be parts of tracked directories.
    pub(crate) fn chosen_parts(&self, targets: &[RepoPath]) -> Result<Vec<Chosen>, Error> {
        let tracked = self.tracked()?;
        let mut parts: Vec<Option<Parts>> = vec![None; tracked.len()];
        for target in targets {
            let indices = |is_meant: &dyn Fn(&Tracked) -> bool| -> Vec<usize> {
                let all = tracked.iter().enumerate();
                all.filter(|(_, one)| is_meant(one))
                    .map(|(index, _)| index)
                    .collect()
            };
            // As with DVC, names of stages come before paths.
            let mut whole = indices(&|one| one.is_of_stage(target));
            if whole.is_empty() {
                whole = indices(&|one| one.is_named(target));
            }
            for index in &whole {
                parts[*index] = Some(Parts::default());
            }
            if !whole.is_empty() {
                continue;
            }
            let is_file = |one: &Tracked| one.out().recorded.is_some_and(|one| !one.object.is_dir);
            let is_above = |one: &Tracked| target.is_in(&one.path) && !is_file(one);
            let above = tracked.iter().position(is_above);
            let above = above.ok_or_else(|| not_tracked(target))?;
            let below = &target.as_str()[tracked[above].path.as_str().len() + 1..];
            match &mut parts[above] {
                Some(parts) => parts.add(below),
                none => *none = Some(Parts::of(below)),
            }
        }
        let all = tracked.into_iter().zip(parts);
        let chosen = all.filter_map(|(tracked, parts)| match parts {
            None if targets.is_empty() => Some(Chosen {
                tracked,
                parts: Parts::default(),
            }),
            parts => Some(Chosen {
                tracked,
                parts: parts?,
            }),
        });
        Ok(chosen.collect())
    }
}

fn not_tracked(target: &RepoPath) -> Error {
    Error::NotFound {
        what: format!(
            "no `.dvc` file tracks `{target}`, and no stage is named so; `everloop data list` tells what is tracked"
        ),
    }
}

struct Walk<'a> {
    repository: &'a Repository,
    has_stages: bool,
    tracked: Vec<Tracked>,
}

impl Walk<'_> {
    fn enter(&mut self, dir: &RepoPath, above: &Ignore) -> Result<(), Error> {
        let root = self.repository.root();
        let place = dir.under(root);
        let read = |error| Error::file("read", &place, error);
        let ignore = above.within(root, dir)?;
        let (mut files, mut dirs) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&place).map_err(read)? {
            let entry = entry.map_err(read)?;
            // Names that are no UTF-8 are no files of DVC and lead to none.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = entry.file_type().map_err(read)?;
            let is_read = is_dvc_file(&name) || (self.has_stages && name == stages::FILE);
            if (!kind.is_dir() && !is_read) || name == ".dvc" || name == ".git" {
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
            if file.name() == stages::FILE {
                self.tracked.extend(stages::outs(self.repository, file)?);
            } else {
                self.read(file)?;
            }
        }
        for dir in dirs {
            let is_data = self.tracked.iter().any(|one| dir.is_in(&one.path));
            let is_other = dir.under(root).join(".dvc").is_dir();
            if !is_data && !is_other {
                self.enter(&dir, &ignore)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, file: &RepoPath) -> Result<(), Error> {
        let place = file.under(self.repository.root());
        let bytes = read_whole(&place).map_err(|error| Error::file("read", &place, error))?;
        let dvc_file = Arc::new(DvcFile::parse(&bytes, file.as_str())?);
        let start = match &dvc_file.wdir {
            Some(wdir) => file.parent().join(wdir)?,
            None => file.parent(),
        };
        for (index, out) in dvc_file.outs.iter().enumerate() {
            let path = start.join(&out.path);
            let path = path.map_err(|error| named_by(error, file.as_str()))?;
            if path.as_str().is_empty() {
                return Err(Error::form(file, "it tracks the whole repository"));
            }
            self.tracked.push(Tracked {
                file: file.clone(),
                path,
                out: out.clone(),
                origin: Origin::File(Arc::clone(&dvc_file), index),
            });
        }
        Ok(())
    }
}

/// An error of a path with the file that names it.
pub(crate) fn named_by(error: Error, file: &str) -> Error {
    match error {
        Error::Path { path, problem } => Error::Path {
            path,
            problem: format!("{problem} (`{file}` names it)"),
        },
        error => error,
    }
}

/// Whether a file of this name tells what is tracked.
pub(crate) fn is_dvc_file(name: &str) -> bool {
    name.strip_suffix(".dvc")
        .is_some_and(|data| !data.is_empty())
}
