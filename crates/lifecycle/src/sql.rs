//! Which tables a query names: a small tolerant scanner, not a parser of SQL.
//!
//! It looks for names after FROM and JOIN and for lists after FROM, and leaves out the names that
//! the query itself makes with WITH, table functions, and names with dots. What it does not
//! understand it steps over: a query is judged when it is planned.

use everloop_domain::expression::Span;

/// A piece of a query with its place.
#[derive(Debug)]
struct Token<'a> {
    kind: Kind<'a>,
    span: Span,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind<'a> {
    Word(&'a str),
    Quoted(String),
    Symbol(char),
    Other,
}

/// What a parenthesis holds.
#[derive(Default)]
struct Level {
    /// Whether FROM means a table here, and not part of a call such as `extract(day from x)`.
    is_query: bool,
    /// Whether a comma is followed by another table.
    in_from: bool,
    /// Whether the next name is a table.
    expects_table: bool,
}

/// Words that end the list after FROM.
const AFTER_FROM: [&str; 11] = [
    "where",
    "group",
    "order",
    "having",
    "limit",
    "union",
    "intersect",
    "except",
    "window",
    "qualify",
    "select",
];

/// The tables that a query reads, with their places in it.
pub(crate) fn tables(sql: &str) -> Vec<(String, Span)> {
    let tokens = tokens(sql);
    let made_here = common_tables(&tokens);
    let mut found = Vec::new();
    let mut levels = vec![Level {
        is_query: true,
        ..Level::default()
    }];
    for (index, token) in tokens.iter().enumerate() {
        let n_levels = levels.len();
        let Some(level) = levels.last_mut() else {
            break;
        };
        match &token.kind {
            Kind::Symbol('(') => {
                let is_query =
                    level.expects_table || tokens.get(index + 1).is_some_and(starts_query);
                let inner = Level {
                    is_query,
                    in_from: level.expects_table,
                    expects_table: level.expects_table,
                };
                level.expects_table = false;
                levels.push(inner);
            }
            Kind::Symbol(')') if n_levels > 1 => {
                levels.pop();
            }
            Kind::Symbol(',') if level.is_query => level.expects_table = level.in_from,
            Kind::Word(word) if !level.expects_table || is_reserved(word) => {
                step(
                    level,
                    &word.to_ascii_lowercase(),
                    index.checked_sub(1).map(|before| &tokens[before].kind),
                );
            }
            Kind::Word(_) | Kind::Quoted(_) if level.expects_table => {
                level.expects_table = false;
                let name = name_of(&token.kind);
                let is_plain = !matches!(
                    tokens.get(index + 1),
                    Some(Token {
                        kind: Kind::Symbol('(' | '.'),
                        ..
                    })
                );
                if is_plain && !made_here.contains(&name) {
                    found.push((name, token.span.clone()));
                }
            }
            _ => {}
        }
    }
    found
}

/// What a reserved word changes.
fn step(level: &mut Level, word: &str, before: Option<&Kind>) {
    match word {
        "from" => {
            let is_comparison =
                matches!(before, Some(Kind::Word(word)) if word.eq_ignore_ascii_case("distinct"));
            if level.is_query && !is_comparison {
                (level.in_from, level.expects_table) = (true, true);
            }
        }
        "join" => level.expects_table = level.is_query,
        word if word == "values" || AFTER_FROM.contains(&word) => {
            (level.in_from, level.expects_table) = (false, false);
        }
        _ => {}
    }
}

fn is_reserved(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    AFTER_FROM.contains(&word.as_str())
        || ["from", "join", "values", "lateral", "only", "with"].contains(&word.as_str())
}

fn starts_query(token: &Token) -> bool {
    let Kind::Word(word) = token.kind else {
        return false;
    };
    ["select", "with", "values"]
        .iter()
        .any(|start| word.eq_ignore_ascii_case(start))
}

fn name_of(kind: &Kind) -> String {
    match kind {
        Kind::Word(word) => (*word).to_owned(),
        Kind::Quoted(name) => name.clone(),
        Kind::Symbol(_) | Kind::Other => String::new(),
    }
}

