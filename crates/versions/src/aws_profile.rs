//! What is set for a remote on S3: options of the remote, variables of the environment, profiles in AWS's files.
//!
//! The order is that of AWS's own clients: options first, then the environment, then the profile; a profile that the remote
//! names is taken before keys of the environment.

use std::collections::BTreeMap;

use crate::Error;
use crate::remote_options::{Options, expanded, starting, truth};

/// Options of a remote, and the settings of the store that they are.
const PLAIN: [(&str, &str); 5] = [
    ("region", "aws_region"),
    ("access_key_id", "aws_access_key_id"),
    ("secret_access_key", "aws_secret_access_key"),
    ("session_token", "aws_session_token"),
    ("sse_kms_key_id", "aws_sse_kms_key_id"),
];
const KEYS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"];
/// What a profile may have instead of keys.
const NOT_READ: [&str; 4] = [
    "role_arn",
    "sso_session",
    "sso_start_url",
    "credential_process",
];

/// The settings of a bucket, of which later ones win.
pub(crate) fn settings(
    options: &Options,
    environment: &[(String, String)],
) -> Result<Vec<(String, String)>, Error> {
    let mut settings = starting(environment, "AWS_");
    if options.get("profile").is_some() {
        settings.retain(|(name, _)| !KEYS.contains(&name.as_str()));
    }
    if options.get("endpointurl").is_some() {
        settings.retain(|(name, _)| !ENDPOINTS.contains(&name.as_str()));
    }
    let is_set = |name: &str| settings.iter().any(|(known, _)| known == name);
    let has_keys = is_set(KEYS[0]) || options.get("access_key_id").is_some();
    let mut of_profile = profile(options, environment, has_keys)?;
    of_profile.retain(|(name, _)| match name.as_str() {
        "aws_region" => !is_set("AWS_REGION") && !is_set("AWS_DEFAULT_REGION"),
        "aws_endpoint_url" => !ENDPOINTS.iter().any(|name| is_set(name)),
        _ => !has_keys,
    });
    settings.extend(of_profile);
    let mut set = |name: &str, value: &str| settings.push((name.to_owned(), value.to_owned()));
    for (option, name) in PLAIN {
        if let Some(value) = options.get(option) {
            set(name, value);
        }
    }
    if let Some(url) = options.get("endpointurl") {
        set("aws_endpoint_url", url);
    } else if options.get("use_ssl").and_then(truth) == Some(false) {
        let region = options.get("region").unwrap_or("us-east-1");
        set(
            "aws_endpoint_url",
            &format!("http://s3.{region}.amazonaws.com"),
        );
    }
    if let Some(kind) = options.get("sse") {
        set("aws_server_side_encryption", kind);
    }
    if options.is_set("allow_anonymous_login") {
        set("aws_skip_signature", "true");
    }
    match options.get("ssl_verify").map(truth) {
        Some(Some(false)) => set("allow_invalid_certificates", "true"),
        Some(None) => {
            return Err(options.refused(
                "its option `ssl_verify` names a file, which is not read; add the certificate to those of the machine",
            ));
        }
        _ => {}
    }
    for (option, name) in [
        ("read_timeout", "timeout"),
        ("connect_timeout", "connect_timeout"),
    ] {
        if let Some(time) = options.seconds(option)? {
            set(name, &format!("{} seconds", time.as_secs().max(1)));
        }
    }
    let is_endpoint = |name: &str| name.to_uppercase().starts_with("AWS_ENDPOINT");
    let is_plain = |(name, url): &(String, String)| is_endpoint(name) && url.starts_with("http://");
    if settings.iter().any(is_plain) {
        settings.push(("allow_http".to_owned(), "true".to_owned()));
    }
    Ok(settings)
}

/// What the files of AWS say of the profile that is asked for.
fn profile(
    options: &Options,
    environment: &[(String, String)],
    has_keys: bool,
) -> Result<Vec<(String, String)>, Error> {
    let variable = |wanted: &str| {
        let found = environment.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let chosen = options.get("profile").or(variable("AWS_PROFILE"));
    let chosen = chosen.or(variable("AWS_DEFAULT_PROFILE"));
    let name = chosen.unwrap_or("default");
    let file = |option: &str, of_environment: &str, default: &str| {
        let path = options.get(option).or(variable(of_environment));
        let path = expanded(path.unwrap_or(default), environment);
        // A file that is not there has no profiles; one that is named below says what is missing.
        std::fs::read_to_string(path).unwrap_or_default()
    };
    let credentials = file(
        "credentialpath",
        "AWS_SHARED_CREDENTIALS_FILE",
        "~/.aws/credentials",
    );
    let config = file("configpath", "AWS_CONFIG_FILE", "~/.aws/config");
    let mut values = section(&config, &format!("profile {name}"));
    values.extend(section(&config, name));
    values.extend(section(&credentials, name));
    if values.is_empty() && chosen.is_some() {
        return Err(options.refused(&format!(
            "AWS's files have no profile `{name}`; `aws configure --profile {name}` makes it"
        )));
    }
    if let (Some(key), false, false) = (
        NOT_READ.iter().find(|key| values.contains_key(**key)),
        values.contains_key("aws_access_key_id"),
        has_keys,
    ) {
        return Err(options.refused(&format!(
            "the profile `{name}` has `{key}`, which is not supported; put keys into it or into the environment"
        )));
    }
    let names = [
        ("aws_access_key_id", "aws_access_key_id"),
        ("aws_secret_access_key", "aws_secret_access_key"),
        ("aws_session_token", "aws_session_token"),
        ("region", "aws_region"),
        ("endpoint_url", "aws_endpoint_url"),
    ];
    let found = names.iter().filter_map(|(key, name)| {
        let value = values.remove(*key)?;
        Some(((*name).to_owned(), value))
    });
    Ok(found.collect())
}

/// The values of a section of an INI file.
fn section(text: &str, name: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut is_inside = false;
    for line in text.lines() {
        let words = line.trim();
        if let Some(header) = words.strip_prefix('[') {
            is_inside = header.split(']').next().map(str::trim) == Some(name);
        } else if is_inside
            && !words.starts_with(['#', ';'])
            && let Some((key, value)) = words.split_once('=')
        {
            values.insert(key.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_from_their_section() {
        let text =
            "[a]\naws_access_key_id=1\n# x = y\n[ b ]\nAWS_Access_Key_Id = 2\n[a]\nregion = r";
        let found = section(text, "a");
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found["aws_access_key_id"], "1");
        assert_eq!(section(text, "b")["aws_access_key_id"], "2");
        assert!(section(text, "c").is_empty());
    }
}
