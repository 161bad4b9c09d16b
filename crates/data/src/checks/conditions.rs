//! Checks as SQL conditions that hold for the rows that fail.

use everloop_domain::ColumnType;
use everloop_domain::dataset::{ColumnCheck, ColumnRule, RuleCheck, Severity, TableChecks};

use crate::session::quoted;

/// A check of rows.
pub(super) struct Condition {
    /// The check in words.
    pub(super) name: String,
    /// The column, if it is about one.
    pub(super) column: Option<String>,
    /// What happens if it does not hold.
    pub(super) severity: Severity,
    /// The SQL condition of failing rows, or why there is none.
    pub(super) fails_where: Result<String, String>,
}

/// The conditions of a table's checks, in the order of the file.
pub(super) fn all(checks: &TableChecks, schema: &[(String, ColumnType)]) -> Vec<Condition> {
    let columns = checks.columns.iter().map(|check| of_column(check, schema));
    columns.chain(checks.rules.iter().map(of_rule)).collect()
}

fn of_rule(rule: &RuleCheck) -> Condition {
    Condition {
        name: rule.name.clone(),
        column: None,
        severity: rule.severity,
        fails_where: Ok(format!("not ({})", rule.sql)),
    }
}

fn of_column(check: &ColumnCheck, schema: &[(String, ColumnType)]) -> Condition {
    let found = schema.iter().find(|(name, _)| *name == check.column);
    let fails_where = match found {
        Some((name, column_type)) => fails_where(&check.rule, &quoted(name), *column_type),
        None => Err(format!("there is no column `{}`", check.column)),
    };
    Condition {
        name: format!("{}: {}", check.column, words(&check.rule)),
        column: found.is_some().then(|| check.column.clone()),
        severity: check.severity,
        fails_where,
    }
}

fn words(rule: &ColumnRule) -> String {
    match rule {
        ColumnRule::Type(column_type) => format!("type {column_type}"),
        ColumnRule::Required => "required".to_owned(),
        ColumnRule::Unique => "unique".to_owned(),
        ColumnRule::Min(min) => format!("at least {min}"),
        ColumnRule::Max(max) => format!("at most {max}"),
        ColumnRule::In(values) => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            format!("one of {}", values.join(", "))
        }
        ColumnRule::Pattern(pattern) => format!("pattern {pattern}"),
    }
}

fn fails_where(rule: &ColumnRule, column: &str, column_type: ColumnType) -> Result<String, String> {
    let number = || match column_type {
        ColumnType::Text => format!("try_cast({column} as double)"),
        _ => format!("cast({column} as double)"),
    };
    let text = format!("cast({column} as varchar)");
    Ok(match rule {
        ColumnRule::Required if column_type == ColumnType::Text => {
            format!("({column} is null or {column} = '')")
        }
        ColumnRule::Required => format!("{column} is null"),
        ColumnRule::Unique => {
            format!("({column} is not null and count(*) over (partition by {column}) > 1)")
        }
        ColumnRule::Min(min) => format!("{} < {min:?}", number()),
        ColumnRule::Max(max) => format!("{} > {max:?}", number()),
        ColumnRule::In(values) => {
            let values: Vec<String> = values
                .iter()
                .map(|value| literal(&value.to_string()))
                .collect();
            format!("{text} not in ({})", values.join(", "))
        }
        ColumnRule::Pattern(pattern) => {
            regex::Regex::new(pattern)
                .map_err(|error| format!("`{pattern}` is not a pattern: {error}"))?;
            format!(
                "not regexp_like({text}, {})",
                literal(&format!("^(?:{pattern})$"))
            )
        }
        ColumnRule::Type(wanted) => wrong_type(column, column_type, *wanted),
    })
}

/// The rows whose value cannot be read as the wanted type.
fn wrong_type(column: &str, found: ColumnType, wanted: ColumnType) -> String {
    use ColumnType as Type;
    let holds = match (found, wanted) {
        (found, wanted) if found == wanted => true,
        (_, Type::Text) | (Type::Integer, Type::Number) | (Type::Date, Type::Timestamp) => true,
        _ => false,
    };
    if holds {
        return "false".to_owned();
    }
    match (found, wanted) {
        (Type::Number, Type::Integer) => format!("{column} <> round({column})"),
        (Type::Integer, Type::Boolean) => format!("{column} not in (0, 1)"),
        (Type::Text, wanted) => {
            let sql_type = match wanted {
                Type::Integer => "bigint",
                Type::Number => "double",
                Type::Boolean => "boolean",
                Type::Date => "date",
                Type::Timestamp | Type::Text => "timestamp",
            };
            format!("({column} is not null and try_cast(trim({column}) as {sql_type}) is null)")
        }
        _ => format!("{column} is not null"),
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
