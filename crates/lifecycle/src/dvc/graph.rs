//! Which stages need which, and the order in which DVC runs them.

mod order;
mod trie;

use std::fmt;

use super::lock::Command;
use super::pipeline::{Pipeline, Stage};
use trie::{Clash, Trie};

/// A stage of any file of the repository, or a `.dvc` file, as the graph sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The file that it stands in, from the top of the repository.
    pub file: String,
    /// Its name in the file; a `.dvc` file has none.
    pub name: Option<String>,
    /// The group that it was made of.
    pub group: Option<String>,
    /// The places that it reads, from the top of the repository.
    pub deps: Vec<String>,
    /// The places that it makes.
    pub outs: Vec<String>,
    /// Whether it does not wait for what it reads.
    pub is_frozen: bool,
    /// What it does, for people.
    pub action: String,
}

/// All stages of a repository with what each needs.
#[derive(Clone, Debug)]
pub struct Graph {
    members: Vec<Member>,
    /// For each member those that make what it reads, as DVC orders them; frozen ones have none.
    needs: Vec<Vec<usize>>,
    /// The same, with those that frozen ones read from.
    reads: Vec<Vec<usize>>,
}

/// Which stages are run besides those that are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Those that are needed before.
    Upstream,
    /// Those that come after: `--downstream`.
    Downstream,
    /// All that hang together with them: `--pipeline`.
    Pipeline,
}

/// Why stages make no graph. Stages are given by their index and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Two stages make the same path.
    Duplicate {
        /// The path.
        path: String,
        /// The later stage.
        stage: (usize, String),
        /// The earlier stage.
        other: String,
    },
    /// One output lies in another.
    Overlap {
        /// The output of the later stage.
        path: String,
        /// The output of the earlier stage.
        other_path: String,
        /// The later stage.
        stage: (usize, String),
        /// The earlier stage.
        other: String,
    },
    /// An output is a directory in which a `dvc.yaml` or `.dvc` file stands.
    OwnFile {
        /// The path.
        path: String,
        /// The stage.
        stage: (usize, String),
        /// The file in it.
        file: String,
    },
    /// Stages need each other.
    Circle {
        /// The first stage.
        stage: usize,
        /// The names of all, each needing the next.
        names: Vec<String>,
        /// What the first needs of the second.
        path: String,
    },
}

impl Graph {
    /// The graph of stages that belong together; their order decides where nothing else does.
    ///
    /// # Errors
    ///
    /// Fails with all outputs that are in each other's way, or else with the circles.
    pub fn new(members: Vec<Member>) -> Result<Self, Vec<Fault>> {
        let mut trie = Trie::default();
        let mut faults = Vec::new();
        for (index, member) in members.iter().enumerate() {
            for path in &member.outs {
                if let Err(clash) = trie.insert(path, index) {
                    faults.push(fault(&members, index, path, clash, &trie));
                }
            }
        }
        for file in members.iter().map(|member| &member.file) {
            if let Some((stage, path)) = trie.holder(file)
                && !faults.iter().any(|fault| fault.path() == path)
            {
                faults.push(Fault::OwnFile {
                    path: path.to_owned(),
                    stage: (stage, members[stage].address()),
                    file: file.clone(),
                });
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut needs: Vec<Vec<usize>> = Vec::with_capacity(members.len());
        for member in &members {
            let mut found: Vec<usize> = Vec::new();
            let mut seen = std::collections::HashSet::new();
            for dep in &member.deps {
                found.extend(
                    trie.overlapping(dep)
                        .into_iter()
                        .filter(|maker| seen.insert(*maker)),
                );
            }
            needs.push(found);
        }
        let circles = order::circles(&needs);
        if !circles.is_empty() {
            return Err(circles
                .iter()
                .map(|circle| circle_fault(&members, circle))
                .collect());
        }
        let reads = needs.clone();
        for (needs, member) in needs.iter_mut().zip(&members) {
            if member.is_frozen {
                needs.clear();
            }
        }
        Ok(Self {
            members,
            needs,
            reads,
        })
    }

    /// The graph of the stages of several files.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn of(pipelines: &[&Pipeline]) -> Result<Self, Vec<Fault>> {
        let members = pipelines.iter().flat_map(|pipeline| {
            let stages = pipeline.stages.iter();
            stages.map(|stage| Member::of(&pipeline.file, stage))
        });
        Self::new(members.collect())
    }

    /// The stages, in the order in which they were given.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The stages that must have run before a stage does.
    #[must_use]
    pub fn needs(&self, member: usize) -> &[usize] {
        &self.needs[member]
    }

    /// The stages that make what a stage reads, whether it waits for them or is frozen.
    #[must_use]
    pub fn reads(&self, member: usize) -> &[usize] {
        &self.reads[member]
    }
}

impl Member {
    /// A stage of a `dvc.yaml`.
    #[must_use]
    pub fn of(file: &str, stage: &Stage) -> Self {
        let deps = stage.deps.iter();
        let params = stage.params.iter().map(|params| &params.path);
        Self {
            file: file.to_owned(),
            name: Some(stage.name.clone()),
            group: stage.group.clone(),
            deps: deps.chain(params).map(|path| stage.place(path)).collect(),
            outs: stage
                .outs
                .iter()
                .map(|out| stage.place(&out.path))
                .collect(),
            is_frozen: stage.is_frozen,
            action: match &stage.cmd {
                Command::One(text) => text.clone(),
                Command::Many(texts) => texts.join("\n"),
            },
        }
    }

