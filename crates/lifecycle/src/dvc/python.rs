//! Python files of parameters: the literals that are assigned in them.
//!
//! A file is read, never run. What counts is what DVC takes: assignments of literals at the top and in
//! classes (a class is a map of its own), and `self.name = …` in `__init__`, where they stand directly,
//! not below an `if` or a loop. An assignment of anything else is passed over, as DVC passes it over.
//!
//! Tuples and sets become lists, which is what `dvc.lock` has of them. Complex numbers, bytes,
//! characters by name (`\N{…}`) and whole numbers of more than 127 bits are passed over.

mod lines;
mod literal;
mod string;
mod tokens;

use super::value::Value;
use lines::Line;
use tokens::Token;

/// How deep brackets and blocks may nest.
const MAX_DEPTH: usize = 64;

/// Words that cannot be names.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// The parameters of a Python file.
///
/// # Errors
///
/// Fails if the text is not Python: an open bracket or string, an indentation that fits nowhere. Not
/// everything that Python refuses is noticed.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = lines::read(&text)?;
    let mut params = Vec::new();
    body(&lines, Names::All, 0, &mut params)?;
    Ok(Value::Map(params))
}

/// Which targets of assignments count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// `name` and `self.name`.
    All,
    /// `self.name`, in `__init__`.
    OfSelf,
}

type Params = Vec<(Value, Value)>;

/// Takes in the lines of a block, which all have the indentation of the first, but for those of
/// blocks within it.
fn body(lines: &[Line], names: Names, depth: usize, params: &mut Params) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("blocks nest deeper than {MAX_DEPTH}"));
    }
    let mut rest = lines;
    while let Some((head, after)) = rest.split_first() {
        let n_inner = after
            .iter()
            .take_while(|line| line.indent > head.indent)
            .count();
        let (inner, next) = after.split_at(n_inner);
        check_block(head, inner)?;
        statement(head, inner, names, depth, params)?;
        rest = next;
    }
    Ok(())
}

/// A line that ends with `:` has a block, and no other has.
fn check_block(head: &Line, inner: &[Line]) -> Result<(), String> {
    let opens = head.tokens.last() == Some(&Token::Sign(':'));
    match inner.first() {
        None if opens => Err(format!("line {} has no block", head.number)),
        Some(first) if !opens => Err(format!("unexpected indentation in line {}", first.number)),
        _ => Ok(()),
    }
}

fn statement(
    head: &Line,
    inner: &[Line],
    names: Names,
    depth: usize,
    params: &mut Params,
) -> Result<(), String> {
    let tokens = head.tokens.as_slice();
    let block = |names, params: &mut Params| -> Result<(), String> {
        let after = head_end(tokens).map_or(&[][..], |end| &tokens[end + 1..]);
        simple(after, names, params);
        body(inner, names, depth + 1, params)
    };
    match tokens {
        [Token::Word("class"), Token::Word(name), ..] => {
            let mut own = Vec::new();
            block(Names::All, &mut own)?;
            put(params, Value::Text((*name).to_owned()), Value::Map(own));
        }
        [Token::Word("def"), Token::Word("__init__"), ..] => {
            let mut own = Vec::new();
            block(Names::OfSelf, &mut own)?;
            for (name, value) in own {
                put(params, name, value);
            }
        }
        _ => simple(tokens, names, params),
    }
    Ok(())
}

/// Where the head of a class or function ends: its first `:` outside of brackets.
fn head_end(tokens: &[Token]) -> Option<usize> {
    outside(tokens).find_map(|(at, token)| (*token == Token::Sign(':')).then_some(at))
}

/// The tokens outside of brackets, with their places.
fn outside<'a, 't>(tokens: &'a [Token<'t>]) -> impl Iterator<Item = (usize, &'a Token<'t>)> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().filter(move |(_, token)| {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    })
}

/// Takes in the assignments among simple statements of one line.
fn simple(tokens: &[Token], names: Names, params: &mut Params) {
    for tokens in tokens.split(|token| *token == Token::Sign(';')) {
        if let Some((name, value)) = assignment(tokens, names) {
            put(params, Value::Text(name.to_owned()), value);
        }
    }
}

/// The name and value of `name = literal` or `name: type = literal`.
fn assignment<'t>(tokens: &[Token<'t>], names: Names) -> Option<(&'t str, Value)> {
    let is_name = |word: &str| !KEYWORDS.contains(&word);
    let (name, rest) = match tokens {
        [
            Token::Word("self"),
            Token::Sign('.'),
            Token::Word(name),
            rest @ ..,
        ] if is_name(name) => (*name, rest),
        [Token::Word(name), rest @ ..] if is_name(name) && names == Names::All => (*name, rest),
        _ => return None,
    };
    let value = match rest {
        [Token::Sign('='), value @ ..] => value,
        [Token::Sign(':'), typed @ ..] => {
            let is_equals = |(_, token): &(usize, &Token)| **token == Token::Sign('=');
            let (at, _) = outside(typed).find(is_equals)?;
            &typed[at + 1..]
        }
        _ => return None,
    };
    Some((name, literal::read(value)?))
}

/// Puts an entry in: a later one takes the value of an earlier of the same key, as in Python.
fn put(entries: &mut Params, key: Value, value: Value) {
    match entries.iter_mut().find(|(known, _)| known.equals(&key)) {
        Some((_, known)) => *known = value,
        None => entries.push((key, value)),
    }
}

#[cfg(test)]
mod tests;
