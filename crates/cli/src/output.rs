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

/// Rows under a header as a table of Markdown, in the form of GitHub.
pub(crate) fn markdown_table(header: &[&str], rows: &[Vec<String>]) -> String {
    let escaped = |cell: &str| cell.replace('|', "\\|").replace(['\n', '\r'], " ");
    let header: Vec<String> = header.iter().map(|cell| escaped(cell)).collect();
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| escaped(cell)).collect())
        .collect();
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = String::new();
    for row in [&header, &rule].into_iter().chain(&rows) {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
    }
    text
}

/// The most characters of a value that a table for people shows.
const MAX_CELL: usize = 40;

/// Two values of a row, cut to what a table has room for, so that what differs is still seen.
pub(crate) fn shortened(before: &str, now: &str) -> (String, String) {
    let common = before.chars().zip(now.chars()).take_while(|(a, b)| a == b);
    let n_common = common.count();
    let is_long = |text: &str| text.chars().count() > MAX_CELL;
    let skipped = if n_common + 10 > MAX_CELL && (is_long(before) || is_long(now)) {
        n_common - 10
    } else {
        0
    };
    let cut = |text: &str| {
        let text = text.replace(['\n', '\r', '\t'], " ");
        let mut shown: String = text.chars().skip(skipped).take(MAX_CELL).collect();
        if skipped > 0 {
            shown.insert(0, '…');
        }
        if text.chars().count() > skipped + MAX_CELL {
            shown.push('…');
        }
        shown
    };
    (cut(before), cut(now))
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
    fn markdown_keeps_its_columns() {
        let rows = vec![vec!["a|b".to_owned(), "1\n2".to_owned()]];
        assert_eq!(
            markdown_table(&["Path", "x"], &rows),
            "| Path | x   |\n| ---- | --- |\n| a\\|b | 1 2 |\n"
        );
    }

    #[test]
    fn long_values_are_cut_but_not_what_differs() {
        let (long, other) = ("x".repeat(60) + "a", "x".repeat(60) + "b");
        let (before, now) = shortened(&long, &other);
        assert!(before.starts_with('…') && before.ends_with('a') && now.ends_with('b'));
        let (before, now) = shortened(&long, "y");
        assert_eq!((before.chars().count(), now.as_str()), (MAX_CELL + 1, "y"));
        assert_eq!(shortened("a", "b"), ("a".to_owned(), "b".to_owned()));
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
