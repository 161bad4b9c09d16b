//! What DVC's configuration says of a remote, and how the remote is reached by it.
//!
//! Options that are not honoured are never passed over in silence: those without which data would be kept otherwise than
//! asked, or which nobody knows, are errors; the others are told as notes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use everloop_artifacts::{Location, SshLocation, WebLocation};

use crate::config::{Config, is_url, remote_section};
use crate::{Error, aws_profile, azure_settings};

/// How many remotes may be based on each other.
const MAX_DEPTH: usize = 8;

/// What is set of a remote.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) name: String,
    /// Where it is; no `remote://` any more.
    pub(crate) url: String,
    values: BTreeMap<String, String>,
}

/// How a remote is reached.
#[derive(Debug)]
pub(crate) enum Reach {
    /// A directory of this machine.
    Dir(PathBuf),
    /// Elsewhere.
    Elsewhere(Location),
}

/// What is done about an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Support {
    /// It is done, or changes nothing that anybody could see.
    Honoured,
    /// It is not done, and that is told.
    Noted(&'static str),
    /// It cannot be done, and nothing is done without it.
    Refused(&'static str),
    /// As [`Support::Refused`], if it is set to yes.
    RefusedIfSet(&'static str),
}

use Support::{Honoured, Noted, Refused, RefusedIfSet};

type Table = &'static [(&'static str, Support)];

const NO_VERSIONS: &str = "versions of the cloud itself are not supported; use a remote without it";
const NO_QUESTIONS: &str = "nobody is asked; use a key or an agent of `ssh`";
const OF_SSH: &str = "the settings of `ssh` decide";
const NO_GRANTS: &str = "rights on single objects are not set; set them on the bucket";

const COMMON: Table = &[
    ("url", Honoured),
    ("jobs", Honoured),
    ("checksum_jobs", Honoured),
    ("no_traverse", Honoured),
    ("verify", Honoured),
    ("worktree", RefusedIfSet(NO_VERSIONS)),
    ("version_aware", RefusedIfSet(NO_VERSIONS)),
];
const DIR: Table = &[
    ("type", Honoured),
    ("protected", Honoured),
    ("slow_link_warning", Honoured),
    ("shared", Noted("files get the modes of this user")),
];
const S3: Table = &[
    ("region", Honoured),
    ("profile", Honoured),
    ("credentialpath", Honoured),
    ("configpath", Honoured),
    ("endpointurl", Honoured),
    ("access_key_id", Honoured),
    ("secret_access_key", Honoured),
    ("session_token", Honoured),
    ("listobjects", Honoured),
    ("use_ssl", Honoured),
    ("allow_anonymous_login", Honoured),
    ("ssl_verify", Honoured),
    ("sse", Honoured),
    ("sse_kms_key_id", Honoured),
    ("cache_regions", Honoured),
    ("read_timeout", Honoured),
    ("connect_timeout", Honoured),
    (
        "sse_customer_algorithm",
        Refused("keys of customers are not sent"),
    ),
    (
        "sse_customer_key",
        Refused("keys of customers are not sent"),
    ),
    ("acl", Refused(NO_GRANTS)),
    ("grant_read", Refused(NO_GRANTS)),
    ("grant_read_acp", Refused(NO_GRANTS)),
    ("grant_write_acp", Refused(NO_GRANTS)),
    ("grant_full_control", Refused(NO_GRANTS)),
];
const GS: Table = &[
    ("projectname", Honoured),
    ("credentialpath", Honoured),
    ("endpointurl", Honoured),
    ("allow_anonymous_login", Honoured),
];
const AZURE: Table = &[
    ("connection_string", Honoured),
    ("sas_token", Honoured),
    ("account_name", Honoured),
    ("account_key", Honoured),
    ("tenant_id", Honoured),
    ("client_id", Honoured),
    ("client_secret", Honoured),
    ("allow_anonymous_login", Honoured),
    ("timeout", Honoured),
    ("read_timeout", Honoured),
    ("connection_timeout", Honoured),
    (
        "exclude_environment_credential",
        Noted("what is set in the environment is used"),
    ),
    ("exclude_visual_studio_code_credential", Honoured),
    ("exclude_shared_token_cache_credential", Honoured),
    (
        "exclude_managed_identity_credential",
        Noted("an identity of the machine is used where nothing else is set"),
    ),
];
const SSH: Table = &[
    ("type", Honoured),
    ("port", Honoured),
    ("user", Honoured),
    ("keyfile", Honoured),
    ("timeout", Honoured),
    ("max_sessions", Honoured),
    ("password", Refused(NO_QUESTIONS)),
    ("passphrase", Refused(NO_QUESTIONS)),
    ("ask_password", RefusedIfSet(NO_QUESTIONS)),
    ("ask_passphrase", RefusedIfSet(NO_QUESTIONS)),
    ("gss_auth", Noted(OF_SSH)),
    ("allow_agent", Noted(OF_SSH)),
];
const HTTP: Table = &[
    ("auth", Honoured),
    ("custom_auth_header", Honoured),
    ("user", Honoured),
    ("password", Honoured),
    ("ssl_verify", Honoured),
    ("connect_timeout", Honoured),
    ("read_timeout", Honoured),
    ("method", Noted("web servers are only read")),
    (
        "ask_password",
        RefusedIfSet("nobody is asked; set `password` with `--local`"),
    ),
];

