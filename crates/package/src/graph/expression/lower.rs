//! Decides kinds and refuses what cannot become operators.

use std::collections::BTreeMap;

use everloop_domain::Value;
use everloop_domain::expression::{BinaryOperator, Expression, Node, UnaryOperator};

use super::{Operation, Term};
use crate::{ExpressionError, Kind};

mod functions;
mod kinds;

use kinds::{common_kind, convert, expect_boolean, expect_number, to_number};

type Result<T> = std::result::Result<T, ExpressionError>;

/// How deep an expression may be nested.
const MAX_DEPTH: usize = 200;

/// Lowers a whole feature: it must need at least one column, and have a kind.
pub(super) fn feature(expression: &Expression, columns: &BTreeMap<String, Kind>) -> Result<Term> {
    let term = Lowering { columns }.lower(expression, 0)?;
    if term.is_constant() {
        return fail(
            expression,
            "the expression uses no column, so it is the same in every row".to_owned(),
        );
    }
    Ok(term)
}

/// A failure at this expression.
fn fail<T>(expression: &Expression, message: String) -> Result<T> {
    Err(ExpressionError {
        message,
        span: expression.span.clone(),
    })
}

struct Lowering<'a> {
    columns: &'a BTreeMap<String, Kind>,
}

impl Lowering<'_> {
    fn lower(&self, expression: &Expression, depth: usize) -> Result<Term> {
        if depth > MAX_DEPTH {
            return fail(
                expression,
                format!("the expression is nested more than {MAX_DEPTH} levels deep"),
            );
        }
        let depth = depth + 1;
        match &expression.node {
            Node::Literal(value) => Ok(constant(value.clone())),
            Node::Null => Ok(Term::new(Kind::Number, Operation::Missing, Vec::new())),
            Node::Name(name) => self.column(expression, name),
            Node::Unary(operator, operand) => self.unary(*operator, operand, depth),
            Node::Binary(operator, left, right) => {
                self.binary(expression, *operator, left, right, depth)
            }
            Node::Call(name, arguments) => self.call(expression, name, arguments, depth),
            Node::In {
                subject,
                list,
                negated,
            } => Ok(negate_if(*negated, self.is_in(subject, list, depth)?)),
            Node::IsNull { subject, negated } => {
                let subject = self.lower(subject, depth)?;
                Ok(negate_if(
                    *negated,
                    Term::new(Kind::Boolean, Operation::IsMissing, vec![subject]),
                ))
            }
            Node::Case {
                branches,
                otherwise,
            } => self.case(expression, branches, otherwise.as_deref(), depth),
        }
    }

    fn column(&self, expression: &Expression, name: &str) -> Result<Term> {
        match self.columns.get(name) {
            Some(Kind::Timestamp) => fail(
                expression,
                format!(
                    "`{name}` is a date or timestamp, which cannot be computed with in a model graph: its days, month, weekday and hour are inputs already, derive others in `prepare`"
                ),
            ),
            Some(kind) => Ok(Term::new(
                *kind,
                Operation::Column(name.to_owned()),
                Vec::new(),
            )),
            None => fail(
                expression,
                format!("`{name}` is not a column that a model can take"),
            ),
        }
    }

    fn unary(&self, operator: UnaryOperator, operand: &Expression, depth: usize) -> Result<Term> {
        let term = self.lower(operand, depth)?;
        match operator {
            UnaryOperator::Not => Ok(not(expect_boolean(operand, term)?)),
            UnaryOperator::Negate => Ok(match &term.operation {
                Operation::Constant(Value::Integer(value)) if *value != i64::MIN => {
                    constant(Value::Integer(-value))
                }
                Operation::Constant(Value::Number(value)) => Term::number(-value),
                _ => operator_term(Kind::Number, "Neg", vec![expect_number(operand, term)?]),
            }),
        }
    }

    fn binary(
        &self,
        whole: &Expression,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
        depth: usize,
    ) -> Result<Term> {
        use BinaryOperator as Op;
        let terms = (self.lower(left, depth)?, self.lower(right, depth)?);
        match operator {
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo => {
                let arguments = vec![
                    expect_number(left, terms.0)?,
                    expect_number(right, terms.1)?,
                ];
                Ok(Term::new(Kind::Number, arithmetic(operator), arguments))
            }
            Op::And | Op::Or => {
                let arguments = vec![
                    expect_boolean(left, terms.0)?,
                    expect_boolean(right, terms.1)?,
                ];
                Ok(operator_term(
                    Kind::Boolean,
                    if operator == Op::And { "And" } else { "Or" },
                    arguments,
                ))
            }
            Op::Equal => equal(whole, terms.0, terms.1),
            Op::NotEqual => Ok(not(equal(whole, terms.0, terms.1)?)),
            Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
                ordered(whole, operator, terms.0, terms.1)
            }
        }
    }

    fn is_in(&self, subject: &Expression, list: &[Expression], depth: usize) -> Result<Term> {
        let term = self.lower(subject, depth)?;
        let mut alternatives = Vec::with_capacity(list.len());
        for element in list {
            let lowered = self.lower(element, depth)?;
            let Operation::Constant(_) = lowered.operation else {
                return fail(
                    element,
                    "`in` compares with literals only: use `=` and `or` for columns".to_owned(),
                );
            };
            alternatives.push(lowered);
        }
        if term.kind == Kind::Text {
            let mut texts = Vec::with_capacity(list.len());
            for (element, alternative) in list.iter().zip(alternatives) {
                let Operation::Constant(Value::Text(text)) = alternative.operation else {
                    return fail(
                        element,
                        format!("a text is never equal to {}", alternative.kind.phrase()),
                    );
                };
                texts.push(text);
            }
            texts.sort();
            texts.dedup();
            return Ok(is_one_of(term, texts));
        }
        if list.is_empty() {
            return fail(subject, "`in` needs at least one literal".to_owned());
        }
        for (element, alternative) in list.iter().zip(&alternatives) {
            equal(element, term.clone(), alternative.clone())?;
        }
        let all = std::iter::once(term)
            .chain(alternatives)
            .collect::<Vec<_>>();
        let kind = common_kind(&all).unwrap_or(Kind::Number);
        let arguments = all.into_iter().map(|term| convert(term, kind)).collect();
        Ok(Term::new(Kind::Boolean, Operation::IsAny, arguments))
    }

    fn case(
        &self,
        whole: &Expression,
        branches: &[(Expression, Expression)],
        otherwise: Option<&Expression>,
        depth: usize,
    ) -> Result<Term> {
        let mut conditions = Vec::with_capacity(branches.len());
        let mut results = Vec::with_capacity(branches.len() + 1);
        for (condition, result) in branches {
            conditions.push(expect_boolean(condition, self.lower(condition, depth)?)?);
            results.push(self.lower(result, depth)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.lower(otherwise, depth)?,
            None => Term::new(Kind::Number, Operation::Missing, Vec::new()),
        });
        let Some(kind) = common_kind(&results) else {
            return fail(
                whole,
                "the results of `case` must be all text or all numbers".to_owned(),
            );
        };
        let mut results = results
            .into_iter()
            .map(|result| convert(result, kind))
            .rev();
        let Some(mut chosen) = results.next() else {
            return fail(whole, "`case` needs at least one branch".to_owned());
        };
        for (condition, result) in conditions.into_iter().rev().zip(results) {
            chosen = Term::new(kind, Operation::Choose, vec![condition, result, chosen]);
        }
        Ok(chosen)
    }
}

