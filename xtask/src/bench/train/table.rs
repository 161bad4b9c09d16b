//! The measurements as a table for people, or as JSON.

use serde_json::{Value, json};

use super::cases::Case;

/// What one side's fits have cost: the least time of all, the most memory, the last score.
pub(super) struct Fit {
    side: &'static str,
    told: Value,
}

impl Fit {
    pub(super) fn new(side: &'static str) -> Self {
        Self {
            side,
            told: Value::Null,
        }
    }

    /// Takes what another fit has told.
    pub(super) fn add(&mut self, mut told: Value) {
        for key in ["wall", "cpu", "predict_wall", "predict_cpu"] {
            if let (Some(old), Some(new)) = (self.told[key].as_f64(), told[key].as_f64()) {
                told[key] = old.min(new).into();
            }
        }
        if let (Some(old), Some(new)) = (self.told["rss"].as_f64(), told["rss"].as_f64()) {
            told["rss"] = old.max(new).into();
        }
        self.told = told;
    }

    fn number(&self, key: &str) -> f64 {
        self.told[key].as_f64().unwrap_or(f64::NAN)
    }
}

/// All cases that were measured.
#[derive(Default)]
pub(super) struct Table {
    cases: Vec<Value>,
}

impl Table {
    /// Prints the lines of a case.
    pub(super) fn print(&self, case: &Case, fits: &[Fit]) {
        if self.cases.is_empty() {
            println!(
                "{:<22} {:<42} {:>8} {:>8} {:>7} {:>8} {:>9} {:>6} {:>6} {:>6}",
                "case", "side", "wall s", "cpu s", "MB", "score", "predict s", "wall", "cpu", "MB"
            );
        }
        if fits.is_empty() {
            println!(
                "{:<22} skipped: the table `{}` is not here",
                case.name, case.table
            );
        }
        let mut name = case.name;
        for fit in fits {
            if let Some(why) = fit.told["skipped"].as_str() {
                println!("{name:<22} {:<42} skipped: {why}", fit.side);
            } else {
                println!("{name:<22} {:<42} {}", fit.side, line(&fits[0], fit));
            }
            name = "";
        }
    }

    pub(super) fn keep(&mut self, case: &Case, fits: Vec<Fit>) {
        let fits: Vec<Value> = fits
            .into_iter()
            .map(|fit| json!({"side": fit.side, "measured": fit.told}))
            .collect();
        self.cases
            .push(json!({"case": case.name, "table": case.table, "fits": fits}));
    }

    pub(super) fn json(&self) -> Value {
        json!({"cases": self.cases})
    }
}

/// The numbers of a side, and for a peer its costs as multiples of ours.
fn line(ours: &Fit, fit: &Fit) -> String {
    let numbers = format!(
        "{:>8.2} {:>8.2} {:>7.0} {:>8.4} {:>9.3}",
        fit.number("wall"),
        fit.number("cpu"),
        fit.number("rss") / 1e6,
        fit.number("score"),
        fit.number("predict_wall"),
    );
    let times = |key: &str| fit.number(key) / ours.number(key);
    if std::ptr::eq(ours, fit) || times("wall").is_nan() {
        return numbers;
    }
    format!(
        "{numbers} {:>5.1}x {:>5.1}x {:>5.1}x",
        times("wall"),
        times("cpu"),
        times("rss")
    )
}