/// The options of a kind of remote beside the common ones; `None`: there is no such kind here.
fn table(url: &str) -> Option<Table> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    Some(match scheme {
        "" | "file" => DIR,
        "s3" => S3,
        "gs" => GS,
        "azure" => AZURE,
        "ssh" => SSH,
        "http" | "https" => HTTP,
        _ => return None,
    })
}

impl Options {
    /// What is set of a remote, and of those that it is based on.
    pub(crate) fn of(config: &Config, name: &str) -> Result<Self, Error> {
        let mut values = BTreeMap::new();
        let (mut section, mut below) = (name.to_owned(), Vec::new());
        for _ in 0..MAX_DEPTH {
            for (key, value) in config.section(&remote_section(&section)) {
                values
                    .entry(key.to_owned())
                    .or_insert_with(|| value.to_owned());
            }
            let url = config.get(&remote_section(&section), "url");
            let url = url.ok_or_else(|| absent(&section))?;
            let Some(base) = url.strip_prefix("remote://") else {
                let mut url = url.to_owned();
                for path in below.iter().rev() {
                    url = format!("{}/{path}", url.trim_end_matches('/'));
                }
                let name = name.to_owned();
                return Ok(Self { name, url, values });
            };
            let (base, path) = base.split_once('/').unwrap_or((base, ""));
            if !path.is_empty() {
                below.push(path.to_owned());
            }
            section = base.to_owned();
        }
        Err(Error::form(
            format!("remote \"{name}\""),
            "the remotes that it is based on lead back to it",
        ))
    }

    /// What is set of a place that is no remote: a URL, or one below a remote (`remote://name/path`).
    pub(crate) fn of_place(config: &Config, place: &str) -> Result<Self, Error> {
        let Some(below) = place.strip_prefix("remote://") else {
            return Ok(Self {
                name: place.to_owned(),
                url: place.to_owned(),
                values: BTreeMap::new(),
            });
        };
        let (name, path) = below.split_once('/').unwrap_or((below, ""));
        let mut options = Self::of(config, name)?;
        if !path.is_empty() {
            options.url = format!("{}/{path}", options.url.trim_end_matches('/'));
        }
        Ok(options)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Whether an option is set to yes, as DVC reads it.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.get(key).is_some_and(is_yes)
    }

    /// How many objects go at once, if it is set.
    pub(crate) fn jobs(&self) -> Option<usize> {
        self.get("jobs").and_then(|jobs| jobs.parse().ok())
    }

    /// What is set and not done, in words.
    ///
    /// # Errors
    ///
    /// Fails if something is set without which nothing may be done.
    pub(crate) fn notes(&self) -> Result<Vec<String>, Error> {
        let own = table(&self.url).ok_or_else(|| self.refused(NO_PLACE))?;
        let mut notes = Vec::new();
        for (key, value) in &self.values {
            let mut known = COMMON.iter().chain(own).filter(|(name, _)| name == key);
            match known.next().map(|(_, support)| *support) {
                Some(Noted(words)) => notes.push(format!(
                    "remote `{}`: `{key}` is not honoured: {words}",
                    self.name
                )),
                Some(Refused(words)) => return Err(self.refused_option(key, words)),
                Some(RefusedIfSet(words)) if is_yes(value) => {
                    return Err(self.refused_option(key, words));
                }
                Some(Honoured | RefusedIfSet(_)) => {}
                None => return Err(self.refused_option(key, "it is no option of such a place")),
            }
        }
        Ok(notes)
    }

    /// How the remote is reached, with what the environment says.
    pub(crate) fn reach(&self, environment: &[(String, String)]) -> Result<Reach, Error> {
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        Ok(Reach::Elsewhere(match scheme {
            "" | "file" => {
                let place = self.url.strip_prefix("file://").unwrap_or(&self.url);
                return Ok(Reach::Dir(expanded(place, environment)));
            }
            "s3" => Location::Bucket {
                url: self.url.clone(),
                settings: aws_profile::settings(self, environment)?,
            },
            "gs" => Location::Bucket {
                url: self.url.clone(),
                settings: self.gs(environment),
            },
            "azure" => Location::Bucket {
                url: self.url.replacen("azure://", "az://", 1),
                settings: azure_settings::settings(self, environment)?,
            },
            "http" | "https" => Location::Web(self.web(environment)?),
            "ssh" => Location::Ssh(self.ssh(environment)?),
            _ => return Err(self.refused(NO_PLACE)),
        }))
    }

