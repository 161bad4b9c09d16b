//! The remotes that are set.
//!
//! What DVC knows stands in DVC's files. It refuses options that it does not know, so what only Everloop knows stands in
//! `.dvc/everloop`, in sections of the same names:
//!
//! ```text
//! ['remote "name"']
//!     chunks = true
//! ```

use std::path::Path;

use crate::config::{ConfigFile, is_place, is_url, relative, remote_section};
use crate::remote_options::{Options, absent, has_option, truth};
use crate::repository::Repository;
use crate::{Error, config};

/// What people call the option that DVC does not know.
const CHUNKS_OPTION: &str = "everloop_chunks";
const CHUNKS: &str = "chunks";

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
        check_name(name)?;
        let section = remote_section(name);
        let mut file = self.config_file(is_local)?;
        if file.has_section(&section) && !is_forced {
            return Err(Error::Conflict {
                what: format!("there is a remote `{name}`; `--force` replaces it"),
            });
        }
        if is_default {
            file.set("core", "remote", name);
        }
        file.remove_section(&section);
        file.set(&section, "url", &self.as_written(from, place));
        file.save()
    }

    /// Makes a remote the default.
    ///
    /// # Errors
    ///
    /// Fails if there is no such remote, or if the file cannot be written.
    pub fn set_default_remote(&self, name: &str, is_local: bool) -> Result<(), Error> {
        self.check_there(name)?;
        let mut file = self.config_file(is_local)?;
        file.set("core", "remote", name);
        file.save()
    }

    /// Makes no remote the default.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub fn unset_default_remote(&self, is_local: bool) -> Result<(), Error> {
        let mut file = self.config_file(is_local)?;
        file.unset("core", "remote");
        file.save()
    }

    /// Sets an option of a remote, or without a value removes it. Relative paths are seen from `from`.
    ///
    /// # Errors
    ///
    /// Fails if there is no such remote or option, or if the file cannot be written.
    pub fn modify_remote(
        &self,
        from: &Path,
        (name, option, value): (&str, &str, Option<&str>),
        is_local: bool,
    ) -> Result<(), Error> {
        self.check_there(name)?;
        let option = option.to_lowercase();
        let section = remote_section(name);
        if option == CHUNKS_OPTION {
            let mut file = own_file(self.root())?;
            match value.map(truth) {
                None | Some(Some(false)) => drop(file.unset(&section, CHUNKS)),
                Some(Some(true)) => file.set(&section, CHUNKS, "true"),
                Some(None) => {
                    let words = format!("`{CHUNKS_OPTION}` is `true` or `false`");
                    return Err(Error::form(section, words));
                }
            }
            return file.save();
        }
        let mut file = self.config_file(is_local)?;
        let Some(value) = value else {
            file.unset(&section, &option);
            return file.save();
        };
        let url = match option.as_str() {
            "url" => value.to_owned(),
            _ => Options::of(self.config(), name)?.url,
        };
        if !has_option(&url, &option) {
            return Err(Error::form(
                section,
                format!("`{option}` is no option of a remote at `{url}`"),
            ));
        }
        let value = if is_place(&option) {
            self.as_written(from, value)
        } else {
            value.to_owned()
        };
        file.set(&section, &option, &value);
        file.save()
    }

    /// Forgets a remote. Its objects stay where they are.
    ///
    /// # Errors
    ///
    /// Fails if there is no such remote in the file, or if the file cannot be written.
    pub fn remove_remote(&self, name: &str, is_local: bool) -> Result<(), Error> {
        let section = remote_section(name);
        let mut file = self.config_file(is_local)?;
        if !file.remove_section(&section) {
            return Err(absent(name));
        }
        file.save()?;
        for is_local in [false, true] {
            let mut file = self.config_file(is_local)?;
            if file.get("core", "remote").as_deref() == Some(name) {
                file.unset("core", "remote");
                file.save()?;
            }
        }
        let mut own = own_file(self.root())?;
        if own.remove_section(&section) {
            own.save()?;
        }
        Ok(())
    }

    /// Gives a remote another name, in every file of the repository that has it.
    ///
    /// # Errors
    ///
    /// Fails if there is no such remote, if the other name is taken, or if a file cannot be written.
    pub fn rename_remote(&self, name: &str, new: &str) -> Result<(), Error> {
        check_name(new)?;
        self.check_there(name)?;
        if self.config().get(&remote_section(new), "url").is_some() {
            return Err(Error::Conflict {
                what: format!("there is a remote `{new}`; remove it, or choose another name"),
            });
        }
        let files = [self.config_file(false)?, self.config_file(true)?];
        for mut file in files.into_iter().chain([own_file(self.root())?]) {
            let mut is_changed = file.rename_section(&remote_section(name), &remote_section(new));
            if file.get("core", "remote").as_deref() == Some(name) {
                file.set("core", "remote", new);
                is_changed = true;
            }
            if is_changed {
                file.save()?;
            }
        }
        Ok(())
    }

    fn check_there(&self, name: &str) -> Result<(), Error> {
        let is_there = self.config().get(&remote_section(name), "url").is_some();
        is_there.then_some(()).ok_or_else(|| absent(name))
    }

    /// A place as it is written.
    fn as_written(&self, from: &Path, place: &str) -> String {
        if is_url(place) || place.starts_with('/') || place.starts_with('~') {
            return place.to_owned();
        }
        relative(
            &self.root().join(".dvc"),
            &config::lexical(&from.join(place)),
        )
    }
}

/// Whether large objects of a remote go in chunks.
pub(crate) fn has_chunks(root: &Path, name: &str) -> Result<bool, Error> {
    let value = own_file(root)?.get(&remote_section(name), CHUNKS);
    Ok(value.as_deref().and_then(truth) == Some(true))
}

/// What only Everloop knows of the repository.
fn own_file(root: &Path) -> Result<ConfigFile, Error> {
    ConfigFile::load(&root.join(".dvc/everloop"))
}

fn check_name(name: &str) -> Result<(), Error> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(Error::Path {
        path: name.to_owned(),
        problem: "a remote has letters, digits, `-`, `_` and `.` in its name".to_owned(),
    })
}
