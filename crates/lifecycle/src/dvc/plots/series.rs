//! What is drawn of the points of a version.

use std::collections::{BTreeMap, BTreeSet};

use super::points::put;
use super::{Axis, Plot, Point};
use crate::dvc::value::Value;

/// The field that counts points where no other is named.
const STEP: &str = "step";

/// Points of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The file of the field, without the directories that all files share.
    pub file: String,
    /// The field.
    pub field: String,
    /// The horizontal and the vertical value of each point.
    pub values: Vec<(Value, Value)>,
    /// The points with all their fields, as DVC hands them to its templates.
    pub points: Vec<Point>,
}

impl Series {
    /// What tells it from the others of its plot.
    #[must_use]
    pub fn label(&self) -> String {
        if self.file.is_empty() {
            self.field.clone()
        } else {
            format!("{}:{}", self.file, self.field)
        }
    }
}

/// A field of a file.
type Source = (String, String);

impl Plot {
    /// The series of a version, of whose files `data` has the points.
    ///
    /// # Errors
    ///
    /// Fails if a field is not there, or if the two axes have different numbers of points.
    pub fn series(&self, data: &BTreeMap<String, Vec<Point>>) -> Result<Vec<Series>, String> {
        let ys = self.y_sources(data);
        let xs = self.x_sources(&ys);
        for (file, field) in xs.iter().chain(&ys) {
            check_field(data, file, field)?;
        }
        if xs.len() > 1 && xs.len() != ys.len() {
            return Err(format!(
                "it has {} fields for x and {} for y; give one for x, or as many as for y",
                xs.len(),
                ys.len()
            ));
        }
        let fields = |sources: &[Source]| -> BTreeSet<String> {
            sources.iter().map(|(_, field)| field.clone()).collect()
        };
        let has_many = (fields(&xs).len() > 1, fields(&ys).len() > 1);
        let files: BTreeSet<&str> = ys.iter().map(|(file, _)| file.as_str()).collect();
        let n_shared = n_shared(&files);
        let mut all = Vec::new();
        for (index, (file, field)) in ys.iter().enumerate() {
            let x = if xs.len() > 1 {
                xs.get(index)
            } else {
                xs.first()
            };
            let Some(points) = data.get(file) else {
                continue;
            };
            let values = values(data, points, x, field)?;
            let short = file[n_shared..].trim_start_matches('/').to_owned();
            let x_field = x.map_or(STEP, |(_, field)| field.as_str());
            let mut points = points.clone();
            for (point, (x, y)) in points.iter_mut().zip(&values) {
                if has_many.1 {
                    put(point, "dvc_inferred_y_value".to_owned(), y.clone());
                }
                let x_name = if has_many.0 {
                    "dvc_inferred_x_value"
                } else {
                    x_field
                };
                put(point, x_name.to_owned(), x.clone());
                put(point, "filename".to_owned(), Value::Text(short.clone()));
                put(point, "field".to_owned(), Value::Text(field.clone()));
            }
            all.push(Series {
                file: short,
                field: field.clone(),
                values,
                points,
            });
        }
        Ok(all)
    }

    /// What stands at the axes: what is said, or the names of the fields.
    #[must_use]
    pub fn labels(&self, data: &BTreeMap<String, Vec<Point>>) -> (String, String) {
        let ys = self.y_sources(data);
        let label = |said: &Option<String>, sources: &[Source], many: &str, none: &str| {
            let fields: BTreeSet<&String> = sources.iter().map(|(_, field)| field).collect();
            let found = match (fields.len(), fields.first()) {
                (1, Some(field)) => field,
                (0, _) => none,
                _ => many,
            };
            said.clone().unwrap_or_else(|| found.to_owned())
        };
        let xs = self.x_sources(&ys);
        (
            label(&self.properties.x_label, &xs, "x", STEP),
            label(&self.properties.y_label, &ys, "y", "y"),
        )
    }

