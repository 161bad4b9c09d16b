use proptest::prelude::*;

use super::*;

/// What `read` makes of a text, in short: the values as Python writes them.
#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(
        read(text).map(|value| shown(&value)),
        Ok(expected.to_owned()),
        "{text}"
    );
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        Value::List(elements) => {
            let elements: Vec<String> = elements.iter().map(shown).collect();
            format!("[{}]", elements.join(" "))
        }
        Value::Map(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}={}", key.python(), shown(value)))
                .collect();
            format!("{{{}}}", entries.join(" "))
        }
        other => other.python(),
    }
}

#[track_caller]
fn refused(text: &str, words: &str) {
    let problem = read(text).unwrap_err();
    assert!(problem.contains(words), "{text}: {problem}");
}

#[test]
fn literals_are_read() {
    for (literal, expected) in [
        ("1", "1"),
        ("-(1_000)", "-1000"),
        ("0xff", "255"),
        ("1e3", "1000.0"),
        (".5", "0.5"),
        ("-1.", "-1.0"),
        ("True", "True"),
        ("None", "None"),
        ("'a' \"b\"", "\"ab\""),
        (r"'\x41\u00e9\101\d\'' ", "\"AéA\\\\d'\""),
        (r"r'\n'", "\"\\\\n\""),
        ("'''a\nb'''", "\"a\\nb\""),
        ("[1, [2,], ()]", "[1 [2] []]"),
        ("1, 2", "[1 2]"),
        ("(1)", "1"),
        ("{'a': 1, 2: {3, 3}, 'a': None}", "{a=None 2=[3]}"),
        ("[  # of two lines\n 1,\n2]", "[1 2]"),
        ("set()", "[]"),
    ] {
        check(&format!("x = {literal}"), &format!("{{x={expected}}}"));
    }
}

#[test]
fn all_else_is_passed_over() {
    for line in [
        "x = y",
        "x = 1 + 1",
        "x = f(1)",
        "x = y = 1",
        "x, y = 1, 2",
        "x += 1",
        "x: int",
        "x.y = 1",
        "x[0] = 1",
        "x = f'{a[\"b\"]:>{1}}'",
        "x = b'1'",
        "x = 1j",
        "x = --1",
        "x = -True",
        "x = [*y]",
        "x = {**y}",
        "x = 1 if y else 2",
        "if True: x = 1",
        "if True:\n  x = 1",
        "else: int = 1",
        "def f(x=1):\n  self.x = 1",
        "@dataclass",
        "x = '\\N{DASH}'",
    ] {
        check(line, "{}");
    }
}

#[test]
fn classes_are_maps_and_init_has_parameters() {
    check(
        "class A(B): x = 1; y: float = 2.0\nclass C:\n\n  z = 3\n  class D:\n    e = 4\n  def __init__(self,\n    a: int = 5) -> None:\n    # nothing\n    self.z = 6; b = 7\n    self.n: dict[str, int] = {}\n    if b:\n      self.c = 8\n  w = 9\nself.t = 1\n",
        "{A={x=1 y=2.0} C={z=6 D={e=4} n={} w=9} t=1}",
    );
}

#[test]
fn what_is_not_python_is_told() {
    refused("x = (1\n", "`(` is not closed");
    refused("x = ]", "`]` closes nothing");
    refused("x = 1\n\ny = 'a\n", "a string does not end (line 3)");
    refused("x = 1\n  y = 2\n", "line 2");
    refused("if x:\n    y = 1\n  z = 2\n", "line 3");
    refused("class A:\nx = 1\n", "no block");
    refused("x = $", "`$` is no character");
    refused(&"f'{".repeat(10_000), "does not end");
    refused(&"[".repeat(10_000), "deeper");
}

const PIECES: [&str; 44] = [
    "class A:",
    "def __init__(self):",
    "self.",
    "x",
    " = ",
    ": ",
    "\n",
    "    ",
    "\t",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "1",
    "1.5",
    "-",
    "0x",
    "e",
    "_",
    "'",
    "\"",
    "\"\"\"",
    "f'",
    "rb\"",
    "\\",
    "\\\n",
    "\\x4",
    "\\u00e9",
    "\\N{",
    "#",
    ";",
    "None",
    "set()",
    "if x:",
    "lambda",
    "é",
    "\r\n",
    "\u{c}",
    "\0",
    "->",
    "=",
];

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn no_pieces_make_the_reader_panic(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60)) {
        let _ = read(&pieces.concat());
    }

    #[test]
    fn texts_and_numbers_come_back(text in "\\PC{0,20}", whole in any::<i64>(), number in -1e300..1e300_f64) {
        let quoted: Vec<String> = text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
        let quoted = quoted.concat();
        let params = read(&format!("a = '{quoted}'\nb = {whole}\nc = {number:?}\n")).unwrap();
        prop_assert_eq!(params.get("a"), Some(&Value::Text(text)));
        prop_assert_eq!(params.get("b"), Some(&Value::Integer(i128::from(whole))));
        prop_assert_eq!(params.get("c"), Some(&Value::Number(number)));
    }
}
