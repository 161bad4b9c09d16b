//! Literals of Python: numbers, texts, truth values, `None`, lists, tuples, sets and maps of them.

use super::tokens::Token;
use super::{Params, put};
use crate::dvc::value::Value;

/// The value of tokens that are nothing but a literal.
pub(super) fn read(tokens: &[Token]) -> Option<Value> {
    let mut reader = Reader { rest: tokens };
    let first = reader.value()?;
    if reader.rest.is_empty() {
        return Some(first);
    }
    // A tuple may stand without brackets.
    let mut elements = vec![first];
    while reader.takes(',') {
        if reader.rest.is_empty() {
            break;
        }
        elements.push(reader.value()?);
    }
    reader.rest.is_empty().then_some(Value::List(elements))
}

struct Reader<'a, 't> {
    rest: &'a [Token<'t>],
}

impl<'a, 't> Reader<'a, 't> {
    fn next(&mut self) -> Option<&'a Token<'t>> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Goes past a sign, if it is the next.
    fn takes(&mut self, sign: char) -> bool {
        let is_next = self.rest.first() == Some(&Token::Sign(sign));
        if is_next {
            self.rest = &self.rest[1..];
        }
        is_next
    }

    fn value(&mut self) -> Option<Value> {
        match self.next()? {
            Token::Word("None") => Some(Value::Null),
            Token::Word("True") => Some(Value::Boolean(true)),
            Token::Word("False") => Some(Value::Boolean(false)),
            Token::Word("set") if self.rest.starts_with(&[Token::Sign('('), Token::Sign(')')]) => {
                self.rest = &self.rest[2..];
                Some(Value::List(Vec::new()))
            }
            Token::Number(text) => number(text),
            Token::Text(text) => self.text(text.clone()),
            Token::Sign(sign @ ('+' | '-')) => {
                let value = self.unsigned()?;
                if *sign == '+' {
                    return Some(value);
                }
                match value {
                    Value::Integer(whole) => Some(Value::Integer(-whole)),
                    Value::Number(number) => Some(Value::Number(-number)),
                    _ => None,
                }
            }
            Token::Sign('[') => Some(Value::List(self.elements(']')?.0)),
            Token::Sign('(') => {
                let (mut elements, has_comma) = self.elements(')')?;
                if elements.len() == 1 && !has_comma {
                    return elements.pop();
                }
                Some(Value::List(elements))
            }
            Token::Sign('{') => self.braces(),
            _ => None,
        }
    }

    /// The number after a sign, perhaps in brackets.
    fn unsigned(&mut self) -> Option<Value> {
        if self.takes('(') {
            let value = self.unsigned()?;
            return self.takes(')').then_some(value);
        }
        match self.next()? {
            Token::Number(text) => number(text),
            _ => None,
        }
    }

    /// Texts that stand beside each other are one.
    fn text(&mut self, first: Option<String>) -> Option<Value> {
        let mut whole = first;
        while let Some(Token::Text(next)) = self.rest.first() {
            whole = whole.zip(next.as_ref()).map(|(whole, next)| whole + next);
            self.rest = &self.rest[1..];
        }
        whole.map(Value::Text)
    }

    /// Elements up to a closing bracket, and whether one has a comma after it.
    fn elements(&mut self, end: char) -> Option<(Vec<Value>, bool)> {
        let mut elements = Vec::new();
        let mut has_comma = false;
        while !self.takes(end) {
            if !elements.is_empty() {
                if !self.takes(',') {
                    return None;
                }
                has_comma = true;
                if self.takes(end) {
                    break;
                }
            }
            elements.push(self.value()?);
        }
        Some((elements, has_comma))
    }

    /// A map or a set.
    fn braces(&mut self) -> Option<Value> {
        if self.takes('}') {
            return Some(Value::Map(Vec::new()));
        }
        let first = self.value()?;
        if !self.takes(':') {
            let mut elements = vec![first];
            if !self.takes('}') {
                if !self.takes(',') {
                    return None;
                }
                elements.extend(self.elements('}')?.0);
            }
            return Some(Value::List(distinct(elements)));
        }
        let mut entries: Params = Vec::new();
        let mut key = first;
        loop {
            let value = self.value()?;
            put(&mut entries, key, value);
            if self.takes('}') {
                break;
            }
            if !self.takes(',') {
                return None;
            }
            if self.takes('}') {
                break;
            }
            key = self.value()?;
            if !self.takes(':') {
                return None;
            }
        }
        // Lists and maps cannot be keys.
        let has_composite = entries.iter().any(|(key, _)| key.is_composite());
        (!has_composite).then_some(Value::Map(entries))
    }
}

fn distinct(elements: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for element in elements {
        if !kept.iter().any(|known| known.equals(&element)) {
            kept.push(element);
        }
    }
    kept
}

/// A number: whole in four notations, or with a fraction or an exponent.
fn number(text: &str) -> Option<Value> {
    let is_spaced_well = !text.contains("__")
        && !text.ends_with('_')
        && !text.contains("_.")
        && !text.contains("._");
    if !is_spaced_well {
        return None;
    }
    let plain = text.replace('_', "").to_ascii_lowercase();
    let radix = match plain.as_bytes() {
        [b'0', b'x', ..] => 16,
        [b'0', b'o', ..] => 8,
        [b'0', b'b', ..] => 2,
        _ => 10,
    };
    if radix != 10 {
        let whole = i128::from_str_radix(&plain[2..], radix).ok()?;
        return (!plain[2..].starts_with(['+', '-'])).then_some(Value::Integer(whole));
    }
    if plain.bytes().all(|digit| digit.is_ascii_digit()) {
        let is_octal_of_python_2 =
            plain.starts_with('0') && plain.bytes().any(|digit| digit != b'0');
        return (!is_octal_of_python_2)
            .then(|| plain.parse().ok())
            .flatten()
            .map(Value::Integer);
    }
    let is_float = plain
        .bytes()
        .all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'+' | b'-'));
    if is_float {
        plain.parse().ok().map(Value::Number)
    } else {
        None
    }
}
