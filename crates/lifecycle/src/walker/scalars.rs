//! Checks of single values.

use everloop_domain::{ModelName, Value, expression};

use crate::codes;
use crate::diagnostic::Report;
use crate::duration::parse_duration;
use crate::schedule::Schedule;
use crate::shape::{Choice, Shape};
use crate::size::parse_size;
use crate::suggestion;
use crate::yaml::{Node, Place, Resolved, Scalar};

/// Checks a scalar against a shape of scalars.
pub(super) fn check(
    shape: &Shape,
    node: &Node,
    scalar: &Scalar,
    path: &str,
    key: &Place,
    report: &mut Report,
) {
    let resolved = match scalar.resolve() {
        Resolved::Null => {
            let message = format!("`{path}` must be {}, found nothing", shape.described());
            report.add(codes::WRONG_TYPE, key, message);
            return;
        }
        Resolved::Value(value) => value,
    };
    let text = scalar.text.as_str();
    let is_text = matches!(resolved, Value::Text(_));
    match shape {
        Shape::Choice(choice) => check_choice(choice, node, text, path, report),
        Shape::Integer { .. } | Shape::Number { .. } | Shape::OpenShare => {
            if !check_number(shape, &resolved, node, text, path, report) {
                wrong_type(shape, node, scalar, path, report);
            }
        }
        Shape::Boolean if !matches!(resolved, Value::Boolean(_)) => {
            wrong_type(shape, node, scalar, path, report);
        }
        Shape::Percent if !is_text => {
            wrong_type(shape, node, scalar, path, report).hint(format!("write `{text}%`"));
        }
        Shape::Text | Shape::Pattern | Shape::ModelName | Shape::Schedule | Shape::Character
            if !is_text =>
        {
            let way_out = format!("put it in quotes if it is meant as text: \"{text}\"");
            wrong_type(shape, node, scalar, path, report).hint(way_out);
        }
        Shape::Feature | Shape::Condition => {
            if let Err(error) = expression::parse(text) {
                let place = node.place_within(report.text(), &error.span);
                let message = format!("`{path}` is not an expression: {error}");
                report.add(codes::EXPRESSION_SYNTAX, &place, message);
            }
        }
        _ => check_form(shape, node, text, path, report),
    }
}

/// Checks the range of a number; false if the value is none.
fn check_number(
    shape: &Shape,
    value: &Value,
    node: &Node,
    text: &str,
    path: &str,
    report: &mut Report,
) -> bool {
    match (shape, value) {
        (Shape::Integer { min, max }, Value::Integer(whole)) => {
            let (is_low, is_high) = (whole < min, whole > max);
            check_range(
                node,
                path,
                text,
                is_low.then_some(min),
                is_high.then_some(max),
                report,
            );
        }
        (Shape::Number { min, max }, Value::Integer(_) | Value::Number(_)) => {
            let number = value.as_f64().unwrap_or_default();
            let (is_low, is_high) = (number < *min, number > *max);
            check_range(
                node,
                path,
                text,
                is_low.then_some(min),
                is_high.then_some(max),
                report,
            );
        }
        (Shape::OpenShare, Value::Integer(_) | Value::Number(_)) => {
            if value
                .as_f64()
                .is_none_or(|share| share <= 0.0 || share >= 1.0)
            {
                let message = format!("`{path}` is {text}; it must lie between 0 and 1");
                report.at(codes::OUT_OF_RANGE, node, message);
            }
        }
        _ => return false,
    }
    true
}

