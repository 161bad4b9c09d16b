//! Files of points: tables, and lists of maps in JSON, YAML or TOML.

use crate::dvc::params::read_params;
use crate::dvc::value::Value;

/// A point: fields with their values, in the order of the file.
pub type Point = Vec<(String, Value)>;

/// Reads a file of points; what it is written in is told by its name. The values of tables are texts.
///
/// # Errors
///
/// Fails if the file is of another kind, or has no list of points.
pub fn read_points(path: &str, text: &str, has_header: bool) -> Result<Vec<Point>, String> {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    match extension {
        Some("csv") => table(text, b',', has_header),
        Some("tsv") => table(text, b'\t', has_header),
        Some("json" | "yaml" | "yml" | "toml" | "py") => of_lists(&read_params(path, text)?),
        _ => Err("only CSV, TSV, JSON, YAML and images can be drawn".to_owned()),
    }
}

fn table(text: &str, delimiter: u8, has_header: bool) -> Result<Vec<Point>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut names: Option<Vec<String>> = None;
    let mut points = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| format!("not a table: {error}"))?;
        let Some(names) = &names else {
            if has_header {
                names = Some(row.iter().map(str::to_owned).collect());
                continue;
            }
            let numbers: Vec<String> = (0..row.len()).map(|column| column.to_string()).collect();
            points.push(point(&numbers, &row));
            names = Some(numbers);
            continue;
        };
        points.push(point(names, &row));
    }
    Ok(points)
}

fn point(names: &[String], row: &csv::StringRecord) -> Point {
    let cells = names.iter().enumerate();
    cells
        .map(|(column, name)| {
            let cell = row.get(column);
            let value = cell.map_or(Value::Null, |cell| Value::Text(cell.to_owned()));
            (name.clone(), value)
        })
        .collect()
}

/// The points of all lists of a file whose elements are maps with the same keys. The lists are put
/// side by side.
fn of_lists(file: &Value) -> Result<Vec<Point>, String> {
    let mut lists = Vec::new();
    find_lists(file, &mut lists);
    let mut points: Vec<Point> = Vec::new();
    for list in lists.into_iter().filter_map(of_list) {
        for (index, fields) in list.into_iter().enumerate() {
            if points.len() <= index {
                points.push(Point::new());
            }
            for (name, value) in fields {
                put(&mut points[index], name, value);
            }
        }
    }
    if points.is_empty() {
        return Err("it has no list of maps with the same keys".to_owned());
    }
    Ok(points)
}

fn find_lists<'a>(value: &'a Value, lists: &mut Vec<&'a [Value]>) {
    match value {
        Value::List(elements) => lists.push(elements),
        Value::Map(entries) => {
            for (_, value) in entries {
                find_lists(value, lists);
            }
        }
        _ => {}
    }
}

fn of_list(elements: &[Value]) -> Option<Vec<Point>> {
    let points = elements.iter().map(|element| match element {
        Value::Map(entries) => {
            let entries = entries.iter();
            let fields = entries.map(|(key, value)| (key.python(), value.clone()));
            Some(fields.collect::<Point>())
        }
        _ => None,
    });
    let points: Vec<Point> = points.collect::<Option<_>>()?;
    let first = points.first()?;
    let is_known = |name: &String| first.iter().any(|(known, _)| known == name);
    let is_even = points
        .iter()
        .all(|point| point.iter().all(|(name, _)| is_known(name)));
    is_even.then_some(points)
}

/// Sets a field of a point.
pub(super) fn put(point: &mut Point, name: String, value: Value) {
    match point.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => point.push((name, value)),
    }
}
