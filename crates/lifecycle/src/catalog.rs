//! Checks that need the columns of the tables.

use std::collections::BTreeMap;

use everloop_domain::ColumnType;
use everloop_domain::dataset::{PrepareStep, SplitBy};
use everloop_domain::search::FoldsBy;

use crate::codes;
use crate::diagnostic::{Diagnostic, Report};
use crate::lifecycle::{Columns, Lifecycle};
use crate::suggestion;
use crate::yaml::{Node, read};

/// The columns of the sources and of the prepared tables, as far as they could be found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    /// The columns of each table, in order.
    pub tables: BTreeMap<String, Vec<(String, ColumnType)>>,
}

impl Catalog {
    /// Adds a table, or replaces it.
    pub fn add(&mut self, table: &str, columns: Vec<(String, ColumnType)>) {
        self.tables.insert(table.to_owned(), columns);
    }
}

/// Checks that the columns which a lifecycle names exist. Tables that the catalog lacks are passed
/// over.
///
/// `text` is what the lifecycle was parsed from; a value that an override put there is placed at
/// the nearest key of the text.
#[must_use]
pub fn check_catalog(text: &str, lifecycle: &Lifecycle, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut report = Report::new(text);
    let Some(tree) = read(text, &mut Report::new(text)) else {
        return Vec::new();
    };
    let mut checker = Checker {
        tree: &tree,
        catalog,
        report: &mut report,
    };
    checker.tables(lifecycle);
    checker.dataset(lifecycle);
    checker.labels(lifecycle);
    report.finish()
}

struct Checker<'a, 'r, 't> {
    tree: &'a Node,
    catalog: &'a Catalog,
    report: &'r mut Report<'t>,
}

