//! `sources`, `checks` and `prepare`.

use super::{COUNT, NAMES, NUMBER};
use crate::shape::{Choice, Field, Shape, optional, required};

pub(super) const SOURCES: Shape = Shape::MapOf {
    name: "table",
    shape: &Shape::Map(&SOURCE),
    may_be_empty: false,
};

const BY_PATH: &str = "fetch it to a file and name that: `path: data/rows.parquet`";

static SOURCE: [Field; 11] = [
    required(
        "path",
        &Shape::Text,
        "A file, a directory or a glob, relative to the project: CSV, JSON lines, Parquet or Arrow, plain or compressed by gzip or zstd.",
    ),
    optional(
        "format",
        &FORMAT,
        "How the bytes are read; told from the file name when absent.",
    ),
    optional(
        "delimiter",
        &Shape::Character,
        "The field separator of CSV; told from the first line when absent.",
    ),
    optional(
        "header",
        &Shape::Boolean,
        "Whether CSV starts with the names of the columns.",
    )
    .or("true"),
    optional(
        "null_values",
        &NAMES,
        "Texts that mean \"missing\" in CSV, besides the empty one.",
    )
    .or("[]"),
    optional("url", &Shape::Text, "Rows behind an address.").refused(BY_PATH),
    optional(
        "sha256",
        &Shape::Text,
        "The digest of what is behind `url`.",
    )
    .refused(BY_PATH),
    optional("sql", &Shape::Text, "Rows of a database.").refused(BY_PATH),
    optional("query", &Shape::Text, "The query to the database.").refused(BY_PATH),
    optional(
        "cursor",
        &Shape::Text,
        "The column by which new rows are told.",
    )
    .refused(BY_PATH),
    optional("stream", &Shape::Text, "Rows that arrive as messages.").refused(BY_PATH),
];

const FORMAT: Shape = Shape::Choice(Choice {
    words: &[
        ("csv", "separated values"),
        ("json", "one JSON object a line"),
        ("parquet", "Apache Parquet"),
        ("arrow", "Arrow IPC file"),
    ],
});

pub(super) const CHECKS: Shape = Shape::MapOf {
    name: "table",
    shape: &Shape::Map(&TABLE_CHECKS),
    may_be_empty: true,
};

static TABLE_CHECKS: [Field; 3] = [
    optional(
        "columns",
        &COLUMN_CHECKS,
        "What must hold for the values of single columns.",
    )
    .or("{}"),
    optional(
        "rows",
        &Shape::Map(&ROW_COUNT),
        "How many rows there must be.",
    ),
    optional(
        "rules",
        &RULES,
        "Conditions in SQL that must hold for every row.",
    )
    .or("[]"),
];

const COLUMN_CHECKS: Shape = Shape::MapOf {
    name: "column",
    shape: &Shape::Map(&COLUMN_CHECK),
    may_be_empty: true,
};

static COLUMN_CHECK: [Field; 8] = [
    optional(
        "type",
        &COLUMN_TYPE,
        "Every value can be read as this type.",
    ),
    optional("required", &Shape::Boolean, "No value is missing."),
    optional("unique", &Shape::Boolean, "No value occurs twice."),
    optional("min", &NUMBER, "No value is smaller."),
    optional("max", &NUMBER, "No value is greater."),
    optional(
        "in",
        &Shape::List {
            shape: &Shape::Scalar,
            may_be_empty: false,
        },
        "Every value is one of these.",
    ),
    optional(
        "pattern",
        &Shape::Pattern,
        "Every value, as text, matches the whole regular expression.",
    ),
    optional(
        "severity",
        &SEVERITY,
        "What happens when one of the column's checks does not hold.",
    )
    .or("error"),
];

const COLUMN_TYPE: Shape = Shape::Choice(Choice {
    words: &[
        ("integer", "64-bit whole numbers"),
        ("number", "64-bit floating point numbers"),
        ("text", "text"),
        ("boolean", "true or false"),
        ("date", "a calendar day"),
        ("timestamp", "a moment"),
    ],
});

const SEVERITY: Shape = Shape::Choice(Choice {
    words: &[
        ("error", "the cycle stops"),
        ("warn", "it is recorded and the cycle goes on"),
    ],
});

static ROW_COUNT: [Field; 3] = [
    optional("min", &COUNT, "At least so many rows."),
    optional("max", &COUNT, "At most so many rows."),
    optional("severity", &SEVERITY, "What happens otherwise.").or("error"),
];

const RULES: Shape = Shape::List {
    shape: &Shape::Map(&RULE),
    may_be_empty: true,
};

static RULE: [Field; 3] = [
    required("name", &Shape::Written, "What people call the rule."),
    required(
        "sql",
        &Shape::Written,
        "A boolean SQL expression over the table's columns; null counts as held.",
    ),
    optional("severity", &SEVERITY, "What happens otherwise.").or("error"),
];

pub(super) const PREPARE: Shape = Shape::List {
    shape: &STEP,
    may_be_empty: true,
};

const STEP: Shape = Shape::AnyOf(&[Shape::Map(&DEDUPLICATE_STEP), Shape::Map(&SQL_STEP)]);

static DEDUPLICATE_STEP: [Field; 1] = [required(
    "deduplicate",
    &Shape::Map(&DEDUPLICATE),
    "Keeps the first row of each key.",
)];

static DEDUPLICATE: [Field; 2] = [
    required(
        "table",
        &Shape::Written,
        "The table; the result takes its place.",
    ),
    optional(
        "by",
        &NAMES,
        "The columns of the key; all columns when empty.",
    )
    .or("[]"),
];

static SQL_STEP: [Field; 2] = [
    required("table", &Shape::Written, "The name of the new table."),
    required(
        "sql",
        &Shape::Text,
        "A query over sources and earlier tables.",
    ),
];
