//! Settings of DVC's configuration, one by one (`dvc config`, `dvc cache dir`).

use std::path::{Path, PathBuf};

use crate::Error;
use crate::config::{self, ConfigFile, is_url, relative, remote_section};
use crate::links::Links;
use crate::remote_options::{has_option, truth};
use crate::repository::Repository;

/// The settings that DVC 3 knows beside those of remotes; it refuses to start with any other.
const KNOWN: [(&str, &[&str]); 10] = [
    (
        "core",
        &[
            "remote",
            "interactive",
            "analytics",
            "hardlink_lock",
            "no_scm",
            "autostage",
            "experiments",
            "check_update",
            "site_cache_dir",
            "machine",
            "checksum_jobs",
        ],
    ),
    (
        "cache",
        &["dir", "type", "shared", "slow_link_warning", "local"],
    ),
    ("state", &["dir", "row_limit", "row_cleanup_quota"]),
    ("index", &["dir"]),
    ("parsing", &["bool", "list"]),
    (
        "exp",
        &[
            "code",
            "data",
            "models",
            "metrics",
            "params",
            "plots",
            "live",
            "auto_push",
            "git_remote",
        ],
    ),
    (
        "hydra",
        &[
            "enabled",
            "config_dir",
            "config_name",
            "plugins_path",
            "config_module",
        ],
    ),
    ("plots", &["html_template", "auto_open", "out_dir"]),
    ("studio", &["token", "url", "offline", "repo_url"]),
    ("feature", &["machine"]),
];

/// Settings that are yes or no.
const TRUTHS: [&str; 10] = [
    "core.interactive",
    "core.analytics",
    "core.hardlink_lock",
    "core.no_scm",
    "core.autostage",
    "core.check_update",
    "cache.slow_link_warning",
    "exp.auto_push",
    "hydra.enabled",
    "plots.auto_open",
];

/// A setting, and the file that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name: `core.remote`, `remote.NAME.url`.
    pub name: String,
    /// Its value, as it is written.
    pub value: String,
    /// The file.
    pub file: PathBuf,
}

