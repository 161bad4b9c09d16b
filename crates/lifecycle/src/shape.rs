//! What may stand where in a lifecycle file.
//!
//! One table of shapes (see [`crate::shapes`]) says it once. The walker checks a tree against it,
//! the defaults are taken from it, and the JSON Schema is printed from it, so that the three
//! cannot disagree.

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A map with these keys and no others.
    Map(&'static [Field]),
    /// A map whose keys are names that the user chooses.
    MapOf {
        name: &'static str,
        shape: &'static Shape,
        may_be_empty: bool,
    },
    /// A list.
    List {
        shape: &'static Shape,
        may_be_empty: bool,
    },
    /// The first of these that fits.
    AnyOf(&'static [Shape]),
    /// One of some words.
    Choice(Choice),
    /// Text.
    Text,
    /// A text, a number or a boolean, taken as it is written.
    Written,
    /// A text, a number or a boolean.
    Scalar,
    /// True or false.
    Boolean,
    /// A whole number, the bounds included.
    Integer { min: i64, max: i64 },
    /// A number, the bounds included.
    Number { min: f64, max: f64 },
    /// A number between 0 and 1, the ends excluded.
    OpenShare,
    /// `90s`, `10m`, `6h`, `2d`, `1w`.
    Duration { may_be_zero: bool },
    /// `512MiB`, `4GiB`.
    Size,
    /// `10%`.
    Percent,
    /// An expression over the columns of a row.
    Feature,
    /// An expression over metrics that holds or does not hold.
    Condition,
    /// A cron expression or one of a few words.
    Schedule,
    /// A regular expression.
    Pattern,
    /// The name of a registered model.
    ModelName,
    /// A single character.
    Character,
}

/// Some words, of which one may stand.
#[derive(Debug)]
pub(crate) struct Choice {
    /// The words with what they mean.
    pub(crate) words: &'static [(&'static str, &'static str)],
}

/// A key of a map.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) shape: &'static Shape,
    pub(crate) is_required: bool,
    /// What stands there when the key is absent, as YAML.
    pub(crate) default: Option<&'static str>,
    pub(crate) availability: Availability,
}

/// Whether this release carries a key out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Availability {
    Available,
    /// Read and checked, but not carried out: a warning with the way out.
    Planned(&'static str),
    /// Known, but refused: an error with the way out.
    Refused(&'static str),
}

/// A key that may be absent.
pub(crate) const fn optional(
    name: &'static str,
    shape: &'static Shape,
    doc: &'static str,
) -> Field {
    Field {
        name,
        doc,
        shape,
        is_required: false,
        default: None,
        availability: Availability::Available,
    }
}

/// A key that must be given.
pub(crate) const fn required(
    name: &'static str,
    shape: &'static Shape,
    doc: &'static str,
) -> Field {
    Field {
        is_required: true,
        ..optional(name, shape, doc)
    }
}

impl Field {
    /// What stands there when the key is absent.
    pub(crate) const fn or(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }

    pub(crate) const fn planned(self, way_out: &'static str) -> Self {
        Self {
            availability: Availability::Planned(way_out),
            ..self
        }
    }

    pub(crate) const fn refused(self, way_out: &'static str) -> Self {
        Self {
            availability: Availability::Refused(way_out),
            ..self
        }
    }
}

impl Shape {
    /// What the value must be, in words, to follow "must be".
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Map(_) | Self::MapOf { .. } => "a map".to_owned(),
            Self::List { .. } => "a list".to_owned(),
            Self::AnyOf(shapes) => shapes
                .iter()
                .map(Self::described)
                .collect::<Vec<_>>()
                .join(" or "),
            Self::Choice(choice) => match choice.words {
                [(only, _)] => format!("`{only}`"),
                words => format!(
                    "one of {}",
                    words
                        .iter()
                        .map(|(word, _)| *word)
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            },
            Self::Text | Self::Written => "text".to_owned(),
            Self::Scalar => "a text, a number or a boolean".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Integer { .. } => "a whole number".to_owned(),
            Self::Number { .. } | Self::OpenShare => "a number".to_owned(),
            Self::Duration { .. } => "a duration such as `6h`".to_owned(),
            Self::Size => "a size such as `4GiB`".to_owned(),
            Self::Percent => "a percentage such as `10%`".to_owned(),
            Self::Feature => "an expression".to_owned(),
            Self::Condition => "a condition such as `rmse < 80`".to_owned(),
            Self::Schedule => "a schedule such as `weekly`".to_owned(),
            Self::Pattern => "a regular expression".to_owned(),
            Self::ModelName => "a name".to_owned(),
            Self::Character => "a single character".to_owned(),
        }
    }
}
