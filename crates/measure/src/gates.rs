//! Gates and conditions: expressions over named numbers.

use std::fmt::Write as _;

use everloop_domain::Value;
use everloop_domain::expression::{BinaryOperator, Expression, Node, UnaryOperator};

use crate::Error;

/// What a condition came to.
#[derive(Clone, Debug, PartialEq)]
pub struct GateResult {
    /// Whether it holds. Without a champion, a comparison with it holds; with any other missing or undefined number
    /// nothing holds.
    pub passed: bool,
    /// The condition with its numbers: `rmse = 81.2 <= champion.rmse * 1.02 = 83`.
    pub shown: String,
    /// Names without a number.
    pub missing: Vec<String>,
}

/// What a part of a condition is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Worth {
    Number(f64),
    Truth(bool),
    /// A name has no number.
    Missing {
        /// Whether all that is missing is the champion's.
        is_champion: bool,
    },
}

/// Evaluates a condition on named numbers.
///
/// A bare name (`drift`) holds if its number is not 0. NaN makes every comparison fail.
///
/// # Errors
///
/// [`Error::Condition`] if the expression uses text, or a function that is not `abs`, `min`, `max` or `sqrt`.
pub fn check_gate(
    expression: &Expression,
    names: &dyn Fn(&str) -> Option<f64>,
) -> Result<GateResult, Error> {
    let missing: Vec<String> = expression
        .names()
        .into_iter()
        .filter(|name| names(name).is_none())
        .map(str::to_owned)
        .collect();
    let passed = match evaluate(expression, names)? {
        Worth::Truth(holds) => holds,
        Worth::Number(value) => value != 0.0 && !value.is_nan(),
        Worth::Missing { is_champion } => is_champion,
    };
    let mut shown = show(expression, names)?;
    if missing.iter().any(|name| name.starts_with("champion.")) {
        shown.push_str(" (there is no champion yet)");
    }
    let absent: Vec<&str> = missing
        .iter()
        .filter(|name| !name.starts_with("champion."))
        .map(String::as_str)
        .collect();
    if !absent.is_empty() {
        let _ = write!(shown, " (no value of {})", absent.join(", "));
    }
    Ok(GateResult {
        passed,
        shown,
        missing,
    })
}

fn evaluate(expression: &Expression, names: &dyn Fn(&str) -> Option<f64>) -> Result<Worth, Error> {
    match &expression.node {
        Node::Literal(Value::Text(text)) => Err(Error::Condition {
            what: format!("'{text}'"),
        }),
        Node::Literal(Value::Boolean(value)) => Ok(Worth::Truth(*value)),
        Node::Literal(value) => Ok(value
            .as_f64()
            .map_or(Worth::Number(f64::NAN), Worth::Number)),
        Node::Name(name) => Ok(match names(name) {
            Some(value) => Worth::Number(value),
            None => Worth::Missing {
                is_champion: name.starts_with("champion."),
            },
        }),
        Node::Unary(UnaryOperator::Negate, operand) => Ok(match evaluate(operand, names)? {
            Worth::Number(value) => Worth::Number(-value),
            other => other,
        }),
        Node::Unary(UnaryOperator::Not, operand) => Ok(match evaluate(operand, names)? {
            Worth::Missing { is_champion } => Worth::Missing { is_champion },
            other => Worth::Truth(!truth(other)),
        }),
        Node::Binary(operator, left, right) => Ok(binary(
            *operator,
            evaluate(left, names)?,
            evaluate(right, names)?,
        )),
        Node::Call(function, arguments) => call(function, arguments, names),
        Node::Null => Err(Error::Condition {
            what: "null".to_owned(),
        }),
        Node::In { .. } => Err(Error::Condition {
            what: "in".to_owned(),
        }),
        Node::IsNull { .. } => Err(Error::Condition {
            what: "is null".to_owned(),
        }),
        Node::Case { .. } => Err(Error::Condition {
            what: "case".to_owned(),
        }),
    }
}

