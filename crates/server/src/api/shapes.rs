//! What answers are made of, beside plain texts and numbers.

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// A number; those that JSON does not know are the texts `NaN`, `Infinity` and `-Infinity`, as in MLflow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value => serializer.serialize_f64(value),
        }
    }
}

impl PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        let words = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["NaN", "Infinity", "-Infinity"]));
        let number = ObjectBuilder::new().schema_type(Type::Number);
        let either = OneOfBuilder::new().item(number).item(words);
        let about = "A number; those that JSON does not know are texts.";
        RefOr::T(Schema::OneOf(either.description(Some(about)).build()))
    }
}

impl ToSchema for Number {}

/// Words of `domain`, with a schema that lists them.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $about:literal,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Serialize)]
        #[serde(transparent)]
        pub(super) struct $name(everloop_domain::$name);

        impl From<everloop_domain::$name> for $name {
            fn from(word: everloop_domain::$name) -> Self {
                Self(word)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = everloop_domain::$name::ALL.iter().map(|word| word.as_str());
                let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
                RefOr::T(schema.description(Some($about)).into())
            }
        }

        impl ToSchema for $name {}
    )+};
}

words! {
    /// A stage.
    StageName = "A stage of the loop.",
    /// How far it is.
    StageState = "How far a stage of a cycle has come.",
    /// Why a cycle was started.
    CycleReason = "Why a cycle was started.",
    /// How it ended.
    CycleOutcome = "How a cycle ended.",
    /// The status of a run.
    RunStatus = "The status of a run, in MLflow's words.",
}

/// A reference to a schema by its name.
pub(super) fn named(schema: &str) -> Ref {
    Ref::from_schema_name(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_does_not_know_are_texts() {
        let numbers = [0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Number);
        let shown = serde_json::to_string(&numbers).unwrap();
        assert_eq!(shown, r#"[0.5,"NaN","Infinity","-Infinity"]"#);
    }

    #[test]
    fn words_are_listed_as_the_domain_knows_them() {
        let schema = serde_json::to_value(CycleOutcome::schema()).unwrap();
        let words = ["promoted", "rejected", "rolled_back", "failed", "healthy"];
        assert_eq!(schema["enum"], serde_json::json!(words));
    }
}
