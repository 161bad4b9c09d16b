//! Stores that are not of this machine: S3 and what speaks its protocol, Google Cloud Storage, Azure.
//!
//! Settings have the names of the providers' own environment variables (`AWS_REGION`, `GOOGLE_SERVICE_ACCOUNT`,
//! `AZURE_STORAGE_ACCOUNT_KEY`, …) and come from the caller.

use std::str::FromStr;
use std::sync::Arc;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use crate::Error;

/// How long a store that does not answer is asked again, and a single request waits.
const RETRY_TIME: std::time::Duration = std::time::Duration::from_secs(10);

/// What is said of a URL that leads to no store.
const NO_STORE: &str =
    "it is no directory, and no path of `s3://`, `gs://`, `az://`, `wasbs://` or `abfss://`";

/// A store beyond the network, and the place in it below which keys are.
pub(crate) struct Remote {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) signer: Arc<dyn Signer>,
    /// The same once more, if it speaks S3's protocol.
    pub(crate) s3: Option<Arc<AmazonS3>>,
    pub(crate) prefix: Path,
}

/// Opens the store of a URL; nothing is asked of it yet.
pub(crate) fn open(uri: &str, settings: &[(String, String)]) -> Result<Remote, Error> {
    let refused = |problem| Error::Place {
        uri: uri.to_owned(),
        problem,
    };
    let url = Url::parse(uri).map_err(|_| refused("it is no URL"))?;
    let (scheme, path) = ObjectStoreScheme::parse(&url).map_err(|_| refused(NO_STORE))?;
    let prefix = Path::parse(path).map_err(|_| refused(NO_STORE))?;
    let failed = |source| Error::Store {
        path: uri.to_owned(),
        source,
    };
    match scheme {
        ObjectStoreScheme::AmazonS3 => {
            let mut builder = AmazonS3Builder::new().with_url(uri).with_retry(retry());
            for (key, value) in known(settings) {
                builder = builder.with_config(key, value);
            }
            for (name, value) in settings {
                // The names that MLflow's client takes.
                if name == "MLFLOW_S3_ENDPOINT_URL" {
                    builder = builder.with_endpoint(value);
                }
                if ["MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL"].contains(&name.as_str())
                    && value.starts_with("http://")
                {
                    builder = builder.with_allow_http(true);
                }
            }
            let store = Arc::new(builder.build().map_err(failed)?);
            Ok(Remote {
                objects: store.clone(),
                signer: store.clone(),
                s3: Some(store),
                prefix,
            })
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let mut builder = GoogleCloudStorageBuilder::new()
                .with_url(uri)
                .with_retry(retry());
            for (key, value) in known(settings) {
                builder = builder.with_config(key, value);
            }
            let store = Arc::new(builder.build().map_err(failed)?);
            Ok(Remote {
                objects: store.clone(),
                signer: store,
                s3: None,
                prefix,
            })
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let mut builder = MicrosoftAzureBuilder::new()
                .with_url(azure(uri))
                .with_retry(retry());
            for (key, value) in known(settings) {
                builder = builder.with_config(key, value);
            }
            let store = Arc::new(builder.build().map_err(failed)?);
            Ok(Remote {
                objects: store.clone(),
                signer: store,
                s3: None,
                prefix,
            })
        }
        _ => Err(refused(
            "its scheme is none of `s3`, `gs`, `az`, `wasbs` and `abfss`",
        )),
    }
}

/// A store that is away is told to the client soon, not after minutes.
fn retry() -> RetryConfig {
    RetryConfig {
        max_retries: 4,
        retry_timeout: RETRY_TIME,
        ..RetryConfig::default()
    }
}

/// The settings that a provider knows by their names in lower case.
fn known<K: FromStr>(settings: &[(String, String)]) -> impl Iterator<Item = (K, &str)> {
    settings
        .iter()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value.as_str())))
}

/// `wasbs` is the old name of `abfss`, on another host of the same account.
fn azure(uri: &str) -> String {
    match uri.strip_prefix("wasbs://") {
        Some(rest) => format!("abfss://{}", rest.replacen(".blob.", ".dfs.", 1)),
        None => uri.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Vec<(String, String)> {
        [
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "a2V5"),
            ("PATH", "/bin"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[track_caller]
    fn check(uri: &str, prefix: &str) {
        let remote = open(uri, &settings()).unwrap_or_else(|error| panic!("{uri}: {error:?}"));
        assert_eq!(remote.prefix.as_ref(), prefix, "{uri}");
    }

    #[test]
    fn stores_are_opened_by_their_urls() {
        check("s3://bucket", "");
        check("s3://bucket/a/b c", "a/b c");
        check("az://container/a", "a");
        check("abfss://container@account.dfs.core.windows.net/a", "a");
    }

    #[track_caller]
    fn refuse(uri: &str, words: &str) {
        let error = open(uri, &settings()).err().unwrap().to_string();
        assert!(error.contains(uri) && error.contains(words), "{error}");
    }

    #[test]
    fn other_urls_are_refused() {
        refuse("ftp://host/a", "no path of `s3://`");
        refuse("s3://bucket/a//b", "no path of `s3://`");
        refuse("not a url", "it is no URL");
    }

    #[test]
    fn old_azure_urls_are_understood() {
        assert_eq!(
            azure("wasbs://c@a.blob.core.windows.net/p"),
            "abfss://c@a.dfs.core.windows.net/p"
        );
    }
}
