//! All stages of a repository.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use everloop_lifecycle::dvc::{Graph, Lock, Member, Pipeline, Stage};
use everloop_versions::{RepoPath, Repository, Tracked};

use super::Error;

/// The stages of a repository, with what is tracked besides them.
#[derive(Debug)]
pub struct Project<'a> {
    pub(super) repository: &'a Repository,
    pub(super) graph: Graph,
    pub(super) nodes: Vec<Node>,
    pub(super) tracked: Vec<Tracked>,
}

/// What a member of the graph stands for.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A stage of a file.
    Stage(Box<Stage>),
    /// A `.dvc` file.
    Data,
}

impl<'a> Project<'a> {
    /// Reads all `dvc.yaml` and `.dvc` files of a repository.
    ///
    /// # Errors
    ///
    /// Fails if one of them is wrong, or if the stages do not fit together.
    pub fn open(repository: &'a Repository) -> Result<Self, Error> {
        let tracked = repository.tracked_by_files()?;
        let data: Vec<RepoPath> = tracked.iter().map(|one| one.path.clone()).collect();
        let (mut members, mut nodes) = (Vec::new(), Vec::new());
        for file in repository.pipeline_files(&data)? {
            let pipeline = read_pipeline(repository, &file)?;
            for stage in pipeline.stages {
                members.push(Member::of(file.as_str(), &stage));
                nodes.push(Node::Stage(Box::new(stage)));
            }
        }
        for (index, one) in tracked.iter().enumerate() {
            let file = one.file.as_str();
            let before = index
                .checked_sub(1)
                .map(|before| tracked[before].file.as_str());
            let place = one.path.as_str().to_owned();
            if before == Some(file) {
                // Another out of the same file.
                members
                    .last_mut()
                    .into_iter()
                    .for_each(|member: &mut Member| {
                        member.outs.push(place.clone());
                    });
                continue;
            }
            members.push(Member {
                file: file.to_owned(),
                name: None,
                group: None,
                deps: Vec::new(),
                outs: vec![place],
                is_frozen: false,
                action: String::new(),
            });
            nodes.push(Node::Data);
        }
        let graph = Graph::new(members).map_err(|faults| Error::Graph {
            problems: faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        })?;
        Ok(Self {
            repository,
            graph,
            nodes,
            tracked,
        })
    }

    /// The `dvc.lock` beside a `dvc.yaml`; an absent one is empty.
    pub(super) fn read_lock(&self, file: &str) -> Result<(Lock, String), Error> {
        let path = lock_path(file);
        let text = self
            .repository
            .read_text(&path)
            .map_err(|problem| Error::File {
                problems: format!("`{path}` cannot be read: {problem}"),
            })?
            .unwrap_or_default();
        if text.trim().is_empty() {
            return Ok((Lock::default(), text));
        }
        let (lock, diagnostics) = Lock::read(&text);
        let problems = || {
            let shown = diagnostics.iter();
            shown.map(|problem| problem.render(&path, &text)).collect()
        };
        match lock {
            Some(lock) => Ok((lock, text)),
            None => Err(Error::File {
                problems: problems(),
            }),
        }
    }
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    inode: u64,
    pub(super) modified: SystemTime,
}

impl Stamp {
    /// The stamp of a file of the repository, if there is one.
    pub(super) fn of(repository: &Repository, path: &str) -> Option<Self> {
        let path = RepoPath::default().join(path).ok()?;
        let metadata = fs::metadata(path.under(repository.root())).ok()?;
        Some(Self {
            size: metadata.len(),
            inode: metadata.ino(),
            modified: metadata.modified().ok()?,
        })
    }

    pub(super) fn is_older_than(&self, age: Duration) -> bool {
        self.modified.elapsed().is_ok_and(|elapsed| elapsed > age)
    }
}

/// The path of the lock beside a `dvc.yaml`.
pub(super) fn lock_path(file: &str) -> String {
    let dir = file.strip_suffix("dvc.yaml").unwrap_or_default();
    format!("{dir}dvc.lock")
}

fn read_pipeline(repository: &Repository, file: &RepoPath) -> Result<Pipeline, Error> {
    let read = repository.parse_pipeline(file);
    let (parsed, text) = read.map_err(|problem| Error::File {
        problems: format!("`{file}` cannot be read: {problem}"),
    })?;
    parsed.pipeline.ok_or_else(|| {
        let shown = parsed.diagnostics.iter();
        Error::File {
            problems: shown
                .map(|problem| problem.render(file.as_str(), &text))
                .collect(),
        }
    })
}
