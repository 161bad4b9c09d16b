//! The plots of all versions, read and put together by name.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use everloop_engine::pipelines::{Problem, Snapshot};
use everloop_lifecycle::dvc::{Plot, Point, Series, declared_plots, read_points};

use super::Drawn;
use crate::chart::{Chart, Form, Series as Line};
use crate::commands::compare::{Here, WORKSPACE};

/// Files with these ends are shown as they are.
const IMAGES: [(&str, &str); 5] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("svg", "image/svg+xml"),
];

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) drawings: Vec<Drawing>,
    /// The plot, the version, and what is wrong.
    pub(super) problems: Vec<(String, String, Problem)>,
}

/// A plot of one or more versions.
#[derive(Debug)]
pub(super) struct Drawing {
    /// Its name, as DVC gives it.
    pub(super) id: String,
    /// What is in it, by version.
    pub(super) versions: Vec<(String, Content)>,
    /// How it is drawn.
    plot: Plot,
    /// What stands at the axes.
    pub(super) labels: (String, String),
}

/// What a version has of a plot.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    /// Points of fields.
    Series(Vec<Series>),
    /// An image.
    Image(Vec<u8>),
}

impl Drawing {
    /// What stands above.
    pub(super) fn title(&self) -> &str {
        self.plot.properties.title.as_deref().unwrap_or(&self.id)
    }

    /// The name of the form.
    pub(super) fn template(&self) -> &str {
        let said = self.plot.properties.template.as_deref();
        said.unwrap_or("linear")
    }

    /// What kind of image it is, if it is one.
    pub(super) fn image_type(&self) -> Option<&'static str> {
        image_type(&self.plot.id)
    }

    /// The chart of the points of all versions.
    pub(super) fn chart(&self) -> Chart {
        let mut series = Vec::new();
        for (version, (name, content)) in self.versions.iter().enumerate() {
            let Content::Series(all) = content else {
                continue;
            };
            for (field, one) in all.iter().enumerate() {
                let label = if all.len() > 1 {
                    format!("{name} {}", one.label())
                } else {
                    name.clone()
                };
                let values = one.values.clone();
                series.push(Line {
                    label,
                    version,
                    field,
                    values,
                });
            }
        }
        Chart {
            title: self.title().to_owned(),
            x_label: self.labels.0.clone(),
            y_label: self.labels.1.clone(),
            form: Form::of_template(self.template()).unwrap_or(Form::Line),
            series,
        }
    }

    /// Whether not all versions have the same of it.
    pub(super) fn differs(&self, versions: &[String]) -> bool {
        let is_everywhere = self.versions.len() == versions.len();
        // Numbers that are none differ from themselves, so their words are compared.
        let shown = |content: &Content| match content {
            Content::Series(_) => format!("{content:?}"),
            Content::Image(bytes) => format!("{bytes:?}"),
        };
        let mut contents = self.versions.iter().map(|(_, content)| shown(content));
        let first = contents.next();
        !is_everywhere || contents.any(|content| Some(&content) != first.as_ref())
    }
}

/// What kind of image a file is by its name.
fn image_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let found = IMAGES.iter().find(|(known, _)| *known == extension);
    found.map(|(_, kind)| *kind)
}

/// Reads the plots of versions.
pub(super) fn collect(
    here: &Here,
    versions: &[String],
    targets: &[String],
    drawn: &Drawn,
) -> Result<Collected> {
    let mut collected = Collected::default();
    for version in versions {
        let snapshot = here.snapshot(version)?;
        for (id, plot) in chosen(&snapshot, here, targets, drawn) {
            let (found, problems) = read(&snapshot, &plot);
            for problem in problems {
                here.tell(version, &problem);
                let entry = (id.clone(), version.clone(), problem);
                collected.problems.push(entry);
            }
            if let Some((content, labels)) = found {
                collected.add(id, version, plot, content, labels);
            }
        }
    }
    for drawing in &collected.drawings {
        if Form::of_template(drawing.template()).is_none() && drawing.image_type().is_none() {
            eprintln!(
                "warning: the template `{}` of `{}` is none of DVC's own and is drawn as `linear`",
                drawing.template(),
                drawing.id
            );
        }
    }
    Ok(collected)
}

impl Collected {
    fn add(
        &mut self,
        id: String,
        version: &str,
        plot: Plot,
        content: Content,
        labels: (String, String),
    ) {
        let known = self.drawings.iter_mut().find(|drawing| drawing.id == id);
        let entry = (version.to_owned(), content);
        match known {
            Some(drawing) => {
                drawing.versions.push(entry);
                // What the workspace says holds for all, else what the first version says.
                if version == WORKSPACE {
                    drawing.plot = plot;
                    drawing.labels = labels;
                }
            }
            None => self.drawings.push(Drawing {
                id,
                versions: vec![entry],
                plot,
                labels,
            }),
        }
    }
}