fn call(
    function: &str,
    arguments: &[Expression],
    names: &dyn Fn(&str) -> Option<f64>,
) -> Result<Worth, Error> {
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        match evaluate(argument, names)? {
            Worth::Number(value) => values.push(value),
            Worth::Truth(value) => values.push(f64::from(u8::from(value))),
            missing @ Worth::Missing { .. } => return Ok(missing),
        }
    }
    match (function, values.as_slice()) {
        ("abs", [value]) => Ok(Worth::Number(value.abs())),
        ("sqrt", [value]) => Ok(Worth::Number(value.sqrt())),
        ("min", [first, rest @ ..]) => Ok(Worth::Number(
            rest.iter().fold(*first, |low, value| low.min(*value)),
        )),
        ("max", [first, rest @ ..]) => Ok(Worth::Number(
            rest.iter().fold(*first, |high, value| high.max(*value)),
        )),
        _ => Err(Error::Condition {
            what: format!("{function}(…)"),
        }),
    }
}

fn truth(worth: Worth) -> bool {
    match worth {
        Worth::Truth(value) => value,
        Worth::Number(value) => value != 0.0 && !value.is_nan(),
        Worth::Missing { is_champion } => is_champion,
    }
}

fn binary(operator: BinaryOperator, left: Worth, right: Worth) -> Worth {
    use BinaryOperator as Op;
    match operator {
        Op::And => return Worth::Truth(truth(left) && truth(right)),
        Op::Or => return Worth::Truth(truth(left) || truth(right)),
        _ => {}
    }
    let (left, right) = match (number(left), number(right)) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(left), Err(right)) => {
            return Worth::Missing {
                is_champion: left && right,
            };
        }
        (Err(is_champion), _) | (_, Err(is_champion)) => return Worth::Missing { is_champion },
    };
    match operator {
        Op::Add => Worth::Number(left + right),
        Op::Subtract => Worth::Number(left - right),
        Op::Multiply => Worth::Number(left * right),
        Op::Divide => Worth::Number(left / right),
        Op::Modulo => Worth::Number(left % right),
        Op::Equal => Worth::Truth(left == right),
        Op::NotEqual => Worth::Truth(left != right && !left.is_nan() && !right.is_nan()),
        Op::Less => Worth::Truth(left < right),
        Op::LessOrEqual => Worth::Truth(left <= right),
        Op::Greater => Worth::Truth(left > right),
        Op::GreaterOrEqual => Worth::Truth(left >= right),
        Op::And | Op::Or => Worth::Truth(truth(Worth::Number(left)) && truth(Worth::Number(right))),
    }
}

/// The number, or whether what is missing is the champion's.
fn number(worth: Worth) -> Result<f64, bool> {
    match worth {
        Worth::Number(value) => Ok(value),
        Worth::Truth(value) => Ok(f64::from(u8::from(value))),
        Worth::Missing { is_champion } => Err(is_champion),
    }
}

/// The condition with numbers beside all that is not a plain number.
fn show(expression: &Expression, names: &dyn Fn(&str) -> Option<f64>) -> Result<String, Error> {
    let Node::Binary(operator, left, right) = &expression.node else {
        return side(expression, names);
    };
    match operator {
        BinaryOperator::And | BinaryOperator::Or => {
            let word = if *operator == BinaryOperator::And {
                "and"
            } else {
                "or"
            };
            Ok(format!(
                "{} {word} {}",
                show(left, names)?,
                show(right, names)?
            ))
        }
        operator if is_comparison(*operator) => Ok(format!(
            "{} {} {}",
            side(left, names)?,
            symbol(*operator),
            side(right, names)?
        )),
        _ => side(expression, names),
    }
}

fn side(expression: &Expression, names: &dyn Fn(&str) -> Option<f64>) -> Result<String, Error> {
    let text = words(expression);
    if matches!(expression.node, Node::Literal(_)) {
        return Ok(text);
    }
    Ok(match evaluate(expression, names)? {
        Worth::Number(value) => format!("{text} = {}", rounded(value)),
        Worth::Truth(value) => format!("{text} = {value}"),
        Worth::Missing { .. } => text,
    })
}

