//! The commands of a stage.

use everloop_lifecycle::dvc::{Command, Stage};
use everloop_versions::RepoPath;

use super::Error;
use super::record::place;
use super::report::Progress;
use super::run::Run;
use crate::process::{self, Output, Problem};

/// The texts that get a shell each.
fn lines(command: &Command) -> Vec<&str> {
    match command {
        Command::One(text) => text.lines().collect(),
        Command::Many(texts) => texts.iter().map(String::as_str).collect(),
    }
}

impl Run<'_> {
    /// Runs the commands of a stage while others may use the repository.
    pub(super) async fn commands(&self, stage: &Stage, address: &str) -> Result<(), Error> {
        let repository = self.project.repository;
        let place = |path: &String| place(stage, path);
        // What is not in the repository is nobody's to keep others away from.
        let reads: Vec<RepoPath> = stage.deps.iter().flat_map(place).collect();
        let outs = stage.outs.iter().map(|out| &out.path);
        let writes: Vec<RepoPath> = outs.map(place).collect::<Result<_, _>>()?;
        let dir = RepoPath::default().join(&stage.directory)?;
        let words = |line: &str| {
            (self.tell)(Progress::Words {
                stage: address,
                line,
            });
        };
        for line in lines(&stage.cmd) {
            (self.tell)(Progress::Command {
                stage: address,
                line,
            });
            let mut command = process::shell(&self.request.shell, line);
            command
                .current_dir(dir.under(repository.root()))
                .env("DVC_ROOT", repository.root())
                .env("DVC_STAGE", address);
            let output = if self.tells_words {
                Output::Lines(&words)
            } else {
                Output::Inherited
            };
            let mut busy = None;
            let started = |pid| busy = Some(repository.busy((pid, line), (&reads, &writes)));
            let request = self.request;
            let ended =
                process::run(&mut command, output, request.limit, &request.stop, started).await;
            if let Some(busy) = busy {
                busy?.end()?;
            }
            ended.map_err(|problem| match problem {
                Problem::Stopped => Error::Stopped,
                problem => Error::Command {
                    stage: address.to_owned(),
                    line: line.to_owned(),
                    problem: problem.to_string(),
                },
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_a_shell_of_its_own() {
        let one = Command::One("a\nb \\\nc".to_owned());
        assert_eq!(lines(&one), ["a", "b \\", "c"]);
        let many = Command::Many(vec!["a\nb".to_owned(), "c".to_owned()]);
        assert_eq!(lines(&many), ["a\nb", "c"]);
    }
}
