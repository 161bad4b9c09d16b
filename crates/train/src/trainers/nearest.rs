//! Nearest neighbours: the train rows themselves are the model.

use everloop_package::graph::Distance;

use super::association::association;
use super::{ALL_TASKS, Job, Trained, Trainer, tree_link};
use crate::encoder::Style;
use crate::model::NearestModel;
use crate::{Error, ParameterInfo, TrainerInfo};

/// The most numbers that are kept: ONNX files end at 2 GiB.
const MAX_NUMBERS: usize = 1 << 27;

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "nearest",
        doc: "The mean, or the vote, of the nearest train rows, all of which are kept in the model; inputs are scaled.",
        tasks: ALL_TASKS,
        parameters: &[
            ParameterInfo::integer("k", (1.0, 10_000.0), 5.0, "how many neighbours vote"),
            ParameterInfo::choice(
                "weights",
                &["uniform", "distance"],
                "whether all neighbours vote the same, or by the inverse of their distance",
            ),
            ParameterInfo::choice(
                "metric",
                &["euclidean", "manhattan", "cosine"],
                "how far rows are from each other",
            ),
            ParameterInfo::integer(
                "max_rows",
                (1.0, 1e6),
                50_000.0,
                "how many train rows may be kept; a prediction looks at all of them",
            ),
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Scaled,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    job.tell(0, 1, None)?;
    let design = job.design;
    let (k, max_rows) = (
        job.parameters.integer("k"),
        job.parameters.integer("max_rows"),
    );
    if k > design.n_rows {
        return Err(Error::Parameter {
            name: "k".to_owned(),
            problem: format!(
                "{k} neighbours are asked for, and there are {} train rows",
                design.n_rows
            ),
        });
    }
    if design.n_rows > max_rows {
        return Err(Error::Inputs(format!(
            "`nearest` keeps all {} train rows, at most {max_rows} are allowed: raise `max_rows` (a prediction takes longer with every row), or learn from fewer rows",
            design.n_rows
        )));
    }
    if design.values.len() > MAX_NUMBERS {
        return Err(Error::Inputs(format!(
            "`nearest` would keep {} rows of {} encoded columns, more than the {MAX_NUMBERS} numbers that a model file holds: exclude columns or rows",
            design.n_rows, design.n_columns
        )));
    }
    let distances = [Distance::Euclidean, Distance::Manhattan, Distance::Cosine];
    let model = NearestModel {
        rows: design.values.clone(),
        n_columns: design.n_columns,
        values: job.target.to_vec(),
        weights: job.row_weights.clone(),
        n_classes: job.n_classes,
        k,
        distance: distances[job.parameters.integer("metric")],
        by_distance: job.parameters.integer("weights") == 1,
    };
    job.tell(1, 1, None)?;
    Ok(Trained {
        model: Box::new(model),
        link: tree_link(job.task),
        importances: association(job),
        notes: Vec::new(),
    })
}