fn constant(value: Value) -> Term {
    Term::new(
        Kind::of_value(&value),
        Operation::Constant(value),
        Vec::new(),
    )
}

fn operator_term(kind: Kind, operator: &'static str, arguments: Vec<Term>) -> Term {
    Term::new(kind, Operation::Operator(operator), arguments)
}

fn not(term: Term) -> Term {
    operator_term(Kind::Boolean, "Not", vec![term])
}

fn negate_if(negated: bool, term: Term) -> Term {
    if negated { not(term) } else { term }
}

fn arithmetic(operator: BinaryOperator) -> Operation {
    match operator {
        BinaryOperator::Subtract => Operation::Operator("Sub"),
        BinaryOperator::Multiply => Operation::Operator("Mul"),
        BinaryOperator::Divide => Operation::Operator("Div"),
        BinaryOperator::Modulo => Operation::Remainder,
        _ => Operation::Operator("Add"),
    }
}

/// `left = right`. Texts compare with texts; whole numbers compare exactly, other pairs as doubles.
fn equal(whole: &Expression, left: Term, right: Term) -> Result<Term> {
    if left.operation == Operation::Missing || right.operation == Operation::Missing {
        return fail(
            whole,
            "nothing is equal to null: use `is null` or `is not null`".to_owned(),
        );
    }
    match (left.kind, right.kind) {
        (Kind::Text, Kind::Text) => Ok(match (&left.operation, &right.operation) {
            (_, Operation::Constant(Value::Text(text))) => {
                let texts = vec![text.clone()];
                is_one_of(left, texts)
            }
            (Operation::Constant(Value::Text(text)), _) => {
                let texts = vec![text.clone()];
                is_one_of(right, texts)
            }
            _ => operator_term(Kind::Boolean, "Equal", vec![left, right]),
        }),
        (Kind::Text, other) | (other, Kind::Text) => fail(
            whole,
            format!(
                "a text is never equal to {}: put the literal in quotes, or convert in `prepare`",
                other.phrase()
            ),
        ),
        (Kind::Integer, Kind::Integer) | (Kind::Boolean, Kind::Boolean) => {
            Ok(operator_term(Kind::Boolean, "Equal", vec![left, right]))
        }
        _ => Ok(operator_term(
            Kind::Boolean,
            "Equal",
            vec![to_number(left), to_number(right)],
        )),
    }
}

fn ordered(whole: &Expression, operator: BinaryOperator, left: Term, right: Term) -> Result<Term> {
    if left.operation == Operation::Missing || right.operation == Operation::Missing {
        return fail(
            whole,
            "nothing compares with null: use `is null` or `is not null`".to_owned(),
        );
    }
    if left.kind == Kind::Text || right.kind == Kind::Text {
        return fail(
            whole,
            "texts have no order in a model graph: move this to `prepare`".to_owned(),
        );
    }
    let operator = match operator {
        BinaryOperator::Less => "Less",
        BinaryOperator::LessOrEqual => "LessOrEqual",
        BinaryOperator::Greater => "Greater",
        _ => "GreaterOrEqual",
    };
    let both_integers = left.kind == Kind::Integer && right.kind == Kind::Integer;
    let arguments = if both_integers {
        vec![left, right]
    } else {
        vec![to_number(left), to_number(right)]
    };
    Ok(operator_term(Kind::Boolean, operator, arguments))
}

fn is_one_of(subject: Term, texts: Vec<String>) -> Term {
    if let Operation::Constant(Value::Text(text)) = &subject.operation {
        return constant(Value::Boolean(texts.contains(text)));
    }
    Term::new(Kind::Boolean, Operation::IsOneOf(texts), vec![subject])
}
