//! Checked expressions to nodes.

use std::collections::BTreeMap;

use super::{Operation, Term};
use crate::Kind;
use crate::graph::emit::{int, ints, node, strings};
use crate::graph::{Column, GraphBuilder};
use crate::onnx::{ML_DOMAIN, data_type};

/// What MLflow's `pyfunc` makes of missing texts, besides the empty text.
const MISSING_TEXTS: [&str; 4] = ["", "<NA>", "None", "nan"];

impl GraphBuilder {
    /// The edge of a term.
    pub(super) fn term(&mut self, term: &Term, columns: &BTreeMap<String, Column>) -> String {
        let edges: Vec<String> = term
            .arguments
            .iter()
            .map(|argument| self.term(argument, columns))
            .collect();
        let edges: Vec<&str> = edges.iter().map(String::as_str).collect();
        match (&term.operation, edges.as_slice()) {
            (Operation::Column(name), _) => columns
                .get(name)
                .map(|column| column.edge.clone())
                .unwrap_or_default(),
            (Operation::Constant(value), _) => self.value_constant(value),
            (Operation::Missing, _) => self.number_constant(f64::NAN),
            (Operation::ToNumber, [edge]) => self.cast(edge, data_type::DOUBLE),
            (Operation::Operator(operator), edges) => self.call(operator, edges),
            (Operation::Single(operator), [edge]) => self.single(operator, edge),
            (Operation::Sign, [edge]) => self.sign(edge),
            (Operation::Cosine, [edge]) => self.cosine(edge),
            (Operation::Tangent, [edge]) => {
                let (sine, cosine) = (self.call("Sin", &[edge]), self.cosine(edge));
                self.call("Div", &[&sine, &cosine])
            }
            (Operation::Remainder, edges) => {
                let mut remainder = node("Mod", edges);
                remainder.attribute.push(int("fmod", 1));
                self.push(remainder)
            }
            (Operation::Minimum, [left, right]) => self.extreme("Less", left, right),
            (Operation::Maximum, [left, right]) => self.extreme("Greater", left, right),
            (Operation::IsMissing, [edge]) => {
                let kind = term
                    .arguments
                    .first()
                    .map_or(Kind::Number, |argument| argument.kind);
                self.missing(edge, kind)
            }
            (Operation::IsAny, [subject, alternatives @ ..]) => self.is_any(subject, alternatives),
            (Operation::Coalesce, [edge, fallback]) => {
                let kind = term
                    .arguments
                    .first()
                    .map_or(Kind::Number, |argument| argument.kind);
                let is_missing = self.missing(edge, kind);
                self.choose(term.kind, &is_missing, fallback, edge)
            }
            (Operation::IsOneOf(texts), [edge]) => self.is_one_of(edge, texts),
            (Operation::Choose, [condition, yes, no]) => self.choose(term.kind, condition, yes, no),
            (operation, _) => {
                let found = term.arguments.len();
                self.refuse(format!("{operation:?} was given {found} arguments"));
                String::new()
            }
        }
    }

    /// An operator that exists for 32-bit floats only.
    fn single(&mut self, operator: &str, edge: &str) -> String {
        let single = self.cast(edge, data_type::FLOAT);
        let result = self.call(operator, &[&single]);
        self.cast(&result, data_type::DOUBLE)
    }

    /// ONNX Runtime's `Sign` gives 0 for NaN.
    fn sign(&mut self, edge: &str) -> String {
        let is_missing = self.call("IsNaN", &[edge]);
        let sign = self.call("Sign", &[edge]);
        self.call("Where", &[&is_missing, edge, &sign])
    }

    fn cosine(&mut self, edge: &str) -> String {
        let quarter = self.number_constant(std::f64::consts::FRAC_PI_2);
        let shifted = self.call("Add", &[edge, &quarter]);
        self.call("Sin", &[&shifted])
    }

    /// The left value where it is NaN or stands in this order to the right one, else the right one.
    /// Runtimes differ in what `Min` and `Max` do with NaN; this does not.
    fn extreme(&mut self, order: &str, left: &str, right: &str) -> String {
        let is_missing = self.call("IsNaN", &[left]);
        let is_first = self.call(order, &[left, right]);
        let takes_left = self.call("Or", &[&is_missing, &is_first]);
        self.call("Where", &[&takes_left, left, right])
    }

    /// Whether the values of an edge are missing.
    pub(in crate::graph) fn missing(&mut self, edge: &str, kind: Kind) -> String {
        match kind {
            Kind::Number | Kind::Timestamp => self.call("IsNaN", &[edge]),
            Kind::Text => self.is_one_of(edge, &MISSING_TEXTS),
            // Never, in the shape of the edge.
            Kind::Integer | Kind::Boolean => {
                let is_itself = self.call("Equal", &[edge, edge]);
                self.call("Not", &[&is_itself])
            }
        }
    }

    fn is_any(&mut self, subject: &str, alternatives: &[&str]) -> String {
        let mut found: Option<String> = None;
        for alternative in alternatives {
            let is_equal = self.call("Equal", &[subject, alternative]);
            found = Some(match found {
                Some(before) => self.call("Or", &[&before, &is_equal]),
                None => is_equal,
            });
        }
        found.unwrap_or_default()
    }

    fn is_one_of<T: AsRef<str>>(&mut self, edge: &str, texts: &[T]) -> String {
        let mut encode = node("LabelEncoder", &[edge]);
        ML_DOMAIN.clone_into(&mut encode.domain);
        encode.attribute = vec![
            int("default_int64", 0),
            strings("keys_strings", texts),
            ints("values_int64s", &vec![1; texts.len()]),
        ];
        let found = self.push(encode);
        self.cast(&found, data_type::BOOL)
    }

    fn choose(&mut self, kind: Kind, condition: &str, yes: &str, no: &str) -> String {
        if kind != Kind::Boolean {
            return self.call("Where", &[condition, yes, no]);
        }
        // ONNX Runtime has no `Where` for booleans.
        let chosen = self.call("And", &[condition, yes]);
        let otherwise = self.call("Not", &[condition]);
        let rest = self.call("And", &[&otherwise, no]);
        self.call("Or", &[&chosen, &rest])
    }
}
