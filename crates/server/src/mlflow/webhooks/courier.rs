//! Sending one message, signed.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use everloop_domain::{ErrorKind, Timestamp};
use everloop_metastore::Webhook;
use reqwest::{Client, Response, Url};
use ring::hmac;

use super::secret::Vault;
use super::target::{self, NotPublic, Resolver};
use crate::Error;
use crate::mlflow::error::MlflowError;

/// How much of an answer is read.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// How webhooks are told, with MLflow's own defaults.
#[derive(Clone)]
pub struct WebhookSettings {
    /// Whether this server tells webhooks at all. A server for the time of a command leaves it to those that stay.
    pub tells: bool,
    /// Whether messages may go to addresses that are not public.
    pub allows_private: bool,
    /// The schemes that URLs may have.
    pub schemes: Vec<String>,
    /// How long a request may take.
    pub timeout: Duration,
    /// How often a message is sent again if it fails.
    pub max_retries: u64,
    /// What secrets are sealed with in the database; without it they are kept as they are.
    pub key: Option<String>,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            tells: false,
            allows_private: false,
            schemes: vec!["https".to_owned()],
            timeout: Duration::from_secs(30),
            max_retries: 3,
            key: None,
        }
    }
}

impl fmt::Debug for WebhookSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSettings")
            .field("tells", &self.tells)
            .field("allows_private", &self.allows_private)
            .field("schemes", &self.schemes)
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}

/// What is sent.
pub(super) struct Message {
    /// The same each time the message is sent.
    pub(super) id: String,
    /// The text.
    pub(super) body: String,
}

/// What was answered.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: String,
    /// How long the receiver asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Answered {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the same message may be taken later.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
    }
}

/// Why nothing was answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// It will be the same the next time.
    #[error("{0}")]
    Lasting(String),
    /// It may be better the next time.
    #[error("{0}")]
    Passing(String),
    /// The operator has to do something first.
    #[error("its secret was sealed with another key; start the server with the key of before")]
    Sealed,
}

/// Sends messages.
#[derive(Debug)]
pub(crate) struct Courier {
    pub(super) settings: WebhookSettings,
    vault: Vault,
    resolver: Resolver,
    /// Made with the first message: it reads the machine's certificates.
    client: OnceLock<Result<Client, String>>,
}

impl Courier {
    /// # Errors
    ///
    /// Fails if the key is too short.
    pub(crate) fn new(settings: &WebhookSettings) -> Result<Self, Error> {
        Ok(Self {
            vault: Vault::new(settings.key.as_deref())?,
            resolver: Resolver {
                allows_private: settings.allows_private,
            },
            settings: settings.clone(),
            client: OnceLock::new(),
        })
    }

    /// Whether a webhook may have a URL.
    pub(super) async fn check(&self, url: &str) -> Result<(), MlflowError> {
        let parsed = target::parse(url, &self.settings.schemes).map_err(MlflowError::invalid)?;
        self.resolver.check_now(&parsed).await.map_err(|error| {
            let hint = if error.is::<NotPublic>() {
                "; `--allow-private-webhooks` of the server allows it"
            } else {
                ""
            };
            MlflowError::invalid(format!("Invalid webhook URL '{url}': {error}{hint}"))
        })
    }

    /// The secret of a webhook as the database keeps it.
    pub(super) fn seal(&self, webhook: &str, secret: &str) -> Result<String, MlflowError> {
        let sealed = self.vault.seal(webhook, secret);
        sealed.ok_or_else(|| {
            MlflowError::new(
                ErrorKind::Unavailable,
                "the machine gives no random numbers",
            )
        })
    }

    /// Sends a message to a webhook once.
    pub(super) async fn send(
        &self,
        webhook: &Webhook,
        message: &Message,
        now: Timestamp,
    ) -> Result<Answered, Problem> {
        let url = target::parse(&webhook.url, &self.settings.schemes).map_err(Problem::Lasting)?;
        let literal = self.resolver.check_literal(&url);
        literal.map_err(|error| Problem::Lasting(error.to_string()))?;
        let secret = match &webhook.secret {
            None => None,
            Some(kept) => Some(self.vault.open(&webhook.id, kept).ok_or(Problem::Sealed)?),
        };
        let sent_at = (now.as_millis() / 1000).to_string();
        let mut request = self
            .client()?
            .post(url)
            .timeout(self.settings.timeout)
            .header(CONTENT_TYPE, "application/json")
            .header("X-MLflow-Delivery-Id", &message.id)
            .header("X-MLflow-Timestamp", &sent_at);
        if let Some(secret) = secret {
            request = request.header("X-MLflow-Signature", signature(&secret, message, &sent_at));
        }
        let answer = request.body(message.body.clone()).send().await;
        Ok(read(answer.map_err(problem)?).await)
    }

    fn client(&self) -> Result<&Client, Problem> {
        let client = self.client.get_or_init(|| {
            Client::builder()
                .dns_resolver(Arc::new(self.resolver))
                // A proxy would resolve names on its own.
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("everloop/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| chain(&error))
        });
        client
            .as_ref()
            .map_err(|error| Problem::Passing(error.clone()))
    }
}

/// The signature of a message: `v1,` and the base64 of an HMAC-SHA256 over its id, the moment in seconds and the text.
fn signature(secret: &str, message: &Message, sent_at: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = format!("{}.{sent_at}.{}", message.id, message.body);
    let code = hmac::sign(&key, signed.as_bytes());
    format!("v1,{}", BASE64.encode(code))
}

/// Reads an answer, of its text only the beginning.
async fn read(mut answer: Response) -> Answered {
    let retry_after = answer.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = Vec::new();
    // An answer that breaks off after its status is an answer all the same.
    while let Ok(Some(chunk)) = answer.chunk().await
        && body.len() < MAX_ANSWER_BYTES
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(MAX_ANSWER_BYTES);
    Answered {
        status: answer.status().as_u16(),
        body: String::from_utf8_lossy(&body).into_owned(),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

/// Why a request failed, without its URL, which may hold a token.
fn problem(error: reqwest::Error) -> Problem {
    let error = error.without_url();
    let words = chain(&error);
    let mut cause = Some(&error as &(dyn StdError + 'static));
    while let Some(link) = cause {
        if link.is::<NotPublic>() {
            return Problem::Lasting(words);
        }
        cause = link.source();
    }
    Problem::Passing(words)
}

fn chain(error: &dyn StdError) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(link) = cause {
        words = format!("{words}: {link}");
        cause = link.source();
    }
    words
}

/// The host of a URL, which may be shown.
pub(super) fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str);
    host.unwrap_or_default().to_owned()
}

/// Random bytes as an id of the kind that MLflow gives.
pub(super) fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python: `base64.b64encode(hmac.new(b"key", b"id.7.{}", hashlib.sha256).digest())`.
    #[test]
    fn a_signature_is_that_of_the_recipe() {
        let message = Message {
            id: "id".to_owned(),
            body: "{}".to_owned(),
        };
        assert_eq!(
            signature("key", &message, "7"),
            "v1,ywuCjG5ZjzUh4qRvm3T/94scMk+Q8nz3kuJdq/zh2dA="
        );
    }

    #[test]
    fn ids_look_like_those_of_mlflow() {
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn settings_are_shown_without_the_key() {
        let settings = WebhookSettings {
            key: Some("very secret".to_owned()),
            ..WebhookSettings::default()
        };
        let shown = format!(
            "{settings:?} {:?}",
            Courier::new(&WebhookSettings {
                key: Some("very secret and long".to_owned()),
                ..settings.clone()
            })
        );
        assert!(!shown.contains("very secret"), "{shown}");
    }
}
