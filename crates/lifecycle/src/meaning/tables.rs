//! Every table that is named must be made before, once, and not from itself.

use std::collections::{HashMap, HashSet};

use everloop_domain::expression::Span;

use crate::codes;
use crate::diagnostic::Report;
use crate::order::order;
use crate::sql;
use crate::suggestion;
use crate::yaml::Node;

/// A step that makes a table from a query.
struct Made<'a> {
    step: usize,
    name: &'a str,
    table: &'a Node,
    sql: &'a Node,
    /// The tables that the query names, with their places in it.
    reads: Vec<(String, Span)>,
}

/// What is known of tables while the steps are gone through.
struct Tables<'a> {
    known: Vec<&'a str>,
    set: HashSet<&'a str>,
    /// The last step that makes each table.
    made_by: HashMap<&'a str, usize>,
    /// Which table reads which in a circle; the first of a circle has the words for it.
    circles: HashMap<(String, String), Option<String>>,
}

pub(super) fn check(tree: &Node, report: &mut Report) {
    // Without any source every table is unknown, and that has been said.
    let sources = tree.get("sources").map_or(&[][..], Node::entries);
    if sources.is_empty() {
        return;
    }
    let steps = tree.get("prepare").map_or(&[][..], Node::elements);
    let made: Vec<Made> = steps
        .iter()
        .enumerate()
        .filter_map(|(index, step)| made(index, step))
        .collect();
    let mut tables = Tables {
        known: Vec::new(),
        set: HashSet::new(),
        made_by: made.iter().map(|made| (made.name, made.step)).collect(),
        circles: circles(&made),
    };
    for source in sources {
        tables.add(&source.key);
    }
    let mut made = made.into_iter().peekable();
    for (index, step) in steps.iter().enumerate() {
        if let Some(table) = step.find(&["deduplicate", "table"]) {
            tables.check_name(table, index, report);
        }
        if let Some(table) = made.next_if(|made| made.step == index) {
            tables.check_reads(&table, report);
            tables.check_new(&table, report);
            tables.add(table.name);
        }
    }
    for path in [&["dataset", "table"][..], &["monitor", "labels", "source"]] {
        if let Some(table) = tree.find(path) {
            tables.check_name(table, steps.len(), report);
        }
    }
    for entry in tree.get("checks").map_or(&[][..], Node::entries) {
        if !tables.set.contains(entry.key.as_str()) {
            let problem = report.add(codes::UNKNOWN_TABLE, &entry.place(), unknown(&entry.key));
            problem.help = tables.hint(&entry.key);
        }
    }
}

fn made(step: usize, node: &Node) -> Option<Made<'_>> {
    let (table, sql) = (node.get("table")?, node.get("sql")?);
    Some(Made {
        step,
        name: table.written()?,
        table,
        sql,
        reads: sql::tables(sql.written()?),
    })
}

fn circles(made: &[Made]) -> HashMap<(String, String), Option<String>> {
    let things: Vec<(&str, Vec<&str>)> = made
        .iter()
        .map(|made| {
            (
                made.name,
                made.reads.iter().map(|(name, _)| name.as_str()).collect(),
            )
        })
        .collect();
    let mut circles = HashMap::new();
    for circle in order(&things).circles {
        let names: Vec<&str> = circle
            .iter()
            .chain(circle.first())
            .map(|member| made[*member].name)
            .collect();
        for (at, pair) in names.windows(2).enumerate() {
            let words = (at == 0).then(|| names.join(" <- "));
            circles
                .entry((pair[0].to_owned(), pair[1].to_owned()))
                .or_insert(words);
        }
    }
    circles
}

fn unknown(name: &str) -> String {
    format!("there is no table `{name}`")
}

impl<'a> Tables<'a> {
    fn add(&mut self, name: &'a str) {
        if self.set.insert(name) {
            self.known.push(name);
        }
    }

    fn hint(&self, name: &str) -> Option<String> {
        suggestion::hint(name, "the tables are", self.known.iter().copied())
    }

    fn is_made_later(&self, name: &str, than: usize) -> bool {
        self.made_by.get(name).is_some_and(|step| *step >= than)
    }

    /// Checks the name of a table that must exist before a step.
    fn check_name(&self, node: &Node, step: usize, report: &mut Report) {
        let Some(name) = node.written().filter(|name| !self.set.contains(name)) else {
            return;
        };
        if self.is_made_later(name, step) {
            let message = format!("the table `{name}` is made later");
            let problem = report.at(codes::CYCLIC_TABLES, node, message);
            problem.hint(format!("move the step that makes `{name}` up"));
            return;
        }
        report.at(codes::UNKNOWN_TABLE, node, unknown(name)).help = self.hint(name);
    }

    fn check_new(&self, table: &Made, report: &mut Report) {
        if self.set.contains(table.name) {
            let message = format!("there is a table `{}` already", table.name);
            let problem = report.at(codes::DUPLICATE_TABLE, table.table, message);
            problem.hint("give the new table a name of its own");
        }
    }

    fn check_reads(&self, table: &Made, report: &mut Report) {
        for (name, span) in table
            .reads
            .iter()
            .filter(|(name, _)| !self.set.contains(name.as_str()))
        {
            let place = table.sql.place_within(report.text(), span);
            let (code, message, hint) =
                match self.circles.get(&(table.name.to_owned(), name.clone())) {
                    // Said where the circle begins.
                    Some(None) => continue,
                    Some(Some(circle)) => (
                        codes::CYCLIC_TABLES,
                        format!("tables are made from each other: {circle}"),
                        Some("a query may read sources and the tables of earlier steps".to_owned()),
                    ),
                    None if self.is_made_later(name, table.step) => (
                        codes::CYCLIC_TABLES,
                        format!(
                            "`{}` reads the table `{name}`, which is made later",
                            table.name
                        ),
                        Some(format!("move the step that makes `{name}` before this one")),
                    ),
                    None => (codes::UNKNOWN_TABLE, unknown(name), self.hint(name)),
                };
            report.add(code, &place, message).help = hint;
        }
    }
}
