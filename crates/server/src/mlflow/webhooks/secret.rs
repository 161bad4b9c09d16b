//! Secrets of webhooks, as the database keeps them.
//!
//! Without a key they are kept as they are (`plain:…`): whoever can read the database can sign messages. With a key, of
//! which any text of some length will do, they are sealed with AES-256-GCM (`sealed1:` and base64 of nonce, text and tag),
//! each bound to its webhook. The cipher's key is the HMAC-SHA256 of a fixed text under the operator's key. A secret
//! that was kept before there was a key stays readable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::Error;

/// The shortest key, in characters.
const MIN_KEY: usize = 16;
/// What the cipher's key is for.
const PURPOSE: &[u8] = b"everloop: secrets of webhooks";
const PLAIN: &str = "plain:";
const SEALED: &str = "sealed1:";

/// Seals secrets and opens them.
#[derive(Debug)]
pub(super) struct Vault {
    key: Option<LessSafeKey>,
    random: SystemRandom,
}

impl Vault {
    /// A vault with the operator's key, or one that keeps secrets as they are.
    pub(super) fn new(key: Option<&str>) -> Result<Self, Error> {
        let key = key.map(cipher).transpose()?;
        Ok(Self {
            key,
            random: SystemRandom::new(),
        })
    }

    /// What the database keeps of a webhook's secret; nothing if the machine has no randomness.
    pub(super) fn seal(&self, webhook: &str, secret: &str) -> Option<String> {
        let Some(key) = &self.key else {
            return Some(format!("{PLAIN}{secret}"));
        };
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = secret.as_bytes().to_vec();
        let bound = Aad::from(webhook.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut sealed)
            .ok()?;
        let kept = BASE64.encode([&nonce[..], &sealed].concat());
        Some(format!("{SEALED}{kept}"))
    }

    /// The secret that the database keeps; nothing if it was sealed with another key, or for another webhook.
    pub(super) fn open(&self, webhook: &str, kept: &str) -> Option<String> {
        if let Some(secret) = kept.strip_prefix(PLAIN) {
            return Some(secret.to_owned());
        }
        let mut bytes = BASE64.decode(kept.strip_prefix(SEALED)?).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let bound = Aad::from(webhook.as_bytes());
        let secret = self
            .key
            .as_ref()?
            .open_in_place(nonce, bound, sealed)
            .ok()?;
        String::from_utf8(secret.to_vec()).ok()
    }
}

fn cipher(key: &str) -> Result<LessSafeKey, Error> {
    let n_characters = key.chars().count();
    if n_characters < MIN_KEY {
        return Err(Error::WebhookKey {
            n_characters,
            needed: MIN_KEY,
        });
    }
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), PURPOSE);
    UnboundKey::new(&AES_256_GCM, derived.as_ref())
        .map(LessSafeKey::new)
        .map_err(|_| Error::WebhookKey {
            n_characters,
            needed: MIN_KEY,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a key of the operator's own choice";

    #[test]
    fn a_sealed_secret_opens_with_its_key_for_its_webhook_only() {
        let vault = Vault::new(Some(KEY)).unwrap();
        let kept = vault.seal("w", "größe").unwrap();
        assert!(kept.starts_with(SEALED) && !kept.contains("gr"), "{kept}");
        assert_ne!(vault.seal("w", "größe").unwrap(), kept);
        assert_eq!(vault.open("w", &kept).unwrap(), "größe");
        assert_eq!(vault.open("v", &kept), None);
        let other = Vault::new(Some("another key of the operator's")).unwrap();
        assert_eq!(other.open("w", &kept), None);
        assert_eq!(Vault::new(None).unwrap().open("w", &kept), None);
    }

    #[test]
    fn a_secret_from_before_the_key_stays_readable() {
        let kept = Vault::new(None).unwrap().seal("w", "s").unwrap();
        assert_eq!(kept, "plain:s");
        assert_eq!(
            Vault::new(Some(KEY)).unwrap().open("w", &kept).unwrap(),
            "s"
        );
    }

    #[test]
    fn nonsense_does_not_open() {
        let vault = Vault::new(Some(KEY)).unwrap();
        for kept in ["", "s", "sealed1:", "sealed1:AAAA", "sealed1:?"] {
            assert_eq!(vault.open("w", kept), None, "{kept}");
        }
        let short = Vault::new(Some("short")).unwrap_err().to_string();
        assert!(short.contains("has 5 characters"), "{short}");
    }
}
