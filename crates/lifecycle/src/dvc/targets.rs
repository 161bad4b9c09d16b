//! What people name to be run: stages, groups, files.

use super::graph::{Graph, Member};
use super::path;

/// A target of the command line: `train`, `train@a`, `sub/dvc.yaml`, `sub/dvc.yaml:train`,
/// `data.dvc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The file, relative to the working directory; `dvc.yaml` where none is named.
    pub file: String,
    /// The stage or group; all stages of the file where none is named.
    pub name: Option<String>,
}

impl Target {
    /// Reads a target. Names win over paths: only `dvc.yaml` and `*.dvc` are taken for files.
    #[must_use]
    pub fn parse(target: &str) -> Self {
        let is_file = |path: &str| {
            path.strip_suffix(".dvc").is_some() || path.rsplit('/').next() == Some("dvc.yaml")
        };
        let (group, key) = match target.split_once('@') {
            Some((group, key)) => (group, Some(key)),
            None => (target, None),
        };
        let (path, name) = match group.rsplit_once(':') {
            Some((path, name)) if !name.contains(['/', '\\']) => (path, Some(name)),
            _ => (group, None),
        };
        let name = name.filter(|name| !name.is_empty()).map(|name| match key {
            Some(key) => format!("{name}@{key}"),
            None => name.to_owned(),
        });
        if name.is_none() && !is_file(target) {
            return Self {
                file: "dvc.yaml".to_owned(),
                name: Some(target.to_owned()),
            };
        }
        let file = match (&name, path) {
            (None, _) => target,
            (Some(_), "") => "dvc.yaml",
            (Some(_), path) => path,
        };
        Self {
            file: file.to_owned(),
            name,
        }
    }
}

impl Graph {
    /// The stages that a target means, given the working directory in the repository; none if it
    /// means nothing here.
    #[must_use]
    pub fn find(&self, target: &Target, directory: &str) -> Vec<usize> {
        let file = path::join(directory, &target.file);
        let of_file = |member: &&(usize, &Member)| member.1.file == file;
        let members: Vec<(usize, &Member)> = self.members().iter().enumerate().collect();
        let in_file = members.iter().filter(of_file);
        let Some(name) = &target.name else {
            return in_file.map(|(at, _)| *at).collect();
        };
        let of_group = in_file
            .clone()
            .filter(|(_, member)| member.group.as_ref() == Some(name));
        let group: Vec<usize> = of_group.map(|(at, _)| *at).collect();
        if !group.is_empty() {
            return group;
        }
        let named = in_file.filter(|(_, member)| member.name.as_ref() == Some(name));
        named.map(|(at, _)| *at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_names_or_files() {
        let table = [
            ("train", "dvc.yaml", Some("train")),
            ("train@a:b", "dvc.yaml", Some("train@a:b")),
            ("dvc.yaml", "dvc.yaml", None),
            ("../x/dvc.yaml:train@1", "../x/dvc.yaml", Some("train@1")),
            (":train", "dvc.yaml", Some("train")),
            ("data/raw.dvc", "data/raw.dvc", None),
            ("data/raw", "dvc.yaml", Some("data/raw")),
        ];
        for (text, file, name) in table {
            let target = Target::parse(text);
            assert_eq!(
                (target.file.as_str(), target.name.as_deref()),
                (file, name),
                "{text}"
            );
        }
    }
}
