//! What `everloop metrics`, `params` and `plots` share: versions side by side, and how they are shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use everloop_engine::pipelines::{Problem, Snapshot};
use everloop_lifecycle::dvc::{Difference, Value, differences};
use everloop_versions::{RepoPath, Repository};
use serde_json::{Map, Value as Json, json};

use crate::environment;
use crate::exit::Exit;
use crate::output::{self, markdown_table, shortened};

/// The name of what is on disk, beside the names of git.
pub(crate) const WORKSPACE: &str = "workspace";

/// How a comparison is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// A table for people.
    #[default]
    Text,
    /// JSON for programs, in the shape of DVC's.
    Json,
    /// A table as GitHub shows it.
    Markdown,
}

/// The options that say how a comparison is shown.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Shown {
    /// Text for people, JSON for programs, or a Markdown table.
    #[arg(long, value_enum, default_value_t)]
    format: Form,

    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// The same as `--format markdown`.
    #[arg(long, conflicts_with_all = ["format", "json"])]
    md: bool,
}

impl Shown {
    pub(crate) fn form(self) -> Form {
        match (self.json, self.md) {
            (true, _) => Form::Json,
            (_, true) => Form::Markdown,
            _ => self.format,
        }
    }
}

/// The two versions of a comparison, and which files of them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Sides {
    /// The older version: a branch, a tag, a hash.
    #[arg(value_name = "A", default_value = "HEAD")]
    a: String,

    /// The newer version; `workspace` is what is on disk.
    #[arg(value_name = "B", default_value = WORKSPACE)]
    b: String,

    /// Compare these files or directories, whether `dvc.yaml` names them or not.
    #[arg(long, value_name = "PATH", num_args = 0..)]
    pub(crate) targets: Vec<PathBuf>,

    /// Show what has not changed, too.
    #[arg(long)]
    pub(crate) all: bool,

    /// Leave out the paths of files.
    #[arg(long)]
    pub(crate) no_path: bool,

    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// The values of files by path, and why some cannot be read.
pub(crate) type Files = Vec<(String, Result<Value, Problem>)>;

/// A repository, and the directory that paths are seen from.
pub(crate) struct Here {
    pub(crate) repository: Repository,
    dir: PathBuf,
    directory: RepoPath,
}

impl Here {
    /// The repository of the directory that was chosen, or of the current one.
    pub(crate) fn open(chosen: Option<&Path>) -> Result<Self> {
        let dir = std::env::current_dir()?;
        let dir = chosen.map_or(dir.clone(), |chosen| dir.join(chosen));
        let repository = Repository::open(&dir, &environment::machine())?;
        let dir = dir.canonicalize()?;
        let directory = RepoPath::of(repository.root(), &dir)?;
        Ok(Self {
            repository,
            dir,
            directory,
        })
    }

    /// The repository at a version, whose broken files are told.
    pub(crate) fn snapshot(&self, version: &str) -> Result<Snapshot<'_>> {
        let snapshot = if version == WORKSPACE || version.is_empty() {
            Snapshot::workspace(&self.repository)?
        } else {
            Snapshot::revision(&self.repository, version)?
        };
        for problem in snapshot.problems() {
            self.tell(version, problem);
        }
        Ok(snapshot)
    }

    /// Tells that a file of a version cannot be read.
    pub(crate) fn tell(&self, version: &str, problem: &Problem) {
        let version = if version.is_empty() {
            WORKSPACE
        } else {
            version
        };
        let path = self.shown_path(&problem.path);
        eprintln!("warning: {version}: `{path}`: {}", problem.message);
    }

    /// A path of the repository as it is named in the directory that the command was started in.
    pub(crate) fn shown_path(&self, path: &str) -> String {
        let names = |path: &str| -> Vec<String> {
            let names = path.split('/').filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        let (from, to) = (names(self.directory.as_str()), names(path));
        let n_common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let ups = std::iter::repeat_n("..", from.len() - n_common);
        let rest = to[n_common..].iter().map(String::as_str);
        ups.chain(rest).collect::<Vec<_>>().join("/")
    }

    /// A file that is named in the directory that the command was started in.
    pub(crate) fn file(&self, named: &Path) -> PathBuf {
        self.dir.join(named)
    }

    /// The paths in the repository of what people name.
    pub(crate) fn targets(&self, named: &[PathBuf]) -> Result<Vec<String>> {
        let paths = named.iter().map(|path| {
            let path = self.repository.path(&self.dir, path)?;
            Ok(path.as_str().to_owned())
        });
        paths.collect()
    }

    /// Reads both sides with `read`, and shows what differs. `title` is what a row is called.
    pub(crate) fn compare(
        &self,
        sides: &Sides,
        title: &str,
        precision: Option<usize>,
        read: impl Fn(&Snapshot) -> Result<Files>,
    ) -> Result<Exit> {
        let side = |version: &str| -> Result<BTreeMap<String, Value>> {
            let files = read(&self.snapshot(version)?)?;
            Ok(self.readable(version, files))
        };
        let (before, now) = (side(&sides.a)?, side(&sides.b)?);
        let paths: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let compared = paths.into_iter().map(|path| {
            let found = differences(before.get(path), now.get(path), sides.all);
            (self.shown_path(path), found)
        });
        let found: Vec<(String, Vec<Difference>)> =
            compared.filter(|(_, found)| !found.is_empty()).collect();
        let table = Table {
            title,
            sides,
            precision,
        };
        table.tell(&found);
        Ok(Exit::Ok)
    }

    /// The files that can be read; the others are told.
    fn readable(&self, version: &str, files: Files) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for (path, value) in files {
            match value {
                Ok(value) => {
                    values.insert(path, value);
                }
                Err(problem) => self.tell(version, &problem),
            }
        }
        values
    }
}