impl Repository {
    /// All settings that hold, in the order of their names.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read.
    pub fn settings(&self) -> Result<Vec<Setting>, Error> {
        let inner = self.root().join(".dvc");
        let own = [inner.join("config"), inner.join("config.local")];
        let mut found: Vec<Setting> = Vec::new();
        for file in self.machine().config_files.iter().chain(&own) {
            for (section, key, value) in ConfigFile::load(file)?.values()? {
                let name = format!("{}.{key}", shown(&section));
                // The later file wins.
                found.retain(|one| one.name != name);
                found.push(Setting {
                    name,
                    value,
                    file: file.clone(),
                });
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// Sets a setting, or without a value removes it.
    ///
    /// # Errors
    ///
    /// Fails if DVC knows no such setting or value, if what is removed is not there, or if the file cannot be written.
    pub fn change_setting(
        &self,
        name: &str,
        value: Option<&str>,
        is_local: bool,
    ) -> Result<(), Error> {
        let (section, key) = self.section_of(name)?;
        let mut file = self.config_file(is_local)?;
        match value {
            Some(value) => {
                check_value(name, value)?;
                file.set(&section, &key, value);
            }
            None if file.unset(&section, &key) => {}
            None => {
                return Err(Error::NotFound {
                    what: format!("`{name}` is not set there"),
                });
            }
        }
        file.save()
    }

    /// Has the cache somewhere else, or without a place where it is by default. A relative place is seen from `from`. What is in
    /// the cache stays where it is.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub fn change_cache_dir(
        &self,
        from: &Path,
        place: Option<&str>,
        is_local: bool,
    ) -> Result<(), Error> {
        let written = |place: &str| {
            if Path::new(place).is_absolute() || is_url(place) {
                return place.to_owned();
            }
            let inner = self.root().join(".dvc");
            relative(&inner, &config::lexical(&from.join(place)))
        };
        let place = place.map(written);
        self.change_setting("cache.dir", place.as_deref(), is_local)
    }

    /// The section and key of a setting.
    fn section_of(&self, name: &str) -> Result<(String, String), Error> {
        let name = name.trim();
        let unknown = || Error::NotFound {
            what: format!("DVC knows no setting `{name}`, and would refuse to start with it"),
        };
        let (section, key) = name.rsplit_once('.').ok_or_else(unknown)?;
        let key = key.to_lowercase();
        let (kind, rest) = section.split_once('.').unwrap_or((section, ""));
        match (kind.to_lowercase().as_str(), rest) {
            ("remote", remote) if !remote.is_empty() => {
                let section = remote_section(remote);
                let url = self.config().get(&section, "url").unwrap_or_default();
                if key != "url" && !has_option(url, &key) {
                    return Err(unknown());
                }
                Ok((section, key))
            }
            (kind, "") => {
                let known = KNOWN.iter().find(|(known, _)| *known == kind);
                let is_known = known.is_some_and(|(_, keys)| keys.contains(&key.as_str()));
                is_known.then(|| (kind.to_owned(), key)).ok_or_else(unknown)
            }
            _ => Err(unknown()),
        }
    }
}

fn check_value(name: &str, value: &str) -> Result<(), Error> {
    let name = name.trim().to_lowercase();
    if value.contains(['\n', '\r']) || (value.contains('"') && value.contains('\'')) {
        let problem = "a value is of one line, and has one kind of quotes at most";
        return Err(Error::form(name, problem));
    }
    if TRUTHS.contains(&name.as_str()) && truth(value).is_none() {
        return Err(Error::form(
            name,
            format!("`{value}` is neither `true` nor `false`"),
        ));
    }
    match name.as_str() {
        "cache.type" => Links::parse(Some(value)).map(drop),
        "cache.shared" if value != "group" => {
            Err(Error::form(name, format!("`{value}` is not `group`")))
        }
        _ => Ok(()),
    }
}

/// The name of a section in names of settings.
fn shown(section: &str) -> String {
    let named = section.split_once(" \"").and_then(|(kind, name)| {
        let name = name.strip_suffix('"')?;
        Some(format!("{kind}.{name}"))
    });
    named.unwrap_or_else(|| section.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Machine;

    fn set(repository: &Repository, name: &str, value: Option<&str>) -> Result<(), String> {
        let changed = repository.change_setting(name, value, false);
        changed.map_err(|error| error.to_string())
    }

    #[test]
    fn settings_are_set_told_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init(dir.path(), &Machine::default()).unwrap();
        set(&repository, "core.autostage", Some("true")).unwrap();
        set(&repository, "cache.type", Some("hardlink,copy")).unwrap();
        repository
            .change_setting("cache.type", Some("copy"), true)
            .unwrap();
        let found = repository.settings().unwrap();
        let told: Vec<(&str, &str)> = found
            .iter()
            .map(|one| (one.name.as_str(), one.value.as_str()))
            .collect();
        let expected = [
            ("cache.type", "copy"),
            ("core.autostage", "true"),
            ("core.no_scm", "True"),
        ];
        assert_eq!(told, expected);
        assert!(found[0].file.ends_with("config.local"));
        set(&repository, "core.autostage", None).unwrap();
        let error = set(&repository, "core.autostage", None).unwrap_err();
        assert!(error.contains("is not set there"), "{error}");
    }

    #[test]
    fn what_dvc_would_not_start_with_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init(dir.path(), &Machine::default()).unwrap();
        for (name, value, words) in [
            ("core.nothing", "x", "DVC knows no setting"),
            ("nothing", "x", "DVC knows no setting"),
            ("remote.main.nothing", "x", "DVC knows no setting"),
            ("core.autostage", "maybe", "neither `true` nor `false`"),
            ("cache.type", "magic", "`magic` is none of"),
            ("cache.shared", "all", "is not `group`"),
        ] {
            let error = set(&repository, name, Some(value)).unwrap_err();
            assert!(error.contains(words), "{name}: {error}");
        }
        set(&repository, "remote.main.url", Some("/x")).unwrap();
    }

    #[test]
    fn sections_are_shown_as_people_name_them() {
        assert_eq!(shown("core"), "core");
        assert_eq!(shown("remote \"a.b\""), "remote.a.b");
    }
}
