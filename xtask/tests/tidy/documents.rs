//! Every module says what it is for, every document of the house exists, errors read as they should.

use std::fs;

use super::source::{product_files, root};

#[test]
fn every_module_starts_with_a_doc() {
    let bare: Vec<_> = product_files()
        .into_iter()
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| file.path)
        .collect();
    assert!(bare.is_empty(), "without a module doc: {bare:?}");
}

#[test]
fn the_documents_exist_and_keep_their_length() {
    for (name, most) in [
        ("README.md", 150),
        ("ARCHITECTURE.md", 400),
        ("CONTRIBUTING.md", 300),
        ("CHANGELOG.md", 2000),
        ("SECURITY.md", 100),
        ("LICENSE", 300),
    ] {
        let text =
            fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let n_lines = text.lines().count();
        assert!(n_lines > 3, "{name} is empty");
        assert!(
            n_lines <= most,
            "{name} has {n_lines} lines, {most} are allowed"
        );
    }
}

#[test]
fn the_code_map_names_every_crate() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            text.contains(&format!("`{name}`")),
            "ARCHITECTURE.md does not name `{name}`"
        );
    }
}

#[test]
fn error_messages_are_lowercase_fragments() {
    let mut problems = Vec::new();
    for file in product_files() {
        for (index, line) in file.text.lines().enumerate() {
            let Some(message) = line
                .trim()
                .strip_prefix("#[error(\"")
                .and_then(|rest| rest.strip_suffix("\")]"))
            else {
                continue;
            };
            let starts_upper = message.chars().next().is_some_and(char::is_uppercase)
                && !message.chars().nth(1).is_some_and(char::is_uppercase);
            if starts_upper || message.ends_with('.') || message.contains("{source") {
                problems.push(format!("{}:{}: {message}", file.path, index + 1));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
