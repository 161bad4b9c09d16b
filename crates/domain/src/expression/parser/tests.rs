//! What the parser makes of texts, and that no text makes it panic.

use proptest::prelude::*;

use super::*;

/// The tree as text with every operator in parentheses.
fn shown(expression: &Expression) -> String {
    let list = |items: &[Expression]| items.iter().map(shown).collect::<Vec<_>>().join(" ");
    match &expression.node {
        Node::Literal(Value::Text(text)) => format!("'{text}'"),
        Node::Literal(value) => value.to_string(),
        Node::Null => "null".into(),
        Node::Name(name) => name.clone(),
        Node::Unary(operator, operand) => format!("({operator:?} {})", shown(operand)),
        Node::Binary(operator, left, right) => {
            format!("({operator:?} {} {})", shown(left), shown(right))
        }
        Node::Call(function, arguments) => format!("({function}: {})", list(arguments)),
        Node::In {
            subject,
            list: values,
            negated,
        } => {
            format!(
                "({}In {} [{}])",
                if *negated { "Not" } else { "" },
                shown(subject),
                list(values)
            )
        }
        Node::IsNull { subject, negated } => {
            format!(
                "(Is{}Null {})",
                if *negated { "Not" } else { "" },
                shown(subject)
            )
        }
        Node::Case {
            branches,
            otherwise,
        } => {
            let branches: Vec<_> = branches
                .iter()
                .map(|(when, then)| format!("{} -> {}", shown(when), shown(then)))
                .collect();
            let otherwise = otherwise.as_deref().map_or("null".into(), shown);
            format!("(Case {}; {otherwise})", branches.join("; "))
        }
    }
}

#[track_caller]
fn check(text: &str, tree: &str) {
    assert_eq!(shown(&parse(text).unwrap()), tree);
}

/// Checks the message and the part of the text that it points to.
#[track_caller]
fn check_error(text: &str, place: &str, message: &str) {
    let error = parse(text).unwrap_err();
    assert_eq!(
        (&text[error.span.clone()], error.message.as_str()),
        (place, message)
    );
}

#[test]
fn operators_hold_as_in_sql() {
    check("1 + 2 * x - 3", "(Subtract (Add 1 (Multiply 2 x)) 3)");
    check("a - b - c", "(Subtract (Subtract a b) c)");
    check("-a * b", "(Multiply (Negate a) b)");
    check("a - -1", "(Subtract a -1)");
    check("(a + b) % 2", "(Modulo (Add a b) 2)");
    check("a or b and not c = d", "(Or a (And b (Not (Equal c d))))");
    check("NOT a AND b", "(And (Not a) b)");
    check("a = b and c <> d", "(And (Equal a b) (NotEqual c d))");
    check(
        "rmse <= champion.rmse * 1.02",
        "(LessOrEqual rmse (Multiply champion.rmse 1.02))",
    );
    check("not x in (1, 2)", "(Not (In x [1 2]))");
    check("+x", "x");
}