    fn gs(&self, environment: &[(String, String)]) -> Vec<(String, String)> {
        let mut settings = starting(environment, "GOOGLE_");
        let mut set = |name: &str, value: String| settings.push((name.to_owned(), value));
        if let Some(path) = self.get("credentialpath") {
            let path = expanded(path, environment);
            set("google_application_credentials", path.display().to_string());
        }
        if let Some(url) = self.get("endpointurl") {
            set("google_base_url", url.to_owned());
            set("allow_http", url.starts_with("http://").to_string());
        }
        if self.is_set("allow_anonymous_login") {
            set("google_skip_signature", "true".to_owned());
        }
        settings
    }

    fn web(&self, environment: &[(String, String)]) -> Result<WebLocation, Error> {
        let mut location = WebLocation {
            url: self.url.clone(),
            connect_timeout: self.seconds("connect_timeout")?,
            read_timeout: self.seconds("read_timeout")?,
            ..WebLocation::default()
        };
        match self.get("ssl_verify").map(|value| (value, truth(value))) {
            Some((_, Some(is_checked))) => location.accepts_any_certificate = !is_checked,
            Some((path, None)) => location.certificate = Some(expanded(path, environment)),
            None => {}
        }
        let needed = |key: &str, auth: &str| {
            let value = self.get(key).map(str::to_owned);
            value.ok_or_else(|| self.refused(&format!("`auth = {auth}` needs `{key}`, too")))
        };
        match self.get("auth").map(str::to_lowercase).as_deref() {
            None => {}
            Some("basic") => {
                location.login = Some((needed("user", "basic")?, needed("password", "basic")?));
            }
            Some("custom") => {
                let header = needed("custom_auth_header", "custom")?;
                location.header = Some((header, needed("password", "custom")?));
            }
            Some(other) => {
                let words = format!("`auth = {other}` is not supported; `basic` and `custom` are");
                return Err(self.refused(&words));
            }
        }
        Ok(location)
    }

    fn ssh(&self, environment: &[(String, String)]) -> Result<SshLocation, Error> {
        let rest = self.url.strip_prefix("ssh://").unwrap_or(&self.url);
        let (machine, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, machine) = match machine.rsplit_once('@') {
            Some((user, machine)) => (Some(user), machine),
            None => (None, machine),
        };
        let (host, port) = match machine.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') => (host, Some(port)),
            _ => (machine, None),
        };
        let is_option = |text: &str| text.starts_with('-');
        if host.is_empty() || is_option(host) || user.is_some_and(is_option) {
            return Err(self.refused("it names no machine"));
        }
        let port = self.get("port").or(port);
        let parsed = port.map(|port| {
            let refused = |_| self.refused(&format!("`{port}` is no port"));
            port.parse().map_err(refused)
        });
        Ok(SshLocation {
            host: host.trim_matches(['[', ']']).to_owned(),
            user: self.get("user").or(user).map(str::to_owned),
            port: parsed.transpose()?,
            keyfile: self.get("keyfile").map(|file| expanded(file, environment)),
            path: format!("/{path}"),
            connect_timeout: self.seconds("timeout")?,
        })
    }

    /// A time that is set in seconds.
    pub(crate) fn seconds(&self, key: &str) -> Result<Option<Duration>, Error> {
        let read = |text: &str| {
            let seconds = text.parse().ok();
            let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            time.ok_or_else(|| self.refused(&format!("`{key} = {text}` is no time in seconds")))
        };
        self.get(key).map(read).transpose()
    }

    fn refused_option(&self, key: &str, words: &str) -> Error {
        self.refused(&format!("its option `{key}` is not supported: {words}"))
    }

    pub(crate) fn refused(&self, problem: &str) -> Error {
        let place = format!("remote \"{}\" (`{}`)", self.name, self.url);
        Error::form(place, problem)
    }
}

const NO_PLACE: &str =
    "there are directories, `s3://`, `gs://`, `azure://`, `ssh://`, `http://` and `https://`";

/// Whether a remote of this place has an option of this name.
pub(crate) fn has_option(url: &str, key: &str) -> bool {
    let own = table(url).unwrap_or_default();
    COMMON.iter().chain(own).any(|(name, _)| *name == key)
}

pub(crate) fn absent(name: &str) -> Error {
    Error::NotFound {
        what: format!(
            "there is no remote `{name}`; `everloop data remote list` tells which there are"
        ),
    }
}

/// The variables of the environment that a provider's names start with.
pub(crate) fn starting(environment: &[(String, String)], start: &str) -> Vec<(String, String)> {
    let is_of = |(name, _): &&(String, String)| name.starts_with(start);
    environment.iter().filter(is_of).cloned().collect()
}

/// A path, seen from the home of the user where it starts with `~`.
pub(crate) fn expanded(path: &str, environment: &[(String, String)]) -> PathBuf {
    let home = environment.iter().find(|(name, _)| name == "HOME");
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some((_, home))) if !is_url(path) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn is_yes(value: &str) -> bool {
    truth(value) == Some(true)
}

/// Yes and no, as DVC writes them.
pub(crate) fn truth(value: &str) -> Option<bool> {
    match value.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
