//! A trial of `run: python train.py`: the command with other `EVERLOOP_PARAMETERS`, its metrics read from its run.

use everloop_domain::StageName;
use everloop_train::tuning::{Asked, Outcome, parameters_of};

use super::{Place, child_id, failed};
use crate::Error;
use crate::runner::chain;
use crate::stages::train::command::{Call, execute, shell};

/// Carries a trial out; that the command fails or logs no metric is what came of it.
pub(super) async fn score(place: &Place<'_>, line: &str, asked: &Asked) -> Outcome {
    match values(place, line, asked).await {
        Ok(values) => Outcome {
            values,
            ..Outcome::default()
        },
        Err(error) => failed(chain(&error)),
    }
}

async fn values(place: &Place<'_>, line: &str, asked: &Asked) -> Result<Vec<f64>, Error> {
    let (runner, number) = (place.runner, asked.number);
    let train = &runner.lifecycle().train;
    let id = child_id(place.run, number);
    let (_, parameters) = parameters_of("", &train.parameters, &asked.parameters);
    let output = place.dir.join(format!("trial-{number}"));
    std::fs::create_dir_all(&output).map_err(|source| Error::file("create", &output, source))?;
    let log = runner.project().log_path(place.cycle, StageName::Train);
    let log = log.with_extension(format!("trial-{number}.log"));
    let mut command = shell(
        runner,
        line,
        &Call {
            run_id: &id,
            parameters: &parameters,
            prepared: place.prepared,
            output: &output,
        },
    );
    let tune = train.tune.as_ref();
    let limit = tune.and_then(|tune| tune.trial_timeout).or(train.timeout);
    let ended = execute(&mut command, line, &log, limit).await;
    std::fs::remove_dir_all(&output).map_err(|source| Error::file("remove", &output, source))?;
    ended?;
    let logged = runner
        .metastore()
        .read(move |tx| tx.runs().latest_metrics(&id))
        .await?;
    let objectives = tune.map_or(&[][..], |tune| &tune.objectives).iter();
    let value = |metric: &str| {
        let found = logged.iter().find(|logged| logged.key == metric);
        found.map(|found| found.value).ok_or_else(|| {
            Error::Invalid(format!(
                "`{line}` logged no metric `{metric}`: log what it scores on the rows of `EVERLOOP_VALIDATION` with `mlflow.log_metric(\"{metric}\", ..)`"
            ))
        })
    };
    objectives
        .map(|objective| value(&objective.metric))
        .collect()
}
