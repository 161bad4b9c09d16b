//! `everloop reference`: writes the pages that are generated from code.
//!
//! `cargo xtask gen` runs it into `docs/reference`; a test compares the files with what it would write.

mod endpoints;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;

use crate::exit::Exit;

/// Arguments of `everloop reference`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory to write to.
    pub(crate) dir: PathBuf,
}

/// Writes all pages.
pub(crate) fn run(args: &Args) -> Result<Exit> {
    std::fs::create_dir_all(&args.dir)
        .with_context(|| format!("cannot create `{}`", args.dir.display()))?;
    for (name, text) in pages()? {
        let path = args.dir.join(name);
        std::fs::write(&path, text)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(Exit::Ok)
}

fn pages() -> Result<Vec<(&'static str, String)>> {
    let schema = serde_json::to_string_pretty(&everloop_lifecycle::schema())? + "\n";
    let openapi = serde_json::to_string_pretty(&everloop_server::openapi())? + "\n";
    Ok(vec![
        ("everloop.schema.json", schema),
        ("openapi.json", openapi),
        ("exit-codes.md", exit_codes()),
        ("diagnostics.md", diagnostics()),
        ("trainers.md", trainers()),
        ("command-line.md", command_line()),
        ("endpoints.md", endpoints::write()?),
    ])
}

fn exit_codes() -> String {
    let mut text = page("Exit codes");
    text.push_str("| code | meaning |\n|---|---|\n");
    for (exit, meaning) in Exit::MEANINGS {
        let _ = writeln!(text, "| {} | {meaning} |", exit as u8);
    }
    text
}

fn diagnostics() -> String {
    let mut text = page("Diagnostics of the lifecycle file");
    text.push_str("| code | meaning |\n|---|---|\n");
    for (code, meaning) in everloop_lifecycle::codes() {
        let _ = writeln!(text, "| {code} | {meaning} |");
    }
    text
}

fn trainers() -> String {
    let mut text = page("Trainers");
    for trainer in everloop_train::trainers() {
        let _ = writeln!(
            text,
            "## {}\n\n{}\n\n| parameter | type | default | what it does |\n|---|---|---|---|",
            trainer.name, trainer.doc
        );
        for parameter in trainer.parameters {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} |",
                parameter.name,
                parameter.range_text(),
                parameter.default_text(),
                parameter.doc
            );
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn command_line() -> String {
    let mut text = page("Command line");
    let mut command = crate::args::Args::command().term_width(100);
    command.build();
    help(&mut command, &mut text);
    text
}

fn help(command: &mut clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("everloop").to_owned();
    let long = command.render_long_help().to_string();
    let lines: Vec<&str> = long.lines().map(str::trim_end).collect();
    let _ = writeln!(text, "## {name}\n\n```text\n{}\n```\n", lines.join("\n"));
    for sub in command
        .get_subcommands_mut()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
    {
        help(sub, text);
    }
}

fn page(title: &str) -> String {
    format!("# {title}\n\nGenerated from the code by `cargo xtask gen`.\n\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_generated_pages_are_fresh() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
        for (name, text) in pages().unwrap() {
            let found = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
            assert!(
                found == text,
                "docs/reference/{name} is stale: run `cargo xtask gen`"
            );
        }
    }
}