/// The names before `as (select`: what WITH makes.
fn common_tables(tokens: &[Token]) -> Vec<String> {
    let mut names = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let is_as = matches!(token.kind, Kind::Word(word) if word.eq_ignore_ascii_case("as"));
        if !is_as {
            continue;
        }
        let is_hint = |token: &&Token| matches!(token.kind, Kind::Word(word) if ["not", "materialized"].iter().any(|hint| word.eq_ignore_ascii_case(hint)));
        let mut after = tokens[index + 1..].iter().skip_while(is_hint);
        let opens = after
            .next()
            .is_some_and(|token| token.kind == Kind::Symbol('('));
        if !opens || !after.next().is_some_and(starts_query) {
            continue;
        }
        let mut at = index;
        // Steps over a list of columns: `name (a, b) as (`.
        if at > 0 && tokens[at - 1].kind == Kind::Symbol(')') {
            while at > 0 && tokens[at].kind != Kind::Symbol('(') {
                at -= 1;
            }
        }
        if at > 0 {
            names.push(name_of(&tokens[at - 1].kind));
        }
    }
    names
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let (length, kind) = if first.is_whitespace() {
            (first.len_utf8(), None)
        } else if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), None)
        } else if first == '\'' {
            (quoted_length(rest, '\''), Some(Kind::Other))
        } else if first == '"' || first == '`' {
            let length = quoted_length(rest, first);
            let name = rest[1..length]
                .trim_end_matches(first)
                .replace(&format!("{first}{first}"), &first.to_string());
            (length, Some(Kind::Quoted(name)))
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            (length, Some(Kind::Word(&rest[..length])))
        } else {
            (first.len_utf8(), Some(Kind::Symbol(first)))
        };
        if let Some(kind) = kind {
            tokens.push(Token {
                kind,
                span: at..at + length,
            });
        }
        at += length;
    }
    tokens
}

/// The bytes up to the closing quote; a doubled quote does not close.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(end) = rest[at..].find(quote) {
        at += end + 1;
        if !rest[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let names: Vec<String> = tables(sql).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn finds_what_stands_after_from_and_join() {
        check("select * from rides", &["rides"]);
        check(
            "select a.x from a join b on a.i = b.i left join c using (i)",
            &["a", "b", "c"],
        );
        check(
            "select * from a, b as x, c where f(a, d) = 1",
            &["a", "b", "c"],
        );
        check(
            "select x, y from (select * from inner_one) t, other",
            &["inner_one", "other"],
        );
        check("select * from (a join b on a.i = b.i)", &["a", "b"]);
        check(
            "select (select max(x) from m), y FROM n UNION ALL select * from o",
            &["m", "n", "o"],
        );
        check(
            "select * from a where x in (select x from b) and exists (select 1 from c)",
            &["a", "b", "c"],
        );
        check(
            "select * from \"SALE data\" -- from nothing\n join /* from x */ `t``2` on 'from y' = 1",
            &["SALE data", "t`2"],
        );
    }

    #[test]
    fn leaves_out_what_is_not_a_table() {
        check(
            "select extract(day from d), trim(both ' ' from s) from a",
            &["a"],
        );
        check("select a is distinct from b from c", &["c"]);
        check("select * from generate_series(1, 3), unnest(x) u", &[]);
        check("select * from information_schema.tables", &[]);
        check("select * from (values (1, 2), (3, 4)) t", &[]);
        check(
            "with x as (select * from a), y (p, q) as (select * from x) select * from y join b on true",
            &["a", "b"],
        );
        check(
            "with recursive x as not materialized (select 1) select * from x",
            &[],
        );
        check("select 1", &[]);
    }

    #[test]
    fn survives_what_is_not_sql() {
        for sql in [
            "",
            "from",
            "from (",
            ")) from a",
            "'",
            "\"",
            "from \"",
            "join join",
            "with as (select",
            "from é, ü",
        ] {
            tables(sql);
        }
    }

    #[test]
    fn knows_the_place() {
        let sql = "select * from rides";
        let (_, span) = tables(sql).remove(0);
        assert_eq!(&sql[span], "rides");
    }
}