fn rounded(value: f64) -> String {
    let digits = if value.abs() >= 100.0 { 1 } else { 4 };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn words(expression: &Expression) -> String {
    match &expression.node {
        Node::Literal(value) => value.to_string(),
        Node::Name(name) => name.clone(),
        Node::Unary(UnaryOperator::Negate, operand) => format!("-{}", words(operand)),
        Node::Unary(UnaryOperator::Not, operand) => format!("not {}", words(operand)),
        Node::Binary(operator, left, right) => {
            format!("{} {} {}", words(left), symbol(*operator), words(right))
        }
        Node::Call(function, arguments) => {
            format!(
                "{function}({})",
                arguments.iter().map(words).collect::<Vec<_>>().join(", ")
            )
        }
        Node::Null | Node::In { .. } | Node::IsNull { .. } | Node::Case { .. } => "…".to_owned(),
    }
}

fn is_comparison(operator: BinaryOperator) -> bool {
    use BinaryOperator as Op;
    matches!(
        operator,
        Op::Equal | Op::NotEqual | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual
    )
}

fn symbol(operator: BinaryOperator) -> &'static str {
    use BinaryOperator as Op;
    match operator {
        Op::Add => "+",
        Op::Subtract => "-",
        Op::Multiply => "*",
        Op::Divide => "/",
        Op::Modulo => "%",
        Op::Equal => "=",
        Op::NotEqual => "!=",
        Op::Less => "<",
        Op::LessOrEqual => "<=",
        Op::Greater => ">",
        Op::GreaterOrEqual => ">=",
        Op::And => "and",
        Op::Or => "or",
    }
}

#[cfg(test)]
mod tests {
    use everloop_domain::expression::parse;
    use proptest::prelude::*;

    use super::*;

    fn names(name: &str) -> Option<f64> {
        match name {
            "rmse" => Some(81.25),
            "champion.mae" => Some(12.0),
            "nan" => Some(f64::NAN),
            "drift" => Some(1.0),
            "calm" => Some(0.0),
            _ => None,
        }
    }

    #[track_caller]
    fn check(text: &str, passed: bool, shown: &str) {
        let result = check_gate(&parse(text).unwrap(), &names).unwrap();
        assert_eq!((result.passed, result.shown.as_str()), (passed, shown));
    }

    #[test]
    fn numbers_are_shown_beside_names() {
        check("rmse < 80", false, "rmse = 81.25 < 80");
        check(
            "rmse <= champion.mae * 7",
            true,
            "rmse = 81.25 <= champion.mae * 7 = 84",
        );
        check("rmse < 80 or drift", true, "rmse = 81.25 < 80 or drift = 1");
        check("not drift", false, "not drift = false");
        check("calm", false, "calm = 0");
        check("max(rmse, 100) = 100", true, "max(rmse, 100) = 100 = 100");
    }

    #[test]
    fn without_a_champion_a_comparison_with_it_holds() {
        check(
            "rmse <= champion.rmse * 1.02",
            true,
            "rmse = 81.25 <= champion.rmse * 1.02 (there is no champion yet)",
        );
        check(
            "rmse < 80 and rmse < champion.rmse",
            false,
            "rmse = 81.25 < 80 and rmse = 81.25 < champion.rmse (there is no champion yet)",
        );
    }

    #[test]
    fn what_is_not_known_does_not_hold() {
        check("mae < 3", false, "mae < 3 (no value of mae)");
        check("nan < 3", false, "nan = NaN < 3");
        check("nan != 3", false, "nan = NaN != 3");
        check(
            "mae < champion.rmse",
            false,
            "mae < champion.rmse (there is no champion yet) (no value of mae)",
        );
    }

    #[test]
    fn what_has_no_meaning_is_named() {
        let say = |text| {
            check_gate(&parse(text).unwrap(), &names)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            say("rmse = 'x'"),
            "`'x'` has no meaning in a condition on scores"
        );
        assert_eq!(
            say("sin(rmse) > 0"),
            "`sin(…)` has no meaning in a condition on scores"
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-z0-9 .<>=+*/()-]{0,40}") {
            if let Ok(expression) = parse(&text) {
                // Any answer will do.
                let _ = check_gate(&expression, &names);
            }
        }
    }
}
