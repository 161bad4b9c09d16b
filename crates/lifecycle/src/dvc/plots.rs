//! Plots: which a project has, and the points that are drawn.
//!
//! A plot is a file of points, or a name with fields of files. [`declared_plots`] finds those of
//! `dvc.yaml`, [`read_points`] reads a file, and [`Plot::series`] takes from the points of a version
//! what is drawn. Fields that are not named are guessed as DVC guesses them.

mod points;
mod series;

pub use points::{Point, read_points};
pub use series::Series;

use super::path;
use super::pipeline::{OutKind, Pipeline};
use super::template::shown;
use super::value::Value;

/// A plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// The name: the path of the file, unless the plot names its files itself.
    pub id: String,
    /// The `dvc.yaml` that has it among its `plots`; empty for an output of a stage.
    pub file: String,
    /// How it is drawn.
    pub properties: PlotProperties,
}

/// How a plot is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlotProperties {
    /// The fields of the horizontal axis.
    pub x: Option<Axis>,
    /// The fields of the vertical axis.
    pub y: Option<Axis>,
    /// What stands at the horizontal axis.
    pub x_label: Option<String>,
    /// What stands at the vertical axis.
    pub y_label: Option<String>,
    /// What stands above.
    pub title: Option<String>,
    /// The name of the form: `linear`, `scatter`, `confusion` …
    pub template: Option<String>,
    /// Whether the first line of a table does not name its columns.
    pub has_no_header: bool,
}

/// The fields of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Axis {
    /// Fields of the file that the plot is named after.
    Fields(Vec<String>),
    /// Fields of files.
    Files(Vec<(String, Vec<String>)>),
}

impl Plot {
    /// The plot of a file that nothing is said of.
    #[must_use]
    pub fn of_file(path: &str) -> Self {
        Self {
            id: path.to_owned(),
            file: String::new(),
            properties: PlotProperties::default(),
        }
    }

    /// Whether the name is the path of a file or directory.
    #[must_use]
    pub fn is_path(&self) -> bool {
        !matches!(self.properties.y, Some(Axis::Files(_)))
    }

    /// The files that the points come from.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        let mut sources: Vec<String> = Vec::new();
        let files = |axis: &Option<Axis>| match axis {
            Some(Axis::Files(files)) => files.iter().map(|(file, _)| file.clone()).collect(),
            _ => Vec::new(),
        };
        let own = self.is_path().then(|| self.id.clone());
        let all = own.into_iter();
        let all = all.chain(files(&self.properties.y));
        for file in all.chain(files(&self.properties.x)) {
            if !sources.contains(&file) {
                sources.push(file);
            }
        }
        sources
    }
}

/// The plots of a project: those of stages, then those of the files' own `plots`.
#[must_use]
pub fn declared_plots(pipelines: &[Pipeline]) -> Vec<Plot> {
    let mut plots = Vec::new();
    for stage in pipelines.iter().flat_map(|pipeline| &pipeline.stages) {
        let outs = stage.outs.iter();
        for out in outs.filter(|out| out.kind == OutKind::Plots) {
            plots.push(Plot {
                id: stage.place(&out.path),
                file: String::new(),
                properties: properties(&out.properties, &stage.directory),
            });
        }
    }
    for pipeline in pipelines {
        for element in &pipeline.plots {
            plots.extend(top(element, pipeline));
        }
    }
    plots
}

/// An element of the `plots` of a file: a path, or a name with properties.
fn top(element: &Value, pipeline: &Pipeline) -> Option<Plot> {
    let directory = pipeline.directory();
    let (name, said) = match element {
        Value::Map(entries) => {
            let (name, said) = entries.first()?;
            let said: &[(Value, Value)] = match said {
                Value::Map(said) => said,
                _ => &[],
            };
            (shown(name), said)
        }
        other => (shown(other), &[][..]),
    };
    let said: Vec<(String, Value)> = said
        .iter()
        .map(|(key, value)| (shown(key), value.clone()))
        .collect();
    let properties = properties(&said, directory);
    let id = match properties.y {
        Some(Axis::Files(_)) => name,
        _ => path::join(directory, &name),
    };
    Some(Plot {
        id,
        file: pipeline.file.clone(),
        properties,
    })
}

fn properties(said: &[(String, Value)], directory: &str) -> PlotProperties {
    let mut properties = PlotProperties::default();
    for (key, value) in said {
        let text = || Some(shown(value));
        match key.as_str() {
            "x" => properties.x = axis(value, directory),
            "y" => properties.y = axis(value, directory),
            "x_label" => properties.x_label = text(),
            "y_label" => properties.y_label = text(),
            "title" => properties.title = text(),
            "template" => properties.template = text(),
            "header" => properties.has_no_header = *value == Value::Boolean(false),
            _ => {}
        }
    }
    properties
}

fn axis(value: &Value, directory: &str) -> Option<Axis> {
    match value {
        Value::Null => None,
        Value::Map(files) => {
            let files = files.iter();
            let files =
                files.map(|(file, value)| (path::join(directory, &shown(file)), fields(value)));
            Some(Axis::Files(files.collect()))
        }
        other => Some(Axis::Fields(fields(other))),
    }
}

fn fields(value: &Value) -> Vec<String> {
    match value {
        Value::List(fields) => fields.iter().map(shown).collect(),
        other => vec![shown(other)],
    }
}

#[cfg(test)]
mod tests;
