//! What kinds expressions have, and which are refused with what advice.

use everloop_domain::expression::{Node, UnaryOperator, parse};

use super::*;

fn kinds() -> BTreeMap<String, Kind> {
    let kinds = [
        ("x", Kind::Number),
        ("n", Kind::Integer),
        ("t", Kind::Text),
        ("f", Kind::Boolean),
    ];
    kinds
        .into_iter()
        .map(|(name, kind)| (name.to_owned(), kind))
        .collect()
}

/// Checks an expression over [`kinds`]: its kind, or `place: message`.
fn checked(text: &str) -> String {
    let kinds = kinds();
    match check_expression(&parse(text).unwrap(), &kinds) {
        Ok(kind) => kind.to_string(),
        Err(error) => format!("{}: {error}", &text[error.span.clone()]),
    }
}

#[test]
fn expressions_have_kinds() {
    for (text, kind) in [
        ("x + 1", "number"),
        ("n", "integer"),
        ("n * 2", "number"),
        ("-n", "number"),
        ("n = 1", "boolean"),
        ("if(f, n, 2)", "integer"),
        ("if(f, n, 2.5)", "number"),
        ("case when f then n end", "number"),
        ("case when f then t end", "text"),
        ("case when f then f end", "number"),
        ("coalesce(x, 0)", "number"),
        ("coalesce(t, 'none')", "text"),
        ("t in ('a', 'b')", "boolean"),
        ("f + f", "number"),
    ] {
        assert_eq!(checked(text), kind, "{text}");
    }
}

#[test]
fn expressions_without_operators_are_refused_with_advice() {
    for (text, expected) in [
        (
            "t + 'x'",
            "t: text cannot be computed with in a model graph",
        ),
        (
            "lower(t)",
            "lower(t): `lower` is not a function of a model graph: move this to `prepare`",
        ),
        (
            "t < 'b'",
            "t < 'b': texts have no order in a model graph: move this to `prepare`",
        ),
        ("t = 1", "t = 1: a text is never equal to an integer"),
        ("unknown + 1", "unknown: `unknown` is not a column"),
        ("1 + 1", "1 + 1: the expression uses no column"),
        (
            "x = null",
            "x = null: nothing is equal to null: use `is null`",
        ),
        ("x and f", "x: expected a condition, found a number"),
        ("if(x, 1, 2)", "x: expected a condition, found a number"),
        ("if(f, 'a', 1)", "if(f, 'a', 1): the results of "),
        ("abs(x, 1)", "abs(x, 1): `abs` takes 1 argument, 2 given"),
        (
            "min(x)",
            "min(x): `min` takes at least 2 arguments, 1 given",
        ),
        ("t in (1)", "1: a text is never equal to an integer"),
    ] {
        let found = checked(text);
        assert!(found.starts_with(expected), "{text}: {found}");
    }
}

#[test]
fn deep_expressions_are_refused_not_overrun() {
    let mut expression = parse("x").unwrap();
    for _ in 0..5000 {
        let node = Node::Unary(UnaryOperator::Negate, Box::new(expression));
        expression = Expression { node, span: 0..1 };
    }
    let kinds = BTreeMap::from([("x".to_owned(), Kind::Number)]);
    assert!(
        check_expression(&expression, &kinds)
            .unwrap_err()
            .message
            .contains("levels deep")
    );
}
