//! The remotes that are set.

use std::path::Path;

use crate::config::{is_url, relative, remote_section};
use crate::repository::Repository;
use crate::{Error, config};

impl Repository {
    /// Sets a remote. A relative place is seen from `from`, and written as seen from `.dvc`, as DVC does it.
    ///
    /// # Errors
    ///
    /// Fails if there is one of this name and `is_forced` is not set, or if the file cannot be written.
    pub fn add_remote(
        &self,
        from: &Path,
        (name, place): (&str, &str),
        (is_default, is_forced, is_local): (bool, bool, bool),
    ) -> Result<(), Error> {
        let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(Error::Path {
                path: name.to_owned(),
                problem: "a remote has letters, digits, `-`, `_` and `.` in its name".to_owned(),
            });
        }
        let section = remote_section(name);
        let mut file = self.config_file(is_local)?;
        if file.has_section(&section) && !is_forced {
            return Err(Error::Conflict {
                what: format!("there is a remote `{name}`; `--force` replaces it"),
            });
        }
        let url = if is_url(place) || place.starts_with('/') || place.starts_with('~') {
            place.to_owned()
        } else {
            relative(
                &self.root().join(".dvc"),
                &config::lexical(&from.join(place)),
            )
        };
        if is_default {
            file.set("core", "remote", name);
        }
        file.remove_section(&section);
        file.set(&section, "url", &url);
        file.save()
    }

    /// Makes a remote the default.
    ///
    /// # Errors
    ///
    /// Fails if there is no such remote, or if the file cannot be written.
    pub fn set_default_remote(&self, name: &str, is_local: bool) -> Result<(), Error> {
        if !self
            .config()
            .remotes()
            .iter()
            .any(|(known, _)| *known == name)
        {
            return Err(Error::NotFound {
                what: format!(
                    "there is no remote `{name}`; `everloop data remote list` tells which there are"
                ),
            });
        }
        let mut file = self.config_file(is_local)?;
        file.set("core", "remote", name);
        file.save()
    }
}
