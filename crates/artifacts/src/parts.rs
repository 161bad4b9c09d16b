//! Uploads in parts that clients send to the object store themselves.
//!
//! The store hands out an address for each part, which is signed and needs no credentials; what was sent becomes visible as a
//! whole when the upload is completed. Only stores that speak S3's protocol can do it. The addresses are signed here, as AWS
//! signs queries (Signature Version 4): `object_store` signs addresses of objects, not those of their parts. Its own signed
//! address says all that is needed but for the secret key.

use std::sync::Arc;
use std::time::Duration;

use everloop_domain::Digest;
use http::Method;
use object_store::aws::AmazonS3;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::signer::Signer as _;
use ring::hmac;
use url::{Position, Url};

use crate::store::failed;
use crate::{Error, StorageKey, Store};

/// The most parts of an upload, as S3 counts them.
pub const MAX_PARTS: usize = 10_000;

/// An upload that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What the store calls it.
    pub id: String,
    /// Where each part is put, from the first on.
    pub urls: Vec<String>,
}

/// Uploads in parts, of a store that can have them.
#[derive(Clone, Debug)]
pub struct Uploads<'s> {
    store: &'s Store,
    s3: &'s Arc<AmazonS3>,
}

impl Store {
    /// Uploads in parts; nothing if clients cannot send parts to this store.
    #[must_use]
    pub fn uploads(&self) -> Option<Uploads<'_>> {
        let s3 = self.s3()?;
        Some(Uploads { store: self, s3 })
    }
}

impl Uploads<'_> {
    /// Begins an upload; its addresses can be used for a time.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] if so many parts cannot be; fails if the store cannot be written.
    pub async fn begin(
        &self,
        key: &StorageKey,
        n_parts: usize,
        lifetime: Duration,
    ) -> Result<Upload, Error> {
        if !(1..=MAX_PARTS).contains(&n_parts) {
            return Err(Error::Path {
                path: key.to_string(),
                problem: "an upload has 1 to 10000 parts",
            });
        }
        let path = self.store.path(key)?;
        let failed = |source| failed(key, source);
        let signed = self.s3.signed_url(Method::PUT, &path, lifetime);
        let signed = signed.await.map_err(failed)?;
        let credentials = self.s3.credentials().get_credential();
        let secret = &credentials.await.map_err(failed)?.secret_key;
        let id = self.s3.create_multipart(&path).await.map_err(failed)?;
        let url = |number: usize| {
            let more = [("partNumber", number.to_string()), ("uploadId", id.clone())];
            resign(&Method::PUT, &signed, more, secret)
        };
        let urls: Option<Vec<String>> = (1..=n_parts).map(url).collect();
        let urls = urls.ok_or_else(|| Error::Path {
            path: key.to_string(),
            problem: "the store signs addresses in a way that is not known",
        });
        Ok(Upload { urls: urls?, id })
    }

    /// Makes the parts of an upload, by their entity tags from the first on, one artifact.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such upload; fails if the store refuses the parts.
    pub async fn complete(
        &self,
        key: &StorageKey,
        id: &str,
        tags: Vec<String>,
    ) -> Result<(), Error> {
        let parts = tags.into_iter().map(|content_id| PartId { content_id });
        let (path, id) = (self.store.path(key)?, id.to_owned());
        let completing = self.s3.complete_multipart(&path, &id, parts.collect());
        completing.await.map_err(|source| failed(key, source))?;
        Ok(())
    }

    /// Gives an upload up, so that its parts do not lie in the store for ever.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such upload.
    pub async fn abort(&self, key: &StorageKey, id: &str) -> Result<(), Error> {
        let (path, id) = (self.store.path(key)?, id.to_owned());
        let aborting = self.s3.abort_multipart(&path, &id);
        aborting.await.map_err(|source| failed(key, source))
    }
}

/// Signs an address that is signed already once more, with further parameters in its query; nothing if it is not signed in
/// the way that is known.
fn resign(
    method: &Method,
    signed: &Url,
    more: impl IntoIterator<Item = (&'static str, String)>,
    secret: &str,
) -> Option<String> {
    let mut pairs: Vec<(String, String)> = signed
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .filter(|(name, _)| name != "X-Amz-Signature")
        .collect();
    pairs.extend(
        more.into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    pairs.sort();
    let value = |wanted: &str| {
        let mut found = pairs.iter().filter(|(name, _)| name == wanted);
        found.next().map(|(_, value)| value.as_str())
    };
    let (_, scope) = value("X-Amz-Credential")?.split_once('/')?;
    let (algorithm, date) = (value("X-Amz-Algorithm")?, value("X-Amz-Date")?);
    if (algorithm, value("X-Amz-SignedHeaders")?) != ("AWS4-HMAC-SHA256", "host") {
        return None;
    }
    let query: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let query = query.join("&");
    let (path, host) = (
        signed.path(),
        &signed[Position::BeforeHost..Position::AfterPort],
    );
    let request = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
    let text = format!(
        "{algorithm}\n{date}\n{scope}\n{}",
        Digest::of(request).hex()
    );
    // The key is made for the day, the region and the service, which are the parts of the scope.
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/').chain([text.as_str()]) {
        let signing = hmac::Key::new(hmac::HMAC_SHA256, &key);
        key = hmac::sign(&signing, part.as_bytes()).as_ref().to_vec();
    }
    let signature: String = key.iter().map(|byte| hex(*byte)).collect();
    let place = &signed[..Position::AfterPath];
    Some(format!("{place}?{query}&X-Amz-Signature={signature}"))
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}

/// Percent-encodes all but what AWS leaves as it is.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's documentation of signed queries.
    #[test]
    fn a_signature_is_that_of_the_documentation() {
        let signed: Url = "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z\
            &X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=old"
            .parse()
            .unwrap();
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let url = resign(&Method::GET, &signed, [], secret).unwrap();
        let (rest, signature) = url.split_once("&X-Amz-Signature=").unwrap();
        assert_eq!(
            signature,
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
        let (before, _) = signed.as_str().split_once("&X-Amz-Signature=").unwrap();
        assert_eq!(rest, before);
        let more = [
            ("uploadId", "a+b/c".to_owned()),
            ("partNumber", "2".to_owned()),
        ];
        let url = resign(&Method::PUT, &signed, more, secret).unwrap();
        assert!(
            url.contains("&partNumber=2&uploadId=a%2Bb%2Fc&X-Amz-Signature="),
            "{url}"
        );
    }

    #[test]
    fn an_address_that_is_not_signed_is_not_signed_again() {
        let unsigned: Url = "https://h/a?b=c".parse().unwrap();
        assert_eq!(resign(&Method::PUT, &unsigned, [], "s"), None);
    }

    #[tokio::test]
    async fn directories_have_no_uploads() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Store::local(dir.path()).unwrap().uploads().is_none());
    }
}
