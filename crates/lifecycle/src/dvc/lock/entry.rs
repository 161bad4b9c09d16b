//! What a stage was run with, and what it made.

use crate::dvc::value::Value;

/// The command of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// One text; each of its lines is run by a shell of its own.
    One(String),
    /// Several texts, run after each other.
    Many(Vec<String>),
}

/// A file or directory as it was when its stage ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The path as `dvc.yaml` has it.
    pub path: String,
    /// The digest in hexadecimal digits, with `.dir` behind that of a directory; absent where a
    /// cloud's own tag or version stands for it.
    pub md5: Option<String>,
    /// Whether the digest is of DVC 2, which read line ends of texts as `\n`.
    pub is_legacy: bool,
    /// The size of all files, in bytes.
    pub size_bytes: Option<u64>,
    /// The number of files of a directory.
    pub n_files: Option<u64>,
    /// Whether the file can be executed.
    pub is_executable: bool,
    /// All other keys (of clouds and data sets), kept as they are.
    pub others: Vec<(String, OtherValue)>,
}

/// A value that is kept as it is. Its only use is to be written again.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherValue(pub Value);

impl Eq for OtherValue {}

/// What `dvc.lock` knows of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageLock {
    /// The command, with everything put in.
    pub cmd: Command,
    /// What the stage read.
    pub deps: Vec<Recorded>,
    /// The files of parameters, with the name and value of each parameter.
    pub params: Vec<(String, Vec<(String, Value)>)>,
    /// What the stage made.
    pub outs: Vec<Recorded>,
}

impl StageLock {
    /// The value in the order in which DVC writes it: paths, files of parameters and parameters are
    /// sorted, `params.yaml` comes first.
    pub(in crate::dvc) fn to_value(&self) -> Value {
        let mut entries = vec![(text("cmd"), self.cmd.to_value())];
        let sorted = |records| Value::List(sorted(records).map(Recorded::to_value).collect());
        if !self.deps.is_empty() {
            entries.push((text("deps"), sorted(&self.deps)));
        }
        if !self.params.is_empty() {
            entries.push((text("params"), self.params_value()));
        }
        if !self.outs.is_empty() {
            entries.push((text("outs"), sorted(&self.outs)));
        }
        Value::Map(entries)
    }

    /// What the stage made, in the order of the paths.
    pub(in crate::dvc) fn sorted_outs(&self) -> impl Iterator<Item = &Recorded> {
        sorted(&self.outs)
    }

    fn params_value(&self) -> Value {
        let mut files: Vec<_> = self.params.iter().collect();
        files.sort_by_key(|(path, _)| (path != super::super::DEFAULT_PARAMS, path));
        let files = files.into_iter().map(|(path, params)| {
            let mut params: Vec<_> = params.iter().collect();
            params.sort_by(|(one, _), (other, _)| one.cmp(other));
            let params = params
                .into_iter()
                .map(|(key, value)| (text(key), value.clone()));
            (text(path), Value::Map(params.collect()))
        });
        Value::Map(files.collect())
    }
}

impl Command {
    fn to_value(&self) -> Value {
        match self {
            Self::One(line) => text(line),
            Self::Many(lines) => Value::List(lines.iter().map(|line| text(line)).collect()),
        }
    }
}

impl Recorded {
    fn to_value(&self) -> Value {
        let mut entries = vec![(text("path"), text(&self.path))];
        if !self.is_legacy {
            entries.push((text("hash"), text("md5")));
        }
        if let Some(md5) = &self.md5 {
            entries.push((text("md5"), text(md5)));
        }
        for (key, number) in [("size", self.size_bytes), ("nfiles", self.n_files)] {
            if let Some(number) = number {
                entries.push((text(key), Value::Integer(i128::from(number))));
            }
        }
        if self.is_executable {
            entries.push((text("isexec"), Value::Boolean(true)));
        }
        let others = self.others.iter();
        entries.extend(others.map(|(key, value)| (text(key), value.0.clone())));
        Value::Map(entries)
    }
}

fn sorted(records: &[Recorded]) -> impl Iterator<Item = &Recorded> {
    let mut records: Vec<&Recorded> = records.iter().collect();
    records.sort_by(|one, other| one.path.cmp(&other.path));
    records.into_iter()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
