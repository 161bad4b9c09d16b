//! Ids and names as types, so that a run cannot be taken for an experiment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Declares an id that is a whole number counted by Everloop.
macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                text.parse().map(Self)
                    .map_err(|_| format!(concat!("`{}` is not a ", stringify!($name), ": expected a whole number"), text))
            }
        }
    };
}

number_id! {
    /// A pass through the loop; the first is 1.
    CycleNumber
}
number_id! {
    /// A version of a registered model; the first is 1.
    VersionNumber
}
number_id! {
    /// An experiment, as in MLflow: `0` is `Default`.
    ExperimentId
}

/// A run, as in MLflow: 32 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// The id made of 16 bytes: random ones, or the start of a digest.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(crate::digest::hex(&bytes))
    }

    /// The 32 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex
            .then(|| Self(text.to_ascii_lowercase()))
            .ok_or_else(|| format!("`{text}` is not a run id: expected 32 hex digits"))
    }
}

/// The name of a registered model: no `/`, no `:`, not empty, at most 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(String);

impl ModelName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ModelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for ModelName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_path = text == "." || text == "..";
        if text.trim().is_empty()
            || text.len() > 255
            || is_path
            || text.contains(['/', '\\', ':', '\0'])
        {
            return Err(format!(
                "`{text}` is not a model name: expected 1 to 255 characters without `/`, `\\` and `:`"
            ));
        }
        Ok(Self(text))
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.0
    }
}

/// The id of one prediction: given by the caller (a key column, a header) or made by the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub String);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_is_32_hex_digits() {
        let id = RunId::from_bytes([0xAB; 16]);
        assert_eq!(id.as_str(), "ab".repeat(16));
        assert_eq!(id.as_str().parse::<RunId>().unwrap(), id);
        assert!("../etc".parse::<RunId>().is_err());
    }

    #[test]
    fn a_model_name_is_no_path() {
        for text in ["", " ", ".", "..", "a/b", "a\\b", "a:b", &"x".repeat(256)] {
            assert!(text.parse::<ModelName>().is_err(), "{text}");
        }
        assert_eq!(
            "bike-demand".parse::<ModelName>().unwrap().as_str(),
            "bike-demand"
        );
    }

    #[test]
    fn numbers_parse_or_say_why() {
        assert_eq!("7".parse::<CycleNumber>().unwrap(), CycleNumber(7));
        assert!(
            "x".parse::<VersionNumber>()
                .unwrap_err()
                .contains("VersionNumber")
        );
    }
}
