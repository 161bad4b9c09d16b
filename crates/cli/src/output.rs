//! What goes to standard output, and tables for people.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::time::Duration;

/// Writes to standard output, like `print!`; a reader that has seen enough (`| head`) ends the program quietly.
macro_rules! say {
    ($($words:tt)*) => { $crate::output::write(format_args!($($words)*)) };
}

/// Writes a line to standard output, like `println!`.
macro_rules! sayln {
    ($($words:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($words)*))) };
}

/// Writes words to standard output.
pub(crate) fn write(words: fmt::Arguments<'_>) {
    let mut output = io::stdout().lock();
    let written = output.write_fmt(words).and_then(|()| output.flush());
    if let Err(error) = written {
        if error.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("error: cannot write to standard output: {error}");
            std::process::exit(1);
        }
        std::process::exit(0);
    }
}

/// How a read command answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table for people.
    #[default]
    Text,
    /// JSON for programs.
    Json,
}

/// Rows under a header, columns aligned with two spaces between them.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A duration as people say it: `0 ms`, `340 ms`, `2.1 s`, `3 min 05 s`.
pub(crate) fn duration(value: Duration) -> String {
    let millis = value.as_millis();
    match millis {
        0..=999 => format!("{millis} ms"),
        1000..=59_999 => format!("{:.1} s", value.as_secs_f64()),
        _ => format!("{} min {:02} s", millis / 60_000, millis / 1000 % 60),
    }
}

/// A number with as many digits as matter.
pub(crate) fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.001 {
        return format!("{value:.2e}");
    }
    match value.abs() {
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = vec![
            vec!["collect".to_owned(), "done".to_owned()],
            vec!["prepare".to_owned(), "é".to_owned()],
        ];
        assert_eq!(
            table(&["stage", "state"], &rows),
            "stage    state\ncollect  done\nprepare  é\n"
        );
    }

    #[test]
    fn durations_read_well() {
        let shown: Vec<_> = [0, 340, 2100, 185_000]
            .map(|ms| duration(Duration::from_millis(ms)))
            .into();
        assert_eq!(shown, ["0 ms", "340 ms", "2.1 s", "3 min 05 s"]);
    }

    #[test]
    fn numbers_keep_what_matters() {
        assert_eq!(
            [0.0, 0.000_12, 0.98765, 12.3456, 1234.56].map(number),
            ["0.0000", "1.20e-4", "0.9877", "12.35", "1234.6"]
        );
    }
}
