//! Random expressions: refused, or computed like a plain interpreter computes them.

use std::collections::BTreeMap;

use arrow::array::AsArray as _;
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use everloop_domain::Value;
use everloop_domain::expression::{BinaryOperator, Expression, Node, UnaryOperator};
use everloop_package::native::Program;
use everloop_package::{Kind, check_expression};
use proptest::prelude::*;

use crate::models::{self, Random};

const N_ROWS: usize = 40;

/// A value of the interpreter. Whole numbers are numbers, null is NaN.
#[derive(Clone, Debug)]
enum Scalar {
    Number(f64),
    Boolean(bool),
    Text(String),
}

impl Scalar {
    fn number(&self) -> f64 {
        match self {
            Self::Number(value) => *value,
            Self::Boolean(value) => f64::from(u8::from(*value)),
            Self::Text(text) => panic!("`{text}` as a number"),
        }
    }

    fn holds(&self) -> bool {
        matches!(self, Self::Boolean(true))
    }

    fn is_missing(&self) -> bool {
        match self {
            Self::Number(value) => value.is_nan(),
            Self::Boolean(_) => false,
            Self::Text(text) => ["", "nan", "None", "<NA>"].contains(&text.as_str()),
        }
    }

    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left == right,
            (left, right) => left.number() == right.number(),
        }
    }
}

/// Whole numbers have no negative zero, however often they are negated.
fn is_whole_zero(expression: &Expression) -> bool {
    match &expression.node {
        Node::Literal(value) => *value == Value::Integer(0),
        Node::Unary(UnaryOperator::Negate, operand) => is_whole_zero(operand),
        _ => false,
    }
}

/// Computes an expression for one row, the plain way.
fn interpret(expression: &Expression, row: &BTreeMap<String, Scalar>) -> Scalar {
    let go = |expression: &Expression| interpret(expression, row);
    match &expression.node {
        Node::Literal(Value::Text(text)) => Scalar::Text(text.clone()),
        Node::Literal(Value::Boolean(value)) => Scalar::Boolean(*value),
        Node::Literal(value) => Scalar::Number(value.as_f64().unwrap()),
        Node::Null => Scalar::Number(f64::NAN),
        Node::Name(name) => row[name].clone(),
        Node::Unary(UnaryOperator::Negate, operand) if is_whole_zero(operand) => {
            Scalar::Number(0.0)
        }
        Node::Unary(UnaryOperator::Negate, operand) => Scalar::Number(-go(operand).number()),
        Node::Unary(UnaryOperator::Not, operand) => Scalar::Boolean(!go(operand).holds()),
        Node::Binary(operator, left, right) => binary(*operator, &go(left), &go(right)),
        Node::Call(name, arguments) if name == "if" => {
            if go(&arguments[0]).holds() {
                go(&arguments[1])
            } else {
                go(&arguments[2])
            }
        }
        Node::Call(name, arguments) => {
            function(name, &arguments.iter().map(go).collect::<Vec<_>>())
        }
        Node::In {
            subject,
            list,
            negated,
        } => {
            let subject = go(subject);
            Scalar::Boolean(list.iter().any(|element| subject.equals(&go(element))) != *negated)
        }
        Node::IsNull { subject, negated } => Scalar::Boolean(go(subject).is_missing() != *negated),
        Node::Case {
            branches,
            otherwise,
        } => match branches.iter().find(|(condition, _)| go(condition).holds()) {
            Some((_, result)) => go(result),
            None => otherwise
                .as_ref()
                .map_or(Scalar::Number(f64::NAN), |otherwise| go(otherwise)),
        },
    }
}

fn binary(operator: BinaryOperator, left: &Scalar, right: &Scalar) -> Scalar {
    use BinaryOperator as Op;
    match operator {
        Op::Add => Scalar::Number(left.number() + right.number()),
        Op::Subtract => Scalar::Number(left.number() - right.number()),
        Op::Multiply => Scalar::Number(left.number() * right.number()),
        Op::Divide => Scalar::Number(left.number() / right.number()),
        Op::Modulo => Scalar::Number(left.number() % right.number()),
        Op::Equal => Scalar::Boolean(left.equals(right)),
        Op::NotEqual => Scalar::Boolean(!left.equals(right)),
        Op::Less => Scalar::Boolean(left.number() < right.number()),
        Op::LessOrEqual => Scalar::Boolean(left.number() <= right.number()),
        Op::Greater => Scalar::Boolean(left.number() > right.number()),
        Op::GreaterOrEqual => Scalar::Boolean(left.number() >= right.number()),
        Op::And => Scalar::Boolean(left.holds() && right.holds()),
        Op::Or => Scalar::Boolean(left.holds() || right.holds()),
    }
}

