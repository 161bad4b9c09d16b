//! A table of errors over two parameters of a support vector machine, read between its lines.

use std::collections::BTreeMap;

use everloop_domain::ParameterValue;
use everloop_domain::search::Dimension;

use crate::functions::{number, range};

/// Errors by the logarithms of `C` and `gamma`.
pub(crate) struct Table {
    c: Vec<f64>,
    gamma: Vec<f64>,
    errors: Vec<f64>,
}

impl Table {
    pub(crate) fn read(path: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut rows: Vec<(f64, f64, f64)> = Vec::new();
        for line in std::fs::read_to_string(path)?.lines().skip(1) {
            let mut numbers = line.split(',').map(str::parse::<f64>);
            let mut next = || numbers.next().ok_or("a row has three numbers");
            rows.push((next()??, next()??, next()??));
        }
        rows.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
        let mut c: Vec<f64> = rows.iter().map(|row| row.0).collect();
        c.dedup();
        let gamma = rows[..rows.len() / c.len()]
            .iter()
            .map(|row| row.1)
            .collect();
        let errors = rows.iter().map(|row| row.2).collect();
        Ok(Self { c, gamma, errors })
    }

    pub(crate) fn space() -> Vec<Dimension> {
        vec![
            range("C", (1e-3, 1e3), true, false),
            range("gamma", (1e-6, 1.0), true, false),
        ]
    }

    pub(crate) fn at(&self, parameters: &BTreeMap<String, ParameterValue>) -> f64 {
        let (row, down) = place(&self.c, number(parameters, "C").log10());
        let (column, right) = place(&self.gamma, number(parameters, "gamma").log10());
        let error = |row: usize, column: usize| self.errors[row * self.gamma.len() + column];
        let along =
            |row: usize| error(row, column) * (1.0 - right) + error(row, column + 1) * right;
        along(row) * (1.0 - down) + along(row + 1) * down
    }
}

/// The line before a value, and how far it is to the next one.
fn place(lines: &[f64], value: f64) -> (usize, f64) {
    let before = lines
        .partition_point(|line| *line <= value)
        .clamp(1, lines.len() - 1)
        - 1;
    let share = (value - lines[before]) / (lines[before + 1] - lines[before]);
    (before, share.clamp(0.0, 1.0))
}
