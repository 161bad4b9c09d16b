//! `everloop check`: the lifecycle file, the tables it names, the parameters of its trainer.

mod search;

use std::path::Path;

use anyhow::{Context as _, Result};
use everloop_data::{Session, Settings};
use everloop_lifecycle::{Catalog, Diagnostic, Lifecycle, Severity, Trainer};
use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};

use crate::exit::Exit;
use crate::output::Format;
use crate::workspace::{error_text, find_project, overrides};

/// Arguments of `everloop check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Override a setting of the lifecycle file: `--set train.parameters.trees=50`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Check the file alone, without opening the sources that it names.
    #[arg(long)]
    pub(crate) file_only: bool,

    /// Text for people or JSON for programs.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Checks a project and shows all problems at once.
pub(crate) async fn run(args: &Args, project: Option<&Path>) -> Result<Exit> {
    let project = find_project(project)?;
    let file = project.lifecycle_file();
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read `{}`", file.display()))?;
    let parsed = everloop_lifecycle::parse(&text, &overrides(&args.set)?);
    let mut diagnostics = parsed.diagnostics;
    if let Some(lifecycle) = &parsed.lifecycle {
        diagnostics.extend(parameters(lifecycle, &text));
        if !args.file_only {
            let (catalog, problems) = catalog(lifecycle, project.dir(), &text).await;
            diagnostics.extend(problems);
            diagnostics.extend(everloop_lifecycle::check_catalog(
                &text, lifecycle, &catalog,
            ));
        }
    }
    show(&diagnostics, &text, args.format)?;
    let n_errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .count();
    if n_errors > 0 {
        eprintln!(
            "{}, {}",
            count(n_errors, "error"),
            count(diagnostics.len() - n_errors, "warning")
        );
        return Ok(Exit::LifecycleFile);
    }
    if args.format == Format::Text {
        eprintln!(
            "`{}` is in order ({})",
            file.display(),
            count(diagnostics.len(), "warning")
        );
    }
    Ok(Exit::Ok)
}

/// Problems with the parameters of a built-in trainer, and with those that are searched.
pub(crate) fn parameters(lifecycle: &Lifecycle, text: &str) -> Vec<Diagnostic> {
    let mut found = search::problems(lifecycle, text);
    let Trainer::BuiltIn(name) = &lifecycle.train.trainer else {
        return found;
    };
    let problems =
        everloop_train::check_parameters(name, lifecycle.train.task, &lifecycle.train.parameters);
    found.extend(problems.into_iter().map(|problem| {
        let place = ["train", "parameters", problem.parameter.as_str()];
        Diagnostic::at_key(
            text,
            &place,
            everloop_lifecycle::codes::TRAINER_PARAMETER,
            problem.message,
            problem.help,
        )
    }));
    found
}

/// The columns of all sources and prepared tables; what cannot be opened or planned is a problem.
async fn catalog(lifecycle: &Lifecycle, dir: &Path, text: &str) -> (Catalog, Vec<Diagnostic>) {
    let session = Session::new(
        dir,
        &Settings {
            memory_bytes: 1 << 30,
        },
    );
    let mut catalog = Catalog::default();
    let mut problems = Vec::new();
    for source in &lifecycle.sources {
        match session.register_source(source).await {
            Ok(_) => catalog.add(
                &source.name,
                session.schema(&source.name).await.unwrap_or_default(),
            ),
            Err(error) => {
                let place = ["sources", source.name.as_str()];
                let code = everloop_lifecycle::codes::SOURCE_UNREADABLE;
                problems.push(Diagnostic::at_key(
                    text,
                    &place,
                    code,
                    error_text(&error),
                    None,
                ));
            }
        }
    }
    if !problems.is_empty() {
        return (catalog, problems);
    }
    for (index, step) in lifecycle.prepare.iter().enumerate() {
        match session.plan_step(step).await {
            Ok(table) => catalog.add(&table, session.schema(&table).await.unwrap_or_default()),
            Err(error) => {
                let index = index.to_string();
                let place = ["prepare", index.as_str()];
                let code = everloop_lifecycle::codes::SQL_INVALID;
                problems.push(Diagnostic::at_key(
                    text,
                    &place,
                    code,
                    error_text(&error),
                    None,
                ));
                break;
            }
        }
    }
    (catalog, problems)
}

fn show(diagnostics: &[Diagnostic], text: &str, format: Format) -> Result<()> {
    if format == Format::Json {
        sayln!("{}", serde_json::to_string_pretty(diagnostics)?);
        return Ok(());
    }
    for diagnostic in diagnostics {
        eprintln!("{:?}", report(diagnostic, text));
    }
    Ok(())
}

/// The diagnostic with its line and caret.
pub(crate) fn report(diagnostic: &Diagnostic, text: &str) -> Report {
    let mut shown = MietteDiagnostic::new(diagnostic.message.clone())
        .with_code(diagnostic.code)
        .with_severity(match diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        });
    if let Some(help) = &diagnostic.help {
        shown = shown.with_help(help.clone());
    }
    if let Some(span) = &diagnostic.span {
        shown = shown.with_label(LabeledSpan::underline(span.clone()));
    }
    Report::new(shown).with_source_code(NamedSource::new("everloop.yaml", text.to_owned()))
}

/// Opens a workspace only if its file is in order; otherwise shows what is not.
pub(crate) fn refuse(workspace_text: &str, diagnostics: &[Diagnostic]) -> anyhow::Error {
    for diagnostic in diagnostics {
        eprintln!("{:?}", report(diagnostic, workspace_text));
    }
    crate::exit::Failure::new(Exit::LifecycleFile, "the lifecycle file has errors")
        .hint("`everloop check` shows them at any time")
        .into()
}

/// How many there are of something, in words.
fn count(number: usize, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {what}{ending}")
}