fn function(name: &str, arguments: &[Scalar]) -> Scalar {
    if name == "coalesce" {
        let found = arguments.iter().find(|argument| !argument.is_missing());
        return found.or(arguments.last()).cloned().unwrap();
    }
    let numbers: Vec<f64> = arguments.iter().map(Scalar::number).collect();
    let smaller = |x: f64, y: f64| if x.is_nan() || x < y { x } else { y };
    let larger = |x: f64, y: f64| if x.is_nan() || x > y { x } else { y };
    let x = numbers.first().copied().unwrap_or_default();
    Scalar::Number(match name {
        "abs" => x.abs(),
        "exp" => x.exp(),
        "ln" => x.ln(),
        "sqrt" => x.sqrt(),
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "round" => x.round_ties_even(),
        "tanh" => x.tanh(),
        "sign" if x.is_nan() || x == 0.0 => x.abs(),
        "sign" => x.signum(),
        "pow" => x.powf(numbers[1]),
        "pi" => std::f64::consts::PI,
        "min" | "least" => numbers.iter().copied().reduce(smaller).unwrap(),
        "max" | "greatest" => numbers.iter().copied().reduce(larger).unwrap(),
        "clip" => larger(smaller(x, numbers[2]), numbers[1]),
        name => panic!("{name}"),
    })
}

/// Makes expressions, mostly of the kind asked for; now and then something that must be refused.
struct Maker(Random);

impl Maker {
    fn node(node: Node) -> Expression {
        Expression { node, span: 0..0 }
    }

    fn boxed(expression: Expression) -> Box<Expression> {
        Box::new(expression)
    }

    fn any(&mut self, depth: usize) -> Expression {
        match self.0.below(5) {
            0 => self.boolean(depth),
            1 => self.text(depth),
            _ => self.number(depth),
        }
    }

    fn number(&mut self, depth: usize) -> Expression {
        if depth == 0 || self.0.below(6) == 0 {
            return Self::node(match self.0.below(7) {
                0 => Node::Literal(Value::Integer(self.0.below(5) as i64 - 2)),
                1 => Node::Literal(Value::Number(self.0.unit() * 3.0)),
                2 => Node::Name("f".to_owned()),
                3 => Node::Name("i".to_owned()),
                4 => Node::Name("SALE PRICE\n".to_owned()),
                _ => Node::Name((*self.0.pick(&["a", "b"])).to_owned()),
            });
        }
        let depth = depth - 1;
        match self.0.below(12) {
            0 => Self::node(Node::Unary(
                UnaryOperator::Negate,
                Self::boxed(self.number(depth)),
            )),
            1..=4 => {
                use BinaryOperator as Op;
                let operator =
                    *self
                        .0
                        .pick(&[Op::Add, Op::Subtract, Op::Multiply, Op::Divide, Op::Modulo]);
                let (left, right) = (self.number(depth), self.number(depth));
                Self::node(Node::Binary(
                    operator,
                    Self::boxed(left),
                    Self::boxed(right),
                ))
            }
            5 | 6 => {
                let names = [
                    "abs", "exp", "ln", "sqrt", "floor", "ceil", "round", "tanh", "sign",
                ];
                let name = *self.0.pick(&names);
                self.call(name, 1, depth)
            }
            7 => {
                let (name, n) = *self.0.pick(&[
                    ("min", 2),
                    ("max", 3),
                    ("least", 2),
                    ("greatest", 2),
                    ("clip", 3),
                    ("pow", 2),
                    ("pi", 0),
                ]);
                self.call(name, n, depth)
            }
            8 => self.call("coalesce", 2, depth),
            9 => {
                let arguments = vec![self.boolean(depth), self.number(depth), self.number(depth)];
                Self::node(Node::Call("if".to_owned(), arguments))
            }
            10 => {
                let branches = (0..=self.0.below(2))
                    .map(|_| (self.boolean(depth), self.number(depth)))
                    .collect();
                let otherwise = (self.0.below(2) == 0).then(|| Self::boxed(self.number(depth)));
                Self::node(Node::Case {
                    branches,
                    otherwise,
                })
            }
            // A wrong kind, to be refused.
            _ if self.0.below(40) == 0 => self.text(depth),
            _ => self.boolean(depth),
        }
    }

    fn call(&mut self, name: &str, n_arguments: usize, depth: usize) -> Expression {
        let arguments = (0..n_arguments).map(|_| self.number(depth)).collect();
        Self::node(Node::Call(name.to_owned(), arguments))
    }

