//! Functions of the expression language.

use everloop_domain::expression::Expression;

use super::kinds::{common_kind, convert, expect_boolean, expect_number};
use super::{Lowering, Operation, Result, fail, operator_term};
use crate::Kind;
use crate::graph::expression::Term;

/// Functions of one number that ONNX has with the same meaning.
const SIMPLE: &[(&str, &str)] = &[
    ("abs", "Abs"),
    ("ceil", "Ceil"),
    ("exp", "Exp"),
    ("floor", "Floor"),
    ("ln", "Log"),
    ("round", "Round"),
    ("sin", "Sin"),
    ("sqrt", "Sqrt"),
    ("tanh", "Tanh"),
];

/// All functions, for messages.
const ALL: &str = "abs, acos, asin, atan, ceil, clip, coalesce, cos, exp, floor, greatest, if, least, ln, log10, log2, \
                   max, min, pi, pow, round, sign, sin, sqrt, tan, tanh";

impl Lowering<'_> {
    pub(super) fn call(
        &self,
        whole: &Expression,
        name: &str,
        arguments: &[Expression],
        depth: usize,
    ) -> Result<Term> {
        match name {
            "coalesce" => return self.coalesce(whole, arguments, depth),
            "if" => return self.if_else(whole, arguments, depth),
            _ => {}
        }
        let Some(n_arguments) = arity(name) else {
            return fail(
                whole,
                format!(
                    "`{name}` is not a function of a model graph: move this to `prepare`; the functions are {ALL}"
                ),
            );
        };
        if !n_arguments.contains(&arguments.len()) {
            let wanted = match (n_arguments.start(), n_arguments.end()) {
                (0, 0) => "no arguments".to_owned(),
                (1, 1) => "1 argument".to_owned(),
                (start, &usize::MAX) => format!("at least {start} arguments"),
                (start, _) => format!("{start} arguments"),
            };
            return fail(
                whole,
                format!("`{name}` takes {wanted}, {} given", arguments.len()),
            );
        }
        let mut terms = Vec::with_capacity(arguments.len());
        for argument in arguments {
            terms.push(expect_number(argument, self.lower(argument, depth)?)?);
        }
        Ok(numeric(name, terms))
    }

    /// The first argument that is not missing.
    fn coalesce(&self, whole: &Expression, arguments: &[Expression], depth: usize) -> Result<Term> {
        let terms: Vec<Term> = arguments
            .iter()
            .map(|argument| self.lower(argument, depth))
            .collect::<Result<_>>()?;
        let Some(kind) = common_kind(&terms) else {
            return fail(
                whole,
                "the arguments of `coalesce` must be all text or all numbers".to_owned(),
            );
        };
        let mut terms = terms.into_iter().map(|term| convert(term, kind)).rev();
        let Some(mut chosen) = terms.next() else {
            return fail(
                whole,
                "`coalesce` takes at least 1 argument, 0 given".to_owned(),
            );
        };
        for term in terms {
            chosen = Term::new(kind, Operation::Coalesce, vec![term, chosen]);
        }
        Ok(chosen)
    }

    fn if_else(&self, whole: &Expression, arguments: &[Expression], depth: usize) -> Result<Term> {
        let [condition, yes, no] = arguments else {
            return fail(
                whole,
                format!("`if` takes 3 arguments, {} given", arguments.len()),
            );
        };
        let condition = expect_boolean(condition, self.lower(condition, depth)?)?;
        let results = [self.lower(yes, depth)?, self.lower(no, depth)?];
        let Some(kind) = common_kind(&results) else {
            return fail(
                whole,
                "the results of `if` must be both text or both numbers".to_owned(),
            );
        };
        let [yes, no] = results.map(|result| convert(result, kind));
        Ok(Term::new(kind, Operation::Choose, vec![condition, yes, no]))
    }
}

/// How many arguments a function of numbers takes.
fn arity(name: &str) -> Option<std::ops::RangeInclusive<usize>> {
    match name {
        "pi" => Some(0..=0),
        "pow" => Some(2..=2),
        "clip" => Some(3..=3),
        "min" | "max" | "least" | "greatest" => Some(2..=usize::MAX),
        "acos" | "asin" | "atan" | "cos" | "log10" | "log2" | "sign" | "tan" => Some(1..=1),
        name => SIMPLE
            .iter()
            .any(|(simple, _)| *simple == name)
            .then_some(1..=1),
    }
}

/// A function whose name and number of arguments were checked.
fn numeric(name: &str, arguments: Vec<Term>) -> Term {
    let number = |operation, arguments| Term::new(Kind::Number, operation, arguments);
    let simple = SIMPLE.iter().find(|(simple, _)| *simple == name);
    if let Some((_, operator)) = simple {
        return operator_term(Kind::Number, operator, arguments);
    }
    match name {
        "pi" => Term::number(std::f64::consts::PI),
        "pow" => operator_term(Kind::Number, "Pow", arguments),
        "acos" => number(Operation::Single("Acos"), arguments),
        "asin" => number(Operation::Single("Asin"), arguments),
        "atan" => number(Operation::Single("Atan"), arguments),
        "cos" => number(Operation::Cosine, arguments),
        "tan" => number(Operation::Tangent, arguments),
        "sign" => number(Operation::Sign, arguments),
        "log10" => logarithm(std::f64::consts::LN_10, arguments),
        "log2" => logarithm(std::f64::consts::LN_2, arguments),
        "clip" => {
            let mut arguments = arguments.into_iter();
            let (value, low, high) = (arguments.next(), arguments.next(), arguments.next());
            let at_most = number(Operation::Minimum, value.into_iter().chain(high).collect());
            number(
                Operation::Maximum,
                std::iter::once(at_most).chain(low).collect(),
            )
        }
        _ => {
            let operation = if matches!(name, "min" | "least") {
                Operation::Minimum
            } else {
                Operation::Maximum
            };
            let folded = arguments
                .into_iter()
                .reduce(|left, right| number(operation.clone(), vec![left, right]));
            folded.unwrap_or_else(|| Term::number(f64::NAN))
        }
    }
}

/// The logarithm to a base: that of `e` over that of the base.
fn logarithm(of_base: f64, arguments: Vec<Term>) -> Term {
    let natural = operator_term(Kind::Number, "Log", arguments);
    operator_term(Kind::Number, "Div", vec![natural, Term::number(of_base)])
}
