//! Paths as texts: joined and made plain, without a look at any disk.

/// The path below a directory, without `.` and, as far as there is something to go up from, `..`.
/// Absolute paths and URLs are not below anything.
pub(super) fn join(directory: &str, path: &str) -> String {
    if path.contains("://") {
        return path.to_owned();
    }
    let is_absolute = path.starts_with('/') || directory.starts_with('/');
    let directory = if path.starts_with('/') { "" } else { directory };
    let mut parts: Vec<&str> = Vec::new();
    for part in directory.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if is_absolute {
        format!("/{joined}")
    } else {
        joined
    }
}

/// The directory of a file; empty at the top.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_plain() {
        let table = [
            ("", "./a//b/../c", "a/c"),
            ("sub/dir", "../x", "sub/x"),
            ("sub", "../../x", "../x"),
            ("sub", "/abs/./x/..", "/abs"),
            ("sub", "s3://b/x", "s3://b/x"),
            ("/r", "../../x", "/x"),
            ("", ".", ""),
        ];
        for (directory, path, expected) in table {
            assert_eq!(join(directory, path), expected, "{directory} {path}");
        }
    }
}