impl Checker<'_, '_, '_> {
    /// Checks that a table has the column which the text names at the path; its type.
    fn column(
        &mut self,
        table: &str,
        column: &str,
        path: &[&str],
        role: &str,
    ) -> Option<ColumnType> {
        let columns = self.catalog.tables.get(table)?;
        if let Some((_, column_type)) = columns.iter().find(|(name, _)| name == column) {
            return Some(*column_type);
        }
        let message = format!("{role} `{column}` is not a column of `{table}`");
        let names = columns.iter().map(|(name, _)| name.as_str());
        let hint = suggestion::hint(column, &format!("the columns of `{table}` are"), names);
        self.report
            .add(codes::MISSING_COLUMN, &self.tree.place_of(path), message)
            .help = hint;
        None
    }

    fn tables(&mut self, lifecycle: &Lifecycle) {
        for checks in &lifecycle.checks {
            let mut columns: Vec<&str> = checks
                .columns
                .iter()
                .map(|check| check.column.as_str())
                .collect();
            columns.dedup();
            for column in columns {
                self.column(
                    &checks.table,
                    column,
                    &["checks", &checks.table, "columns", column],
                    "checked column",
                );
            }
        }
        for (index, step) in lifecycle.prepare.iter().enumerate() {
            let PrepareStep::Deduplicate { table, by } = step else {
                continue;
            };
            for (place, column) in by.iter().enumerate() {
                let path = [
                    "prepare",
                    &index.to_string(),
                    "deduplicate",
                    "by",
                    &place.to_string(),
                ];
                self.column(table, column, &path, "key");
            }
        }
    }

    fn dataset(&mut self, lifecycle: &Lifecycle) {
        let dataset = &lifecycle.dataset;
        let table = dataset.table.as_str();
        if !dataset.target.is_empty() {
            self.column(table, &dataset.target, &["dataset", "target"], "target");
        }
        if let Some(time) = &dataset.time {
            self.column(table, time, &["dataset", "time"], "time");
        }
        self.weight(lifecycle);
        for (list, path, role) in [
            (
                &dataset.exclude,
                &["dataset", "exclude"][..],
                "excluded column",
            ),
            (&lifecycle.evaluate.slices, &["evaluate", "slices"], "slice"),
            (
                lifecycle
                    .evaluate
                    .fairness
                    .as_ref()
                    .map_or(&Vec::new(), |fairness| &fairness.groups),
                &["evaluate", "fairness", "groups"],
                "group",
            ),
            (
                &lifecycle.evaluate.weak_slices.columns,
                &["evaluate", "weak_slices", "columns"],
                "slice",
            ),
        ] {
            for (index, column) in list.iter().enumerate() {
                let index = index.to_string();
                let path: Vec<&str> = path.iter().copied().chain([index.as_str()]).collect();
                self.column(table, column, &path, role);
            }
        }
        match &lifecycle.split.by {
            SplitBy::Group(column) => self.column(table, column, &["split", "group"], "group"),
            SplitBy::Column(column) => {
                self.column(table, column, &["split", "column"], "split column")
            }
            SplitBy::Time | SplitBy::Random | SplitBy::Stratified => None,
        };
        let tune = lifecycle.train.tune.as_ref();
        if let Some(FoldsBy::Group(column)) =
            tune.and_then(|tune| Some(&tune.cross_validation.as_ref()?.by))
        {
            self.column(
                table,
                column,
                &["train", "tune", "cross_validation", "group"],
                "group",
            );
        }
        self.features(lifecycle);
        self.drift_columns(lifecycle);
    }

    /// Checks that the column of weights holds numbers.
    fn weight(&mut self, lifecycle: &Lifecycle) {
        let dataset = &lifecycle.dataset;
        let Some(weight) = &dataset.weight else {
            return;
        };
        let path = ["dataset", "weight"];
        let found = self.column(&dataset.table, weight, &path, "weight");
        if let Some(column_type) =
            found.filter(|found| !matches!(found, ColumnType::Integer | ColumnType::Number))
        {
            let message = format!("`{weight}` is a {column_type}: weights are numbers");
            self.report
                .add(codes::WRONG_TYPE, &self.tree.place_of(&path), message);
        }
    }

    fn features(&mut self, lifecycle: &Lifecycle) {
        let table = lifecycle.dataset.table.as_str();
        let Some(columns) = self.catalog.tables.get(table) else {
            return;
        };
        for feature in &lifecycle.features {
            let path = ["features", feature.name.as_str()];
            let entry = self
                .tree
                .get("features")
                .and_then(|features| features.entry(&feature.name));
            if columns.iter().any(|(name, _)| *name == feature.name) {
                let message = format!(
                    "the feature `{}` has the name of a column of `{table}`",
                    feature.name
                );
                let place =
                    entry.map_or_else(|| self.tree.place_of(&path), crate::yaml::Entry::place);
                self.report
                    .add(codes::FEATURE_NAME, &place, message)
                    .hint("give it a name of its own");
            }
            for name in feature.expression.names() {
                if lifecycle.features.iter().any(|other| other.name == name) {
                    continue;
                }
                match self.column(table, name, &path, "input") {
                    Some(column_type) if column_type.is_moment() => {
                        let message = format!(
                            "`{name}` is a {column_type}: a feature cannot be computed from it"
                        );
                        let problem = self.report.add(
                            codes::NOT_AN_INPUT,
                            &self.tree.place_of(&path),
                            message,
                        );
                        problem.hint("derive numbers from it in `prepare`, for example `date_part('hour', ..)`");
                    }
                    _ => {}
                }
            }
        }
    }

    fn drift_columns(&mut self, lifecycle: &Lifecycle) {
        let Columns::Some(watched) = &lifecycle.monitor.drift.columns else {
            return;
        };
        let dataset = &lifecycle.dataset;
        for (index, column) in watched.iter().enumerate() {
            let path = ["monitor", "drift", "columns", &index.to_string()];
            let found = self.column(&dataset.table, column, &path, "watched column");
            let is_input = *column != dataset.target
                && dataset.weight.as_ref() != Some(column)
                && !dataset.exclude.contains(column);
            if let Some(column_type) =
                found.filter(|column_type| !is_input || column_type.is_moment())
            {
                let why = if is_input {
                    format!("is a {column_type}")
                } else {
                    "is the target, the weight or excluded".to_owned()
                };
                let message = format!("`{column}` is not an input of the model: it {why}");
                self.report
                    .add(codes::NOT_AN_INPUT, &self.tree.place_of(&path), message);
            }
        }
    }

    fn labels(&mut self, lifecycle: &Lifecycle) {
        let Some(labels) = &lifecycle.monitor.labels else {
            return;
        };
        let Some(source) = &labels.source else { return };
        self.column(source, &labels.key, &["monitor", "labels", "key"], "key");
        self.column(
            source,
            &lifecycle.dataset.target,
            &["monitor", "labels", "source"],
            "target",
        );
    }
}

#[cfg(test)]
mod tests;