    fn boolean(&mut self, depth: usize) -> Expression {
        if depth == 0 {
            return Self::node(Node::Name((*self.0.pick(&["f", "g"])).to_owned()));
        }
        let depth = depth - 1;
        let negated = self.0.below(2) == 0;
        match self.0.below(8) {
            0 => Self::node(Node::Unary(
                UnaryOperator::Not,
                Self::boxed(self.boolean(depth)),
            )),
            1 => {
                let operator = *self.0.pick(&[BinaryOperator::And, BinaryOperator::Or]);
                let (left, right) = (self.boolean(depth), self.boolean(depth));
                Self::node(Node::Binary(
                    operator,
                    Self::boxed(left),
                    Self::boxed(right),
                ))
            }
            2 | 3 => {
                use BinaryOperator as Op;
                let all = [
                    Op::Equal,
                    Op::NotEqual,
                    Op::Less,
                    Op::LessOrEqual,
                    Op::Greater,
                    Op::GreaterOrEqual,
                ];
                let operator = *self.0.pick(&all);
                let (left, right) = (self.number(depth), self.number(depth));
                Self::node(Node::Binary(
                    operator,
                    Self::boxed(left),
                    Self::boxed(right),
                ))
            }
            4 => {
                let operator = *self.0.pick(&[
                    BinaryOperator::Equal,
                    BinaryOperator::NotEqual,
                    BinaryOperator::Less,
                ]);
                let (left, right) = (self.text(depth), self.text(depth));
                Self::node(Node::Binary(
                    operator,
                    Self::boxed(left),
                    Self::boxed(right),
                ))
            }
            5 => {
                let subject = Self::boxed(self.text(depth));
                let list = ["red", "", "it's"]
                    .map(|text| Self::node(Node::Literal(Value::Text(text.to_owned()))));
                Self::node(Node::In {
                    subject,
                    list: list.to_vec(),
                    negated,
                })
            }
            6 => {
                let subject = Self::boxed(self.number(depth));
                let list = [Value::Integer(1), Value::Number(0.5)]
                    .map(|value| Self::node(Node::Literal(value)));
                Self::node(Node::In {
                    subject,
                    list: list.to_vec(),
                    negated,
                })
            }
            _ => Self::node(Node::IsNull {
                subject: Self::boxed(self.any(depth)),
                negated,
            }),
        }
    }

    fn text(&mut self, depth: usize) -> Expression {
        if depth == 0 || self.0.below(3) == 0 {
            return Self::node(match self.0.below(3) {
                0 => Node::Literal(Value::Text((*self.0.pick(&["red", "blue", ""])).to_owned())),
                _ => Node::Name((*self.0.pick(&["t", "u"])).to_owned()),
            });
        }
        let depth = depth - 1;
        if self.0.below(2) == 0 {
            let arguments = vec![self.text(depth), self.text(depth)];
            return Self::node(Node::Call("coalesce".to_owned(), arguments));
        }
        let branches = vec![(self.boolean(depth), self.text(depth))];
        let otherwise = Some(Self::boxed(self.text(depth)));
        Self::node(Node::Case {
            branches,
            otherwise,
        })
    }
}

fn row(batch: &RecordBatch, row: usize) -> BTreeMap<String, Scalar> {
    let value = |(name, kind): &(&str, Kind)| {
        let column = batch.column_by_name(name).unwrap();
        let scalar = match kind {
            Kind::Number | Kind::Timestamp => {
                Scalar::Number(column.as_primitive::<Float64Type>().value(row))
            }
            Kind::Integer => Scalar::Number(column.as_primitive::<Int64Type>().value(row) as f64),
            Kind::Text => Scalar::Text(column.as_string::<i32>().value(row).to_owned()),
            Kind::Boolean => Scalar::Boolean(column.as_boolean().value(row)),
        };
        ((*name).to_owned(), scalar)
    };
    models::COLUMNS.iter().map(value).collect()
}

/// Compiles the expression or sees it refused; compares every row. Says whether it was compiled.
fn check(expression: &Expression) -> bool {
    let kinds: BTreeMap<String, Kind> = models::COLUMNS
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), *kind))
        .collect();
    let (mut builder, columns) = models::builder();
    let Ok(kind) = check_expression(expression, &kinds) else {
        assert!(builder.expression(expression, &columns).is_err());
        return false;
    };
    let column = builder.expression(expression, &columns).unwrap();
    assert_eq!(column.kind(), kind);
    let graph = builder.finish_columns(&[("=".to_owned(), column)]).unwrap();
    let rows = models::rows(N_ROWS, 11);
    let result = Program::compile(graph.model()).unwrap().run(&rows).unwrap();
    for at in 0..N_ROWS {
        let expected = interpret(expression, &row(&rows, at));
        let found = result.column(0);
        let agrees = match kind {
            Kind::Number | Kind::Timestamp => {
                let (expected, found) = (
                    expected.number(),
                    found.as_primitive::<Float64Type>().value(at),
                );
                expected == found || (expected.is_nan() && found.is_nan())
            }
            Kind::Integer => {
                expected.number() == found.as_primitive::<Int64Type>().value(at) as f64
            }
            Kind::Boolean => expected.holds() == found.as_boolean().value(at),
            Kind::Text => {
                matches!(&expected, Scalar::Text(text) if text == found.as_string::<i32>().value(at))
            }
        };
        assert!(
            agrees,
            "row {at} {:?}: expected {expected:?}, found {found:?}",
            row(&rows, at)
        );
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compiled_expressions_compute_what_an_interpreter_does(seed in any::<u32>(), depth in 1_usize..5) {
        let expression = Maker(Random::new(u64::from(seed))).any(depth);
        check(&expression);
    }
}

#[test]
fn most_random_expressions_are_compiled() {
    let compiled = (0..200)
        .filter(|seed| check(&Maker(Random::new(*seed)).any(3)))
        .count();
    assert!(compiled > 100, "only {compiled} of 200");
}
