//! Every table that is named must be made before, once, and not from itself.

use everloop_domain::expression::Span;

use crate::codes;
use crate::diagnostic::Report;
use crate::sql;
use crate::suggestion;
use crate::yaml::Node;

/// A step that makes a table from a query.
struct Made<'a> {
    name: &'a str,
    /// The tables that the query names, with their places in it.
    reads: Vec<(String, Span)>,
    sql: &'a Node,
}

pub(super) fn check(tree: &Node, report: &mut Report) {
    // Without any source every table is unknown, and that has been said.
    let Some(sources) = tree
        .get("sources")
        .filter(|sources| !sources.entries().is_empty())
    else {
        return;
    };
    let steps = tree.get("prepare").map_or(&[][..], Node::elements);
    let made: Vec<Option<Made>> = steps.iter().map(made).collect();
    let mut known: Vec<&str> = sources
        .entries()
        .iter()
        .map(|source| source.key.as_str())
        .collect();
    for (index, step) in steps.iter().enumerate() {
        if let Some(table) = step.find(&["deduplicate", "table"]) {
            let later = later(&made[index..]);
            known_or_later(table, &known, &later, report);
        }
        if let Some(table) = &made[index] {
            check_reads(table, &made[index..], &known, report);
            check_new(table, step, &known, report);
            if !known.contains(&table.name) {
                known.push(table.name);
            }
        }
    }
    if let Some(table) = tree.find(&["dataset", "table"]) {
        known_or_later(table, &known, &[], report);
    }
    if let Some(source) = tree.find(&["monitor", "labels", "source"]) {
        known_or_later(source, &known, &[], report);
    }
    for entry in tree.get("checks").map_or(&[][..], Node::entries) {
        if !known.contains(&entry.key.as_str()) {
            let problem = report.add(codes::UNKNOWN_TABLE, &entry.place(), unknown(&entry.key));
            problem.help = suggestion::hint(&entry.key, "the tables are", known.iter().copied());
        }
    }
}

fn made(step: &Node) -> Option<Made<'_>> {
    let sql = step.get("sql")?;
    Some(Made {
        name: step.get("table")?.written()?,
        reads: sql::tables(sql.written()?),
        sql,
    })
}

fn later<'a>(rest: &[Option<Made<'a>>]) -> Vec<&'a str> {
    rest.iter().flatten().map(|made| made.name).collect()
}

fn unknown(name: &str) -> String {
    format!("there is no table `{name}`")
}

/// Checks the name of a table that must exist already.
fn known_or_later(node: &Node, known: &[&str], later: &[&str], report: &mut Report) {
    let Some(name) = node.written().filter(|name| !known.contains(name)) else {
        return;
    };
    if later.contains(&name) {
        let problem = report.at(
            codes::CYCLIC_TABLES,
            node,
            format!("the table `{name}` is made later"),
        );
        problem.hint(format!("move the step that makes `{name}` up"));
        return;
    }
    let hint = suggestion::hint(name, "the tables are", known.iter().copied());
    report.at(codes::UNKNOWN_TABLE, node, unknown(name)).help = hint;
}

fn check_new(table: &Made, step: &Node, known: &[&str], report: &mut Report) {
    if !known.contains(&table.name) {
        return;
    }
    let Some(node) = step.get("table") else {
        return;
    };
    let message = format!("there is a table `{}` already", table.name);
    report
        .at(codes::DUPLICATE_TABLE, node, message)
        .hint("give the new table a name of its own");
}

fn check_reads(table: &Made, from_here: &[Option<Made>], known: &[&str], report: &mut Report) {
    for (name, span) in &table.reads {
        if known.contains(&name.as_str()) {
            continue;
        }
        let place = table.sql.place_within(report.text(), span);
        if let Some(circle) = circle(table.name, name, from_here) {
            let problem = report.add(
                codes::CYCLIC_TABLES,
                &place,
                format!("tables are made from each other: {circle}"),
            );
            problem.hint("a query may read sources and the tables of earlier steps");
        } else if later(from_here).contains(&name.as_str()) {
            let message = format!(
                "`{}` reads the table `{name}`, which is made later",
                table.name
            );
            let problem = report.add(codes::CYCLIC_TABLES, &place, message);
            problem.hint(format!("move the step that makes `{name}` before this one"));
        } else {
            let hint = suggestion::hint(name, "the tables are", known.iter().copied());
            report.add(codes::UNKNOWN_TABLE, &place, unknown(name)).help = hint;
        }
    }
}

/// The way from `start` by `next` back to `start`, as `a <- b <- a`.
fn circle(start: &str, next: &str, made: &[Option<Made>]) -> Option<String> {
    let mut ways = vec![vec![next]];
    let mut seen = vec![next];
    while let Some(way) = ways.pop() {
        let last = *way.last()?;
        if last == start {
            return Some(format!("{start} <- {}", way.join(" <- ")));
        }
        let Some(table) = made.iter().flatten().find(|made| made.name == last) else {
            continue;
        };
        for (read, _) in &table.reads {
            if read == start || !seen.contains(&read.as_str()) {
                seen.push(read);
                ways.push(way.iter().copied().chain([read.as_str()]).collect());
            }
        }
    }
    None
}
