//! Fingerprints: what the result of a stage depends on, as a struct that can be printed and compared.

use std::collections::BTreeMap;

use everloop_domain::{Digest, StageName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything the result of a stage is made from. It is stored beside the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The stage.
    pub stage: StageName,
    /// The version of the stage's code: raised when the same inputs give another result.
    pub version: u32,
    /// The settings from the lifecycle file.
    pub parameters: BTreeMap<String, Value>,
    /// The digests of what it reads, by name.
    pub inputs: BTreeMap<String, Digest>,
    /// What else matters: the command line, the interpreter.
    pub environment: BTreeMap<String, String>,
}

impl Fingerprint {
    /// A fingerprint without inputs yet.
    #[must_use]
    pub fn new(stage: StageName, version: u32) -> Self {
        Self {
            stage,
            version,
            parameters: BTreeMap::new(),
            inputs: BTreeMap::new(),
            environment: BTreeMap::new(),
        }
    }

    /// Adds a setting.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &impl Serialize) -> Self {
        // Settings are plain data from the lifecycle file: they always have a JSON form.
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        self.parameters.insert(name.to_owned(), value);
        self
    }

    /// Adds an input.
    #[must_use]
    pub fn input(mut self, name: &str, digest: Digest) -> Self {
        self.inputs.insert(name.to_owned(), digest);
        self
    }

    /// Adds something of the environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// The name of the result: the digest of the JSON form, whose keys are sorted.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_json())
    }

    /// The JSON form that is stored beside the result.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// What differs from another fingerprint, a line each; empty if nothing does.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.version != other.version {
            lines.push(format!(
                "version of `{}`: {} -> {}",
                self.stage, self.version, other.version
            ));
        }
        compare("parameter", &self.parameters, &other.parameters, &mut lines);
        compare("input", &self.inputs, &other.inputs, &mut lines);
        compare(
            "environment",
            &self.environment,
            &other.environment,
            &mut lines,
        );
        lines
    }
}

fn compare<T: PartialEq + Serialize>(
    what: &str,
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
    lines: &mut Vec<String>,
) {
    let shown = |value: Option<&T>| {
        value.map_or_else(
            || "absent".to_owned(),
            |value| serde_json::to_string(value).unwrap_or_default(),
        )
    };
    let names: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (before, after) = (old.get(name), new.get(name));
        if before != after {
            lines.push(format!(
                "{what} `{name}`: {} -> {}",
                shown(before),
                shown(after)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Fingerprint {
        Fingerprint::new(StageName::Train, 1)
            .parameter("trees", &300)
            .input("train.parquet", Digest::of("rows"))
            .environment("command", "python train.py")
    }

    #[test]
    fn equal_inputs_give_equal_digests() {
        assert_eq!(sample().digest(), sample().digest());
        assert_ne!(
            sample().digest(),
            sample().parameter("trees", &301).digest()
        );
        assert_ne!(
            sample().digest(),
            Fingerprint {
                version: 2,
                ..sample()
            }
            .digest()
        );
    }

    #[test]
    fn differences_name_what_changed() {
        let changed = sample().parameter("trees", &301).parameter("depth", &3);
        assert_eq!(
            sample().differences(&changed),
            [
                "parameter `depth`: absent -> 3",
                "parameter `trees`: 300 -> 301"
            ]
        );
        assert!(sample().differences(&sample()).is_empty());
    }

    #[test]
    fn the_json_form_round_trips() {
        let text = sample().to_json();
        assert_eq!(
            serde_json::from_str::<Fingerprint>(&text).unwrap(),
            sample()
        );
    }
}