/// What is wrong with a number that has a unit: code, message and way out.
fn amount(shape: &Shape, text: &str, path: &str) -> Option<(&'static str, String, &'static str)> {
    let (found, too_little, way_out) = match shape {
        Shape::Duration { may_be_zero } => (
            parse_duration(text).map(|duration| duration.is_zero() && !may_be_zero),
            "longer than nothing",
            "write a whole number and a unit: 90s, 10m, 6h, 2d or 1w",
        ),
        _ => (
            parse_size(text).map(|n_bytes| n_bytes == 0),
            "more than nothing",
            "write a whole number and a unit: 512MiB, 4GiB or 8GB",
        ),
    };
    match found {
        Ok(false) => None,
        Ok(true) => Some((
            codes::OUT_OF_RANGE,
            format!("`{path}` must be {too_little}"),
            "",
        )),
        Err(message) => Some((codes::INVALID_VALUE, message, way_out)),
    }
}

/// Checks texts that must have a certain form.
fn check_form(shape: &Shape, node: &Node, text: &str, path: &str, report: &mut Report) {
    let (code, problem, way_out) = match shape {
        Shape::Duration { .. } | Shape::Size => match amount(shape, text, path) {
            Some(problem) => problem,
            None => return,
        },
        Shape::Percent => {
            let percentage = text
                .strip_suffix('%')
                .and_then(|number| number.trim_end().parse::<f64>().ok());
            if percentage.is_some_and(|percentage| (0.0..=100.0).contains(&percentage)) {
                return;
            }
            (
                codes::INVALID_VALUE,
                format!("`{text}` is not a percentage"),
                "write a number from 0 to 100 and `%`: 10%",
            )
        }
        Shape::Schedule => match Schedule::parse(text) {
            Ok(_) => return,
            Err(message) => (
                codes::BAD_SCHEDULE,
                message,
                "write hourly, daily, weekly, monthly, or five fields: minute hour day month weekday, for example \"0 6 * * 1\"",
            ),
        },
        Shape::Pattern => match regex::Regex::new(text) {
            Ok(_) => return,
            Err(error) => {
                let reason = error.to_string();
                let reason = reason
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned();
                (
                    codes::INVALID_VALUE,
                    format!("`{text}` is not a regular expression: {reason}"),
                    "",
                )
            }
        },
        Shape::ModelName => match text.parse::<ModelName>() {
            Ok(_) => return,
            Err(message) => (codes::INVALID_VALUE, format!("`{path}`: {message}"), ""),
        },
        Shape::Character => {
            if text.chars().count() == 1 {
                return;
            }
            (
                codes::INVALID_VALUE,
                format!("`{path}` must be a single character, found `{text}`"),
                "a tab is \"\\t\"",
            )
        }
        Shape::Text | Shape::Written if text.trim().is_empty() => (
            codes::INVALID_VALUE,
            format!("`{path}` must not be empty"),
            "",
        ),
        _ => return,
    };
    let diagnostic = report.at(code, node, problem);
    if !way_out.is_empty() {
        diagnostic.hint(way_out);
    }
}

fn check_choice(choice: &Choice, node: &Node, text: &str, path: &str, report: &mut Report) {
    if choice.words.iter().any(|(word, _)| *word == text) {
        return;
    }
    let words = choice.words.iter().map(|(word, _)| *word);
    let hint = suggestion::hint(text, "it can be", words);
    report
        .at(
            codes::UNKNOWN_VALUE,
            node,
            format!("`{path}` cannot be `{text}`"),
        )
        .help = hint;
}

fn check_range<T: ToString>(
    node: &Node,
    path: &str,
    text: &str,
    too_low: Option<T>,
    too_high: Option<T>,
    report: &mut Report,
) {
    for (bound, words) in [(too_low, "at least"), (too_high, "at most")] {
        if let Some(bound) = bound {
            let message = format!(
                "`{path}` is {text}; it must be {words} {}",
                bound.to_string()
            );
            report.at(codes::OUT_OF_RANGE, node, message);
        }
    }
}

fn wrong_type<'r>(
    shape: &Shape,
    node: &Node,
    scalar: &Scalar,
    path: &str,
    report: &'r mut Report,
) -> &'r mut crate::Diagnostic {
    let message = format!(
        "`{path}` must be {}, found {}",
        shape.described(),
        scalar.described()
    );
    report.at(codes::WRONG_TYPE, node, message)
}