    /// How DVC names it at the top of the repository: by its name, or by file and name.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.name {
            Some(name) if self.file == "dvc.yaml" => name.clone(),
            Some(name) => format!("{}:{name}", self.file),
            None => self.file.clone(),
        }
    }
}

fn fault(members: &[Member], index: usize, path: &str, clash: Clash, trie: &Trie) -> Fault {
    let stage = (index, members[index].address());
    match clash {
        Clash::Same(other) => Fault::Duplicate {
            path: path.to_owned(),
            stage,
            other: members[other].address(),
        },
        Clash::Overlap(other) => Fault::Overlap {
            path: path.to_owned(),
            other_path: trie.path(other).to_owned(),
            stage,
            other: members[trie.owner(other)].address(),
        },
    }
}

fn circle_fault(members: &[Member], circle: &[usize]) -> Fault {
    let first = &members[circle[0]];
    let next = &members[circle[1 % circle.len()]];
    let is_made = |dep: &&String| {
        let mut outs = next.outs.iter();
        outs.any(|out| out == *dep || trie::is_inside(dep, out) || trie::is_inside(out, dep))
    };
    Fault::Circle {
        stage: circle[0],
        names: circle
            .iter()
            .map(|member| members[*member].address())
            .collect(),
        path: first.deps.iter().find(is_made).cloned().unwrap_or_default(),
    }
}

impl Fault {
    /// The stage that it is about.
    #[must_use]
    pub fn stage(&self) -> usize {
        match self {
            Self::Duplicate { stage, .. }
            | Self::Overlap { stage, .. }
            | Self::OwnFile { stage, .. } => stage.0,
            Self::Circle { stage, .. } => *stage,
        }
    }

    /// The path that it is about.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Duplicate { path, .. }
            | Self::Overlap { path, .. }
            | Self::OwnFile { path, .. }
            | Self::Circle { path, .. } => path,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { path, stage, other } if stage.1 == *other => {
                write!(f, "stage `{other}` makes `{path}` twice")
            }
            Self::Duplicate { path, stage, other } => {
                write!(
                    f,
                    "`{path}` is made by the stages `{other}` and `{}`",
                    stage.1
                )
            }
            Self::Overlap {
                path,
                other_path,
                stage,
                other,
            } => write!(
                f,
                "`{path}` of stage `{}` and `{other_path}` of stage `{other}` lie in each other",
                stage.1
            ),
            Self::OwnFile { path, stage, file } => {
                write!(
                    f,
                    "`{path}`, which stage `{}` makes, holds `{file}`",
                    stage.1
                )
            }
            Self::Circle { names, .. } => {
                let first = names.first().map(String::as_str).unwrap_or_default();
                write!(
                    f,
                    "stages need each other in a circle: {} -> {first}",
                    names.join(" -> ")
                )
            }
        }
    }
}