/// How differences become rows.
struct Table<'a> {
    title: &'a str,
    sides: &'a Sides,
    /// Digits after the point; none where values are not rounded and changes not shown.
    precision: Option<usize>,
}

impl Table<'_> {
    fn tell(&self, found: &[(String, Vec<Difference>)]) {
        let form = self.sides.shown.form();
        if form == Form::Json {
            let files = found
                .iter()
                .map(|(path, found)| (path.clone(), differences_json(found)));
            sayln!("{}", Json::Object(files.collect()));
            return;
        }
        if found.is_empty() {
            eprintln!("no {} differs", self.title.to_lowercase());
        } else {
            let (header, rows) = (self.header(), self.rows(found, form));
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            match form {
                Form::Markdown => say!("{}", markdown_table(&header, &rows)),
                _ => say!("{}", output::table(&header, &rows)),
            }
        }
    }

    fn header(&self) -> Vec<String> {
        let path = (!self.sides.no_path).then_some("Path");
        let change = self.precision.is_some().then_some("Change");
        let names = [self.title, &self.sides.a, &self.sides.b];
        let header = path.into_iter().chain(names).chain(change);
        header.map(str::to_owned).collect()
    }

    fn rows(&self, found: &[(String, Vec<Difference>)], form: Form) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for (path, found) in found {
            for one in found {
                let cell = |value: &Option<Value>| {
                    let value = value.as_ref();
                    value.map_or("-".to_owned(), |value| cell(value, self.precision))
                };
                let (mut before, mut now) = (cell(&one.before), cell(&one.now));
                if form == Form::Text {
                    (before, now) = shortened(&before, &now);
                }
                let path = (!self.sides.no_path).then(|| path.clone());
                let change = self.precision.map(|_| cell(&one.change));
                let values = [one.path.clone(), before, now];
                rows.push(path.into_iter().chain(values).chain(change).collect());
            }
        }
        rows
    }
}

/// A value as a cell of a table: numbers are rounded, lists and maps as Python writes them.
pub(crate) fn cell(value: &Value, precision: Option<usize>) -> String {
    match (value, precision) {
        (Value::Text(text), _) => text.clone(),
        (Value::Number(number), Some(precision)) if number.is_finite() => {
            let rounded = format!("{number:.precision$}").parse().unwrap_or(*number);
            let shown = if rounded == 0.0 && *number != 0.0 {
                // Small is not nothing.
                format!("{number:.*e}", precision.clamp(1, 3) - 1)
                    .parse()
                    .unwrap_or(*number)
            } else {
                rounded
            };
            Value::Number(shown).repr()
        }
        _ => value.repr(),
    }
}

fn differences_json(found: &[Difference]) -> Json {
    let json_of = |value: &Option<Value>| value.as_ref().map_or(Json::Null, Value::json);
    let rows = found.iter().map(|one| {
        let mut row = json!({"old": json_of(&one.before), "new": json_of(&one.now)});
        if let Some(change) = &one.change {
            row["diff"] = change.json();
        }
        (one.path.clone(), row)
    });
    Json::Object(rows.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_but_not_to_nothing() {
        let table = [
            (0.123_456_789, Some(5), "0.12346"),
            (1.0, Some(5), "1.0"),
            (1.23e-9, Some(5), "1.23e-09"),
            (-0.4, Some(0), "-0.4"),
            (f64::NAN, Some(5), "nan"),
            (0.123_456_789, None, "0.123456789"),
        ];
        for (number, precision, expected) in table {
            assert_eq!(cell(&Value::Number(number), precision), expected);
        }
        assert_eq!(cell(&Value::Text("a".into()), Some(5)), "a");
        assert_eq!(cell(&Value::Boolean(true), Some(5)), "True");
    }
}