    /// The fields of the vertical axis; the last field of the file where none is named.
    fn y_sources(&self, data: &BTreeMap<String, Vec<Point>>) -> Vec<Source> {
        match &self.properties.y {
            Some(Axis::Files(files)) => pairs(files),
            Some(Axis::Fields(fields)) => self.own(fields),
            None => {
                let first = data.get(&self.id).and_then(|points| points.first());
                let last = first.and_then(|point| point.last());
                last.map(|(field, _)| (self.id.clone(), field.clone()))
                    .into_iter()
                    .collect()
            }
        }
    }

    /// The fields of the horizontal axis; none stands for the number of the point.
    fn x_sources(&self, ys: &[Source]) -> Vec<Source> {
        match (&self.properties.x, &self.properties.y) {
            (None, _) => Vec::new(),
            (Some(Axis::Files(files)), _) => pairs(files),
            // The field of that name in every file.
            (Some(Axis::Fields(fields)), Some(Axis::Files(_))) => {
                let field = fields.first();
                let of_file = |(file, _): &Source| field.map(|field| (file.clone(), field.clone()));
                ys.iter().filter_map(of_file).collect()
            }
            (Some(Axis::Fields(fields)), _) => self.own(fields),
        }
    }

    fn own(&self, fields: &[String]) -> Vec<Source> {
        let fields = fields.iter();
        fields
            .map(|field| (self.id.clone(), field.clone()))
            .collect()
    }
}

fn pairs(files: &[(String, Vec<String>)]) -> Vec<Source> {
    let files = files.iter();
    files
        .flat_map(|(file, fields)| fields.iter().map(|field| (file.clone(), field.clone())))
        .collect()
}

fn check_field(data: &BTreeMap<String, Vec<Point>>, file: &str, field: &str) -> Result<(), String> {
    let Some(points) = data.get(file) else {
        return Ok(());
    };
    let fields = points.first().map(Vec::as_slice).unwrap_or_default();
    if fields.iter().any(|(name, _)| name == field) {
        return Ok(());
    }
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let names = if names.is_empty() {
        "it has no points".to_owned()
    } else {
        format!("its fields are `{}`", names.join("`, `"))
    };
    Err(format!("`{file}` has no field `{field}`; {names}"))
}

/// The two values of each point.
fn values(
    data: &BTreeMap<String, Vec<Point>>,
    points: &[Point],
    x: Option<&Source>,
    y_field: &str,
) -> Result<Vec<(Value, Value)>, String> {
    let field = |point: &Point, name: &str| {
        let found = point.iter().find(|(known, _)| known == name);
        found.map_or(Value::Null, |(_, value)| value.clone())
    };
    let Some((x_file, x_field)) = x else {
        let numbered = points.iter().enumerate();
        let pair = |(index, point)| (Value::Integer(index as i128), field(point, y_field));
        return Ok(numbered.map(pair).collect());
    };
    let others = data.get(x_file).map(Vec::as_slice).unwrap_or_default();
    if others.len() != points.len() {
        return Err(format!(
            "`{x_field}` of `{x_file}` has {} points and `{y_field}` has {}; both need as many",
            others.len(),
            points.len()
        ));
    }
    let pairs = others.iter().zip(points);
    Ok(pairs
        .map(|(other, point)| (field(other, x_field), field(point, y_field)))
        .collect())
}

/// How many bytes of directories all files have in common, if there are several.
fn n_shared(files: &BTreeSet<&str>) -> usize {
    let (Some(first), Some(last)) = (files.first(), files.last()) else {
        return 0;
    };
    let pairs = first.split('/').zip(last.split('/'));
    let shared = pairs.take_while(|(one, other)| one == other);
    if files.len() < 2 {
        return 0;
    }
    shared
        .map(|(name, _)| name.len() + 1)
        .sum::<usize>()
        .saturating_sub(1)
}
