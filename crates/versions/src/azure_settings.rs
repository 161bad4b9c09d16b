//! What is set for a remote on Azure: options of the remote, variables of the environment, connection strings.

use crate::Error;
use crate::remote_options::{Options, starting};

/// Options of a remote, and the settings of the store that they are.
const PLAIN: [(&str, &str); 6] = [
    ("account_name", "azure_storage_account_name"),
    ("account_key", "azure_storage_account_key"),
    ("sas_token", "azure_storage_sas_token"),
    ("tenant_id", "azure_storage_tenant_id"),
    ("client_id", "azure_storage_client_id"),
    ("client_secret", "azure_storage_client_secret"),
];
/// Names of the environment that the store does not know.
const OTHER_NAMES: [(&str, &str); 2] = [
    ("AZURE_STORAGE_ACCOUNT", "azure_storage_account_name"),
    ("AZURE_STORAGE_KEY", "azure_storage_account_key"),
];
const CONNECTION: &str = "AZURE_STORAGE_CONNECTION_STRING";

/// The settings of a container, of which later ones win.
pub(crate) fn settings(
    options: &Options,
    environment: &[(String, String)],
) -> Result<Vec<(String, String)>, Error> {
    let mut settings = starting(environment, "AZURE_");
    for (variable, name) in OTHER_NAMES {
        let found = environment.iter().find(|(known, _)| known == variable);
        settings.extend(found.map(|(_, value)| (name.to_owned(), value.clone())));
    }
    let of_environment = environment.iter().find(|(name, _)| name == CONNECTION);
    let of_environment = of_environment.map(|(_, text)| text.as_str());
    if let Some(text) = options.get("connection_string").or(of_environment) {
        settings.extend(connection(text).ok_or_else(|| {
            options.refused("its connection string has no `AccountName` and no `BlobEndpoint`")
        })?);
    }
    let mut set = |name: &str, value: &str| settings.push((name.to_owned(), value.to_owned()));
    for (option, name) in PLAIN {
        if let Some(value) = options.get(option) {
            set(name, value);
        }
    }
    if options.is_set("allow_anonymous_login") {
        set("azure_skip_signature", "true");
    }
    for (option, name) in [
        ("timeout", "timeout"),
        ("read_timeout", "timeout"),
        ("connection_timeout", "connect_timeout"),
    ] {
        if let Some(time) = options.seconds(option)? {
            set(name, &format!("{} seconds", time.as_secs().max(1)));
        }
    }
    Ok(settings)
}

/// The settings in a connection string: `AccountName=…;AccountKey=…;BlobEndpoint=…`.
fn connection(text: &str) -> Option<Vec<(String, String)>> {
    let pairs: Vec<(&str, &str)> = text
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .collect();
    let get = |wanted: &str| {
        let mut found = pairs.iter().filter(|(name, _)| *name == wanted);
        found.next().map(|(_, value)| (*value).to_owned())
    };
    let endpoint = get("BlobEndpoint").or_else(|| {
        let protocol = get("DefaultEndpointsProtocol").unwrap_or_else(|| "https".to_owned());
        let suffix = get("EndpointSuffix")?;
        Some(format!(
            "{protocol}://{}.blob.{suffix}",
            get("AccountName")?
        ))
    });
    // An endpoint tells the account, too: in its first name, or in its path where it has no names.
    let account = get("AccountName").or_else(|| {
        let (_, rest) = endpoint.as_deref()?.split_once("://")?;
        rest.split('.').next().map(str::to_owned)
    })?;
    let mut settings = vec![("azure_storage_account_name".to_owned(), account)];
    let mut set = |name: &str, value: Option<String>| {
        settings.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("azure_storage_account_key", get("AccountKey"));
    set("azure_storage_sas_token", get("SharedAccessSignature"));
    if endpoint
        .as_deref()
        .is_some_and(|url| url.starts_with("http://"))
    {
        set("allow_http", Some("true".to_owned()));
    }
    let endpoint = endpoint.map(|url| url.trim_end_matches('/').to_owned());
    set("azure_storage_endpoint", endpoint);
    Some(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = connection(text).map(|settings| {
            let pairs = settings
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join(" ")
        });
        assert_eq!(found.unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn connection_strings_become_settings() {
        check(
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=k==;EndpointSuffix=core.windows.net",
            "azure_storage_account_name=a azure_storage_account_key=k== azure_storage_endpoint=https://a.blob.core.windows.net",
        );
        check(
            "AccountName=a;AccountKey=k;BlobEndpoint=http://127.0.0.1:1/a/;",
            "azure_storage_account_name=a azure_storage_account_key=k allow_http=true azure_storage_endpoint=http://127.0.0.1:1/a",
        );
        check(
            "BlobEndpoint=https://acc.blob.core.windows.net;SharedAccessSignature=sv=1&sig=2",
            "azure_storage_account_name=acc azure_storage_sas_token=sv=1&sig=2 azure_storage_endpoint=https://acc.blob.core.windows.net",
        );
        check("nonsense", "");
    }
}
