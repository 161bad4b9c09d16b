use everloop_domain::Value;

use super::*;

#[track_caller]
fn check(trainer: &str, name: &str, value: Value, expected: Option<&str>) {
    let given = BTreeMap::from([(name.to_owned(), value.into())]);
    let found = check_parameters(trainer, Task::Regression, &given);
    assert_eq!(
        found.first().map(|problem| problem.message.as_str()),
        expected
    );
}

#[test]
fn values_are_checked_against_their_range() {
    check("boosting", "trees", Value::Integer(50), None);
    check("boosting", "trees", Value::Number(50.0), None);
    check(
        "boosting",
        "trees",
        Value::Integer(0),
        Some("parameter `trees` is 0, expected integer, 1 to 10000"),
    );
    check(
        "boosting",
        "trees",
        Value::Number(1.5),
        Some("parameter `trees` is 1.5, expected integer, 1 to 10000"),
    );
    check(
        "boosting",
        "l2",
        Value::Text("x".into()),
        Some("parameter `l2` is x, expected number, 0 to 1000000"),
    );
    check(
        "linear",
        "trees",
        Value::Integer(3),
        Some("trainer `linear` has no parameter `trees`"),
    );
    check(
        "logistic",
        "l2",
        Value::Integer(1),
        Some("trainer `logistic` does not suit a regression task"),
    );
}

#[test]
fn words_are_checked_against_the_choices() {
    check(
        "boosting",
        "class_weight",
        Value::Text("balanced".into()),
        None,
    );
    check(
        "boosting",
        "class_weight",
        Value::Text("heavy".into()),
        Some("parameter `class_weight` is heavy, expected none or balanced"),
    );
    check(
        "boosting",
        "class_weight",
        Value::Integer(1),
        Some("parameter `class_weight` is 1, expected none or balanced"),
    );
}

#[test]
fn a_slip_is_met_with_a_suggestion() {
    let help = |name: &str| {
        let given = BTreeMap::from([(name.to_owned(), Value::Integer(1).into())]);
        check_parameters("forest", Task::Binary, &given)[0]
            .help
            .clone()
            .unwrap()
    };
    assert_eq!(help("tres"), "did you mean `trees`?");
    assert!(help("qq").starts_with("its parameters are trees, depth"));
}

#[test]
fn defaults_lie_in_their_ranges() {
    for parameter in trainers().flat_map(|info| info.parameters) {
        assert!(
            (parameter.min..=parameter.max).contains(&parameter.default),
            "{}",
            parameter.name
        );
    }
}
