//! Where rows come from and how they are made ready: the checked form of `sources`, `checks`,
//! `prepare`, `dataset` and `split`, as `lifecycle` makes it and `data` carries it out.

use serde::{Deserialize, Serialize};

use crate::{ColumnType, Value};

/// A named table from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The table's name in SQL.
    pub name: String,
    /// A file, a directory or a glob, relative to the project directory or absolute.
    pub path: String,
    /// The format; told from the file name when absent.
    pub format: Option<Format>,
    /// The field separator of CSV; told from the first line when absent.
    pub delimiter: Option<char>,
    /// Whether CSV starts with names. Without them columns are `column_1`, `column_2`, …
    pub has_header: bool,
    /// Texts that mean "missing" in CSV, besides the empty one.
    pub null_values: Vec<String>,
}

/// How the bytes of a source are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Separated values.
    Csv,
    /// One JSON object a line.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC file.
    Arrow,
}

/// What happens when a check does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The cycle stops.
    #[default]
    Error,
    /// It is recorded and the cycle goes on.
    Warn,
}

/// All checks of one table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableChecks {
    /// The table.
    pub table: String,
    /// Checks of single columns, in the order of the file.
    pub columns: Vec<ColumnCheck>,
    /// How many rows there must be.
    pub rows: Option<RowCountCheck>,
    /// Conditions on rows, in SQL.
    pub rules: Vec<RuleCheck>,
}

/// One check of one column. A missing value satisfies every rule but `Required`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnCheck {
    /// The column.
    pub column: String,
    /// What must hold for each value.
    pub rule: ColumnRule,
    /// What happens if it does not.
    pub severity: Severity,
}

/// What must hold for each value of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnRule {
    /// Every value can be read as the type.
    Type(ColumnType),
    /// No value is missing.
    Required,
    /// No value occurs twice.
    Unique,
    /// No value is smaller.
    Min(f64),
    /// No value is greater.
    Max(f64),
    /// Every value is one of these.
    In(Vec<Value>),
    /// Every value, as text, matches the whole regular expression.
    Pattern(String),
}

/// How many rows a table must have, both ends included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowCountCheck {
    /// At least.
    pub min: Option<u64>,
    /// At most.
    pub max: Option<u64>,
    /// What happens otherwise.
    pub severity: Severity,
}

/// An SQL condition that must hold for every row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleCheck {
    /// What people call it.
    pub name: String,
    /// A boolean SQL expression over the table's columns; null counts as held.
    pub sql: String,
    /// What happens otherwise.
    pub severity: Severity,
}

/// One step of `prepare`; it makes or replaces a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrepareStep {
    /// Keeps the first row of each key, in the order of the input.
    Deduplicate {
        /// The table, replaced by the result.
        table: String,
        /// The key; all columns when empty.
        by: Vec<String>,
    },
    /// Makes a table from a query over sources and earlier tables.
    Sql {
        /// The new table.
        table: String,
        /// The query.
        sql: String,
    },
}

/// Which table is learnt from, and what its columns are for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// The table.
    pub table: String,
    /// The column to predict; empty if the task needs none and none is given.
    pub target: String,
    /// The column that orders rows in time.
    pub time: Option<String>,
    /// The column that says how much a row counts; all count the same when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// Columns that are no inputs.
    pub exclude: Vec<String>,
}

/// How rows are divided into parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// By what.
    pub by: SplitBy,
    /// The share of the train part, 0 to 1; the three sum to 1.
    pub train: f64,
    /// The share of the validation part.
    pub validation: f64,
    /// The share of the test part.
    pub test: f64,
    /// The seed of `random`, `stratified` and `group`.
    pub seed: u64,
}

/// What decides the part of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// The time column: the oldest rows train, the newest test; equal times stay together.
    Time,
    /// Chance.
    Random,
    /// Chance, with the target's shares kept in each part.
    Stratified,
    /// Chance by the value of a column: its rows stay together.
    Group(String),
    /// A column that holds `train`, `validation` or `test`.
    Column(String),
}

/// A part of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The model is fitted on it.
    Train,
    /// The package is checked on it; early stopping watches it.
    Validation,
    /// Scores and gates are computed on it.
    Test,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}
