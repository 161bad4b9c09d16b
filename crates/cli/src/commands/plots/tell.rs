//! Plots as JSON, and as numbers in a table.

use everloop_lifecycle::dvc::{Series, Value};
use serde_json::{Map, Value as Json, json};

use super::collect::{Collected, Content, Drawing};
use super::page::data_url;
use crate::chart::number;
use crate::output::{self, markdown_table};

/// The points of all plots, and what cannot be read: `{"data": {NAME: […]}, "errors": […]}`.
pub(super) fn json(collected: &Collected) -> Json {
    let data = collected.drawings.iter();
    let data = data.map(|drawing| (drawing.id.clone(), drawing_json(drawing)));
    let mut shown = Map::new();
    let errors = collected.problems.iter().map(|(name, version, problem)| {
        json!({
            "name": name,
            "rev": version,
            "source": problem.path,
            "type": problem.kind,
            "msg": problem.message,
        })
    });
    if !collected.problems.is_empty() {
        shown.insert("errors".to_owned(), errors.collect());
    }
    shown.insert("data".to_owned(), Json::Object(data.collect()));
    Json::Object(shown)
}

fn drawing_json(drawing: &Drawing) -> Json {
    if let Some(kind) = drawing.image_type() {
        let images = drawing.versions.iter().filter_map(|(version, content)| {
            let Content::Image(bytes) = content else {
                return None;
            };
            Some(json!({"type": "image", "revisions": [version], "url": data_url(kind, bytes)}))
        });
        return images.collect();
    }
    let mut points = Vec::new();
    for (version, series) in series(drawing) {
        for point in &series.points {
            let fields = point
                .iter()
                .map(|(name, value)| (name.clone(), value.json()));
            let revision = ("rev".to_owned(), json!(version));
            points.push(Json::Object(fields.chain([revision]).collect()));
        }
    }
    let versions: Vec<&String> = drawing
        .versions
        .iter()
        .map(|(version, _)| version)
        .collect();
    json!([{
        "type": "points",
        "revisions": versions,
        "template": drawing.template(),
        "title": drawing.title(),
        "x_label": drawing.labels.0,
        "y_label": drawing.labels.1,
        "datapoints": points,
    }])
}

/// The series of all versions.
fn series(drawing: &Drawing) -> impl Iterator<Item = (&String, &Series)> {
    drawing.versions.iter().flat_map(|(version, content)| {
        let all = match content {
            Content::Series(all) => all.as_slice(),
            Content::Image(_) => &[],
        };
        all.iter().map(move |one| (version, one))
    })
}

/// A row for each field of each version: what its numbers are, and whether they are those of the
/// first version that has it.
pub(super) fn table(drawings: &[Drawing], is_markdown: bool) {
    let header = [
        "Plot", "Field", "Revision", "Points", "Min", "Max", "Last", "Change",
    ];
    let rows = rows(drawings);
    if is_markdown {
        say!("{}", markdown_table(&header, &rows));
    } else {
        say!("{}", output::table(&header, &rows));
    }
}

/// The rows of the table.
pub(super) fn rows(drawings: &[Drawing]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for drawing in drawings {
        let mut first_image: Option<&Vec<u8>> = None;
        for (version, content) in &drawing.versions {
            if let Content::Image(bytes) = content {
                let first = *first_image.get_or_insert(bytes);
                let size = format!("{} bytes", bytes.len());
                let mut row = vec![
                    drawing.id.clone(),
                    "image".to_owned(),
                    version.clone(),
                    size,
                ];
                row.extend(["-", "-", "-", change(first == bytes)].map(str::to_owned));
                rows.push(row);
            }
        }
        let all: Vec<(&String, &Series)> = series(drawing).collect();
        for (version, one) in &all {
            let same = |other: &&(&String, &Series)| other.1.label() == one.label();
            let first = all.iter().find(same).map_or(*one, |(_, first)| *first);
            let shown = |values: &[(Value, Value)]| format!("{values:?}");
            let is_same = shown(&first.values) == shown(&one.values);
            let numbers: Vec<f64> = one.values.iter().filter_map(|(_, y)| number(y)).collect();
            let low = numbers.iter().copied().reduce(f64::min);
            let high = numbers.iter().copied().reduce(f64::max);
            let cell = |value: Option<f64>| value.map_or("-".to_owned(), output::number);
            rows.push(vec![
                drawing.id.clone(),
                one.field.clone(),
                (*version).clone(),
                one.values.len().to_string(),
                cell(low),
                cell(high),
                cell(numbers.last().copied()),
                change(is_same).to_owned(),
            ]);
        }
    }
    rows
}

fn change(is_same: bool) -> &'static str {
    if is_same { "-" } else { "differs" }
}