#[test]
fn reads_names_values_and_calls() {
    check(
        "sin(2 * pi() * hr / 24)",
        "(sin: (Divide (Multiply (Multiply 2 (pi: )) hr) 24))",
    );
    check(r#""SALE PRICE" > 1e3"#, "(Greater SALE PRICE 1000)");
    check("`odd ``name` + größe", "(Add odd `name größe)");
    check("payment = 'it''s'", "(Equal payment 'it's')");
    check("Pow(x, .5)", "(pow: x 0.5)");
    check("9223372036854775808", "9223372036854776000");
    check("x = TRUE", "(Equal x true)");
    check("'' = x", "(Equal '' x)");
}

#[test]
fn reads_conditions() {
    check("season not in (1, -2, 'a')", "(NotIn season [1 -2 'a'])");
    check(
        "a is null or b is not null",
        "(Or (IsNull a) (IsNotNull b))",
    );
    check(
        "case when a > 1 then 'x' when b then 'y' else 'z' end",
        "(Case (Greater a 1) -> 'x'; b -> 'y'; 'z')",
    );
    check("case when a then 1 end + 1", "(Add (Case a -> 1; null) 1)");
    check("if(a < 1, 0, a)", "(Case (Less a 1) -> 0; a)");
}

#[test]
fn says_what_is_wrong_and_where() {
    check_error("", "", "expected an operand, found nothing");
    check_error("rmse < ", "", "expected an operand, found the end");
    check_error("rmse < < 3", "<", "expected an operand, found `<`");
    check_error("rmse 3", "3", "expected an operator or the end, found `3`");
    check_error("(a + b", "(", "this `(` is never closed");
    check_error("f(a b)", "b", "expected `,` or `)`, found `b`");
    check_error("f(a, )", ")", "expected an operand, found `)`");
    check_error("a ** 2", "**", "`**` is not an operator: use `pow(x, y)`");
    check_error("a && b", "&&", "`&&` is not an operator: use `and`");
    check_error("!a", "!", "`!` is not an operator: use `not`");
    check_error(
        "a < b < c",
        "<",
        "comparisons do not chain: write `a < b and b < c`",
    );
    check_error("2x", "2x", "`2x` is not a number");
    check_error("1.2.3", "1.2.3", "`1.2.3` is not a number");
    check_error("1e999", "1e999", "`1e999` is too large");
    check_error("x = 'a", "'a", "this text has no closing `'`");
    check_error("\"\" = 1", "\"\"", "a name cannot be empty");
    check_error("a § b", "§", "unexpected character `§`");
    check_error(
        "x in 3",
        "3",
        "expected `(` and the list of values after `in`, found `3`",
    );
    check_error("x in ()", ")", "expected an operand, found `)`");
    check_error(
        "x in (y)",
        "y",
        "only values may stand in the list of `in`: numbers, 'texts', true, false",
    );
    check_error(
        "x is 3",
        "3",
        "expected `null` or `not null` after `is`, found `3`",
    );
    check_error(
        "case x when 1 then 2 end",
        "x",
        "expected `when` after `case`, found `x`",
    );
    check_error(
        "case when 1 else 2 end",
        "else",
        "expected `then`, found `else`",
    );
    check_error(
        "if(a, b)",
        "if(a, b)",
        "`if` takes 3 arguments (condition, then, else), found 2",
    );
    check_error(
        "x between 1 and 2",
        "between",
        "expected an operator or the end, found `between`: write `x >= a and x <= b`",
    );
    check_error("champion.", "", "expected a name after `.`, found the end");
    check_error("and", "and", "expected an operand, found `and`");
}

#[test]
fn spans_cover_the_operands() {
    let text = "a + (b * 2)";
    let mut parts = Vec::new();
    parse(text)
        .unwrap()
        .visit(&mut |part| parts.push(&text[part.span.clone()]));
    assert_eq!(parts, ["a + (b * 2)", "a", "(b * 2)", "b", "2"]);
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = [
        format!("{}1{}", "(".repeat(5000), ")".repeat(5000)),
        "-".repeat(5000) + "x",
        "not ".repeat(3000) + "x",
        format!("x{}", " + x".repeat(3000)),
        "f(".repeat(5000),
        "case when ".repeat(1000),
    ];
    for text in deep {
        let message = parse(&text).unwrap_err().message;
        assert_eq!(
            message,
            "the expression nests deeper than 200 levels: divide it into several"
        );
    }
    let message = parse(&"x".repeat(MAX_LENGTH + 1)).unwrap_err().message;
    assert_eq!(
        message,
        "the expression has 16385 bytes; at most 16384 are allowed"
    );
    assert!(parse(&format!("x{}", " + x".repeat(150))).is_ok());
    assert!(parse(&format!("{}1{}", "(".repeat(150), ")".repeat(150))).is_ok());
}

/// Pieces that make texts look like expressions.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b.c", "1", "2.5", "'t'", "\"q\"", "(", ")", ",", "+", "-", "*", "<", "=", "in",
        "not", "is", "null", "case", "when", "then", "else", "end", "and", "or", "f(", "if(", "é",
        ".", "'",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
}

fn check_any(text: &str) {
    match parse(text) {
        Ok(tree) => tree.visit(&mut |part| assert!(text.get(part.span.clone()).is_some())),
        Err(error) => assert!(text.get(error.span).is_some()),
    }
}

proptest! {
    #[test]
    fn any_text_gives_a_tree_or_a_place(text in any::<String>()) {
        check_any(&text);
    }

    #[test]
    fn any_pieces_give_a_tree_or_a_place(text in pieces()) {
        check_any(&text);
    }
}
