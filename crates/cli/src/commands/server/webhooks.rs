//! How webhooks are told: an argument, and the variables of MLflow's server.

use std::time::Duration;

use anyhow::Result;
use everloop_server::WebhookSettings;

use crate::environment::variable;
use crate::exit::{Exit, Failure};

/// The schemes that can be allowed.
const SCHEMES: [&str; 2] = ["http", "https"];

/// Webhooks of the registry.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct WebhookArgs {
    /// Let webhooks lead to addresses that are not public: this machine, the local network, the metadata of a cloud.
    ///
    /// `MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true` says the same. Further variables, as of MLflow's server:
    /// `MLFLOW_WEBHOOK_ALLOWED_SCHEMES` (`https`; `http,https` allows both), `MLFLOW_WEBHOOK_REQUEST_TIMEOUT` (30 seconds),
    /// `MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES` (3), and `MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY`, with which secrets are sealed in
    /// the database; without it they lie there as they are.
    #[arg(long)]
    allow_private_webhooks: bool,
}

impl WebhookArgs {
    /// The settings, of the argument and the environment.
    pub(crate) fn settings(&self) -> Result<WebhookSettings> {
        read(self.allow_private_webhooks, variable)
    }
}

fn read(
    allows_private: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<WebhookSettings> {
    let default = WebhookSettings::default();
    let number = |name: &str, least: u64| match variable(name) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(number) if number >= least => Ok(Some(number)),
            _ => Err(wrong(
                name,
                &text,
                &format!("expected a whole number from {least}"),
            )),
        },
    };
    let timeout = number("MLFLOW_WEBHOOK_REQUEST_TIMEOUT", 1)?.map(Duration::from_secs);
    let max_retries = number("MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES", 0)?;
    let is_true = |text: String| ["true", "1"].contains(&text.to_lowercase().as_str());
    Ok(WebhookSettings {
        tells: true,
        allows_private: allows_private
            || variable("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS").is_some_and(is_true),
        schemes: match variable("MLFLOW_WEBHOOK_ALLOWED_SCHEMES") {
            None => default.schemes,
            Some(text) => schemes(&text)?,
        },
        timeout: timeout.unwrap_or(default.timeout),
        max_retries: max_retries.unwrap_or(default.max_retries),
        key: variable("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"),
    })
}

fn schemes(text: &str) -> Result<Vec<String>> {
    text.split(',')
        .map(|scheme| match scheme.trim().to_lowercase() {
            scheme if SCHEMES.contains(&scheme.as_str()) => Ok(scheme),
            scheme => Err(wrong(
                "MLFLOW_WEBHOOK_ALLOWED_SCHEMES",
                &scheme,
                "expected `http`, `https` or both with a comma between them",
            )),
        })
        .collect()
}

fn wrong(name: &str, value: &str, expected: &str) -> anyhow::Error {
    Failure::new(
        Exit::Usage,
        format!("`{name}` has the value `{value}`: {expected}"),
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<WebhookSettings, String> {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        read(false, find).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_of_mlflow_are_heeded() {
        let default = settings(&[]).unwrap();
        assert!(default.tells && !default.allows_private && default.key.is_none());
        let found = settings(&[
            ("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "True"),
            ("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http, HTTPS"),
            ("MLFLOW_WEBHOOK_REQUEST_TIMEOUT", "2"),
            ("MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES", "0"),
            ("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", "k"),
        ]);
        let found = found.unwrap();
        assert!(found.allows_private);
        assert_eq!(found.schemes, ["http", "https"]);
        assert_eq!((found.timeout.as_secs(), found.max_retries), (2, 0));
        assert_eq!(found.key.as_deref(), Some("k"));
    }

    #[test]
    fn nonsense_is_named() {
        for (name, value) in [
            ("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "ftp"),
            ("MLFLOW_WEBHOOK_REQUEST_TIMEOUT", "0"),
            ("MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES", "-1"),
        ] {
            let words = settings(&[(name, value)]).unwrap_err();
            assert!(words.contains(name) && words.contains(value), "{words}");
        }
    }
}
