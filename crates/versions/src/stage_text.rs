//! The lines of a stage in a `dvc.yaml`. Files are changed line by line, so that comments and order stay; what comes out is
//! read again before it is believed.

/// The lines of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    /// Its name.
    start: usize,
    /// One past its last line that says something.
    end: usize,
    /// How far its keys go in.
    indent: usize,
}

/// The text with a stage frozen, or not frozen any more. None where the stage has no lines of its own.
pub(crate) fn with_frozen(text: &str, name: &str, is_frozen: bool) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let block = find(&lines, name)?;
    let is_said = |line: &&str| {
        indent_of(line) == block.indent && key_of(line).is_some_and(|key| key == "frozen")
    };
    let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let mut inside = block.start + 1..block.end;
    if let Some(at) = inside.find(|index| is_said(&lines[*index])) {
        changed[at] = saying_frozen(lines[at], is_frozen);
    } else if is_frozen {
        end_line(&mut changed[..block.end]);
        let line = format!("{}frozen: true\n", " ".repeat(block.indent));
        changed.insert(block.end, line);
    }
    Some(changed.concat())
}

/// A line `frozen: …` (DVC 1 wrote `locked`) that says otherwise now; a comment behind it stays. That something is not frozen
/// needs no words.
pub(crate) fn saying_frozen(line: &str, is_frozen: bool) -> String {
    let words = line.trim_end();
    let end = &line[words.len()..];
    let indent = " ".repeat(indent_of(line));
    let comment = words.find(" #").map(|at| words[..at].trim_end().len());
    let comment = comment.map_or("", |from| &words[from..]);
    match (is_frozen, comment) {
        (true, comment) => format!("{indent}frozen: true{comment}{end}"),
        (false, "") => String::new(),
        (false, comment) => format!("{indent}{}{end}", comment.trim_start()),
    }
}

/// The text with an entry of `stages:` at the end, in the place of the one of the same name if there is one. None where `stages:`
/// is no block of lines.
pub(crate) fn with_stage(text: &str, name: &str, entry: &str) -> Option<String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let borrowed: Vec<&str> = lines.iter().map(String::as_str).collect();
    if let Some(block) = find(&borrowed, name) {
        end_line(&mut lines[..block.end]);
        lines.splice(block.start..block.end, [entry.to_owned()]);
        return Some(lines.concat());
    }
    let (_, end) = match section(&borrowed) {
        Some(found) => found,
        None if borrowed.iter().any(|line| key_of(line) == Some("stages")) => return None,
        None => {
            end_line(&mut lines);
            lines.push("stages:\n".to_owned());
            (0, lines.len())
        }
    };
    end_line(&mut lines[..end]);
    lines.insert(end, entry.to_owned());
    Some(lines.concat())
}

fn end_line(lines: &mut [String]) {
    if let Some(last) = lines.last_mut()
        && !last.ends_with('\n')
    {
        last.push('\n');
    }
}

/// The lines after `stages:`, up to one past the last that says something.
fn section(lines: &[&str]) -> Option<(usize, usize)> {
    let is_start = |line: &&str| {
        let rest = line.strip_prefix("stages:");
        rest.is_some_and(|rest| rest.trim().is_empty() || rest.trim_start().starts_with('#'))
    };
    let start = lines.iter().position(is_start)? + 1;
    let is_next = |line: &&str| says(line) && indent_of(line) == 0;
    let inside = lines[start..].iter().position(is_next);
    let mut end = inside.map_or(lines.len(), |index| start + index);
    while end > start && !says(lines[end - 1]) {
        end -= 1;
    }
    Some((start, end))
}

fn find(lines: &[&str], name: &str) -> Option<Block> {
    let (first, last) = section(lines)?;
    let depth = lines[first..last]
        .iter()
        .find(|line| says(line))
        .map(|line| indent_of(line))?;
    let is_name = |line: &str| {
        indent_of(line) == depth && key_of(line) == Some(name) && {
            let value = line.split_once(':').map_or("", |(_, value)| value.trim());
            value.is_empty() || value.starts_with('#')
        }
    };
    let start = (first..last).find(|index| is_name(lines[*index]))?;
    let is_next = |line: &&str| says(line) && indent_of(line) <= depth;
    let inside = lines[start + 1..last].iter().position(is_next);
    let mut end = inside.map_or(last, |index| start + 1 + index);
    while end > start + 1 && !says(lines[end - 1]) {
        end -= 1;
    }
    let indent = indent_of(lines.get(start + 1..end)?.iter().find(|line| says(line))?);
    Some(Block { start, end, indent })
}

/// Whether a line is neither blank nor a comment.
fn says(line: &str) -> bool {
    let line = line.trim_start();
    !line.trim_end().is_empty() && !line.starts_with('#')
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    let key = key.trim();
    Some(key.trim_matches(|c| c == '"' || c == '\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# top\nstages:\n  one:   # first\n    cmd: a\n    outs: [b]\n\n  # about two\n  two:\n    cmd: b\n    frozen: true\nparams:\n- x";

    #[test]
    fn stages_are_frozen_where_they_stand() {
        let frozen = with_frozen(TEXT, "one", true).unwrap();
        assert!(
            frozen.contains("    outs: [b]\n    frozen: true\n\n  # about two\n"),
            "{frozen}"
        );
        assert_eq!(with_frozen(&frozen, "one", false).unwrap(), TEXT);
        assert_eq!(with_frozen(TEXT, "two", true).unwrap(), TEXT);
        assert!(!with_frozen(TEXT, "two", false).unwrap().contains("frozen"));
        assert_eq!(with_frozen(TEXT, "three", true), None);
        assert_eq!(with_frozen("stages: {one: {cmd: a}}\n", "one", true), None);
        let said = "stages:\n  one:\n    frozen: true  # why\n    cmd: a\n";
        assert_eq!(with_frozen(said, "one", true).unwrap(), said);
        let thawed = "stages:\n  one:\n    # why\n    cmd: a\n";
        assert_eq!(with_frozen(said, "one", false).unwrap(), thawed);
        let last = "stages:\n  one:\n    cmd: a";
        let expected = "stages:\n  one:\n    cmd: a\n    frozen: true\n";
        assert_eq!(with_frozen(last, "one", true).unwrap(), expected);
    }

    #[test]
    fn stages_are_added_at_the_end() {
        let entry = "  new:\n    cmd: c\n";
        let added = with_stage(TEXT, "new", entry).unwrap();
        assert!(
            added.contains("    frozen: true\n  new:\n    cmd: c\nparams:\n"),
            "{added}"
        );
        assert_eq!(
            with_stage("", "new", entry).unwrap(),
            format!("stages:\n{entry}")
        );
        let other = with_stage("vars:\n- a: 1", "new", entry).unwrap();
        assert_eq!(other, format!("vars:\n- a: 1\nstages:\n{entry}"));
        let replaced = with_stage(TEXT, "one", "  one:\n    cmd: z\n").unwrap();
        assert!(
            replaced.starts_with("# top\nstages:\n  one:\n    cmd: z\n\n  # about"),
            "{replaced}"
        );
        assert_eq!(with_stage("stages: {}\n", "new", entry), None);
    }
}