/// The plots of a version that are asked for, by name.
fn chosen(
    snapshot: &Snapshot,
    here: &Here,
    targets: &[String],
    drawn: &Drawn,
) -> Vec<(String, Plot)> {
    let mut plots = expanded(snapshot, declared_plots(snapshot.pipelines()));
    let mut n_of_id: HashMap<String, usize> = HashMap::new();
    for plot in &plots {
        *n_of_id.entry(plot.id.clone()).or_default() += 1;
    }
    let name = |plot: &Plot| {
        let is_alone = plot.file.is_empty() || n_of_id.get(&plot.id).is_none_or(|n| *n < 2);
        let id = if plot.is_path() {
            here.shown_path(&plot.id)
        } else {
            plot.id.clone()
        };
        if is_alone {
            id
        } else {
            format!("{}::{id}", here.shown_path(&plot.file))
        }
    };
    if !targets.is_empty() {
        let is_asked = |plot: &Plot| {
            let (id, full) = (name(plot), format!("{}::{}", plot.file, plot.id));
            let mut targets = targets.iter();
            targets
                .any(|target| id.starts_with(target.as_str()) || full.starts_with(target.as_str()))
        };
        let asked: Vec<Plot> = plots
            .iter()
            .filter(|plot| is_asked(plot))
            .cloned()
            .collect();
        let is_found = |target: &String| {
            asked
                .iter()
                .any(|plot| name(plot).starts_with(target.as_str()))
        };
        let others = targets.iter().filter(|target| !is_found(target));
        let others: Vec<Plot> = others
            .filter_map(|target| {
                let path = here.targets(&[target.into()]).ok()?.pop()?;
                Some(Plot::of_file(&path))
            })
            .collect();
        let others = if asked.is_empty() {
            expanded(snapshot, others)
        } else {
            Vec::new()
        };
        plots = asked.into_iter().chain(others).collect();
    }
    let mut named = Vec::new();
    for mut plot in plots {
        let name = name(&plot);
        drawn.apply(&mut plot.properties);
        named.push((name, plot));
    }
    named
}

/// The plots with a plot for each file of a directory. A file belongs to the plot that names most of
/// its path.
fn expanded(snapshot: &Snapshot, plots: Vec<Plot>) -> Vec<Plot> {
    let paths: Vec<(String, String)> = plots
        .iter()
        .filter(|plot| plot.is_path())
        .map(|plot| (plot.file.clone(), plot.id.clone()))
        .collect();
    let mut all = Vec::new();
    for plot in plots {
        let files = if plot.is_path() {
            snapshot.files_below(&plot.id)
        } else {
            None
        };
        let Some(files) = files else {
            all.push(plot);
            continue;
        };
        for file in files {
            let is_nearer = |(of, path): &(String, String)| {
                *of == plot.file
                    && path.len() > plot.id.len()
                    && file
                        .strip_prefix(path.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if !paths.iter().any(is_nearer) {
                all.push(Plot {
                    id: file,
                    ..plot.clone()
                });
            }
        }
    }
    all
}

/// What a version has of a plot, and what stands at its axes.
type Read = (Content, (String, String));

/// What can be read of a plot, and what cannot: a file that is not there takes nothing away from the others.
fn read(snapshot: &Snapshot, plot: &Plot) -> (Option<Read>, Vec<Problem>) {
    let sources = plot.sources();
    let contents = snapshot.read(&sources);
    let is_image = plot.is_path() && image_type(&plot.id).is_some();
    let mut data: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    let mut problems = Vec::new();
    for (path, bytes) in sources.into_iter().zip(contents) {
        match bytes {
            Ok(bytes) if is_image => {
                let content = Content::Image(bytes);
                return (Some((content, (String::new(), String::new()))), problems);
            }
            Ok(bytes) => match points(&path, bytes, plot) {
                Ok(points) => {
                    data.insert(path, points);
                }
                Err(problem) => problems.push(problem),
            },
            Err(problem) => problems.push(problem),
        }
    }
    if data.is_empty() {
        return (None, problems);
    }
    match plot.series(&data) {
        Ok(series) => (
            Some((Content::Series(series), plot.labels(&data))),
            problems,
        ),
        Err(message) => {
            let path = plot.id.clone();
            let kind = "FieldNotFoundError";
            problems.push(Problem {
                path,
                kind,
                message,
            });
            (None, problems)
        }
    }
}

/// The points of a file.
fn points(path: &str, bytes: Vec<u8>, plot: &Plot) -> Result<Vec<Point>, Problem> {
    let problem = |kind, message: &str| Problem {
        path: path.to_owned(),
        kind,
        message: message.to_owned(),
    };
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| problem("EncodingError", "it is not UTF-8"))?;
    let points = read_points(path, &text, !plot.properties.has_no_header);
    points.map_err(|why| problem("PlotMetricTypeError", &why))
}
