//! Trees are compared by a text form with every operator in parentheses.

use proptest::prelude::*;

use super::*;

fn show(expression: &Expression) -> String {
    let list = |list: &[Expression]| list.iter().map(show).collect::<Vec<_>>().join(" ");
    match &expression.node {
        Node::Literal(Value::Text(text)) => format!("'{text}'"),
        Node::Literal(value) => value.to_string(),
        Node::Null => "null".to_owned(),
        Node::Name(name) => name.clone(),
        Node::Unary(operator, operand) => format!("({operator:?} {})", show(operand)),
        Node::Binary(operator, left, right) => format!("({operator:?} {} {})", show(left), show(right)),
        Node::Call(name, arguments) => format!("({name} {})", list(arguments)),
        Node::In { subject, list: elements, negated } => {
            format!("({} {} [{}])", if *negated { "NotIn" } else { "In" }, show(subject), list(elements))
        }
        Node::IsNull { subject, negated } => {
            format!("({} {})", if *negated { "IsNotNull" } else { "IsNull" }, show(subject))
        }
        Node::Case { branches, otherwise } => {
            let branches: Vec<_> = branches.iter().map(|(when, then)| format!("{} -> {}", show(when), show(then))).collect();
            let otherwise = otherwise.as_ref().map_or_else(|| "null".to_owned(), |otherwise| show(otherwise));
            format!("(Case {}; {otherwise})", branches.join(", "))
        }
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    match parse(text) {
        Ok(expression) => assert_eq!(show(&expression), expected),
        Err(error) => panic!("{text}: {error} at {:?}", error.span),
    }
}

#[track_caller]
fn refuse(text: &str, message: &str, place: &str) {
    let error = parse(text).unwrap_err();
    assert_eq!((error.message.as_str(), &text[error.span]), (message, place));
}

#[test]
fn arithmetic_binds_as_in_mathematics() {
    check("1 + 2 * 3", "(Add 1 (Multiply 2 3))");
    check("1 - 2 - 3", "(Subtract (Subtract 1 2) 3)");
    check("(1 + 2) * 3", "(Multiply (Add 1 2) 3)");
    check("-x * 2", "(Multiply (Negate x) 2)");
    check("7 % 2 / 3", "(Divide (Modulo 7 2) 3)");
    check("-1.5e3", "-1500");
    check("+2", "2");
}

#[test]
fn conditions_bind_looser_than_arithmetic() {
    check("rmse <= champion.rmse * 1.02", "(LessOrEqual rmse (Multiply champion.rmse 1.02))");
    check("a = 1 and b <> 2 or not c", "(Or (And (Equal a 1) (NotEqual b 2)) (Not c))");
    check("not a = b", "(Not (Equal a b))");
    check("x == y AND TRUE", "(And (Equal x y) true)");
}

#[test]
fn membership_and_null() {
    check("channel in ('web', 'app')", "(In channel ['web' 'app'])");
    check("x + 1 not in (1, -2)", "(NotIn (Add x 1) [1 -2])");
    check("a is null or b is not null", "(Or (IsNull a) (IsNotNull b))");
}

#[test]
fn calls_and_cases() {
    check("sin(2 * pi() * hr / 24)", "(sin (Divide (Multiply (Multiply 2 (pi )) hr) 24))");
    check("Coalesce(a, 0)", "(coalesce a 0)");
    check("case when a > 1 then 2 when b then 3 else 4 end", "(Case (Greater a 1) -> 2, b -> 3; 4)");
    check("case when a then 1 end", "(Case a -> 1; null)");
    check("if(a, b, c)", "(Case a -> b; c)");
}

#[test]
fn names_may_be_quoted() {
    check(r#""SALE PRICE" / `n rows`"#, "(Divide SALE PRICE n rows)");
    check("'it''s' = x", "(Equal 'it's' x)");
    check("größe > 1", "(Greater größe 1)");
}

#[test]
fn errors_name_the_place() {
    refuse("1 +", "found the end, expected a value, a name or `(`", "");
    refuse("a b", "found `b`, expected an operator or the end", "b");
    refuse("(1", "found the end, expected `)`", "");
    refuse("a & b", "`&` has no meaning here", "&");
    refuse("'open", "the quote `'` is not closed", "'open");
    refuse("2x > 1", "`2x` is neither a number nor a name", "2x");
    refuse("case a end", "found `a`, expected `when`", "a");
    refuse("x in ()", "the list of `in` is empty", ")");
    refuse("if(a, b)", "`if` takes a condition and two values", "if(a, b)");
    refuse("f(1 2)", "found `2`, expected `,` or `)`", "2");
    refuse("rmse < ", "found the end, expected a value, a name or `(`", "");
}

#[test]
fn hostile_texts_are_refused_in_time() {
    let deep = "(".repeat(5000);
    assert!(parse(&deep).unwrap_err().message.contains("deeper than 64"));
    let long = "1+".repeat(6000);
    assert!(parse(&long).unwrap_err().message.contains("at most 10000"));
}

#[test]
fn spans_cover_what_they_name() {
    let text = "abs( x ) + 1";
    let expression = parse(text).unwrap();
    let Node::Binary(_, left, _) = &expression.node else { panic!("{expression:?}") };
    assert_eq!((&text[expression.span.clone()], &text[left.span.clone()]), (text, "abs( x )"));
    assert_eq!(expression.names().into_iter().collect::<Vec<_>>(), ["x"]);
}

proptest! {
    #[test]
    fn never_panics_and_points_into_the_text(text in ".{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.span).is_some());
        }
    }

    #[test]
    fn never_panics_on_near_misses(words in prop::collection::vec(
        prop::sample::select(vec!["a", "1", "(", ")", "+", "-", "in", "not", "is", "null", "case", "when", "then", "end", ",", "'t'", "and", "<="]),
        0..30,
    )) {
        let text = words.join(" ");
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.span).is_some());
        }
    }
}
