//! Where the library of ONNX Runtime is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::EngineSettings;
use crate::Error;

/// Prints where a Python would import ONNX Runtime from, without importing it.
const ASK: &str = "import importlib.util as u; s = u.find_spec('onnxruntime'); \
                   print(s.submodule_search_locations[0] if s else '')";

/// Finds the library: the setting (then it must be there), `lib` beside the program, the
/// `onnxruntime` wheel of the Python.
///
/// # Errors
///
/// Fails if it is in none of these places; the error says what to do.
pub(super) fn find(settings: &EngineSettings, reason: &str) -> Result<PathBuf, Error> {
    let missing = |looked: String| Error::NoRuntime {
        reason: reason.to_owned(),
        looked,
    };
    if let Some(path) = &settings.ort_library {
        if path.is_file() {
            // The loader takes a relative path for one beside the program.
            return std::path::absolute(path)
                .map_err(|_| missing(format!("`{}` has no place", path.display())));
        }
        return Err(missing(format!("`{}` is not a file", path.display())));
    }
    let beside = settings.program_dir.as_ref().map(|dir| dir.join("lib"));
    if let Some(found) = beside.as_deref().and_then(in_dir) {
        return Ok(found);
    }
    let python = settings.python();
    let wheel = wheel(&python);
    if let Some(found) = wheel.as_deref().and_then(in_dir) {
        return Ok(found);
    }
    Err(missing(format!(
        "no setting names it, and `{}` has no package `onnxruntime`",
        python.display()
    )))
}

/// The library in a directory; the newest version if there are several.
fn in_dir(dir: &Path) -> Option<PathBuf> {
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libonnxruntime.so")
            || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
            || name == "onnxruntime.dll"
    };
    let entries = std::fs::read_dir(dir).ok()?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(is_library)
        .collect();
    found.sort();
    std::path::absolute(found.pop()?).ok()
}

/// Where the wheel of a Python has its libraries.
fn wheel(python: &Path) -> Option<PathBuf> {
    let output = Command::new(python)
        .args(["-c", ASK])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    (!dir.trim().is_empty()).then(|| Path::new(dir.trim()).join("capi"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dir: &Path) -> EngineSettings {
        EngineSettings {
            program_dir: Some(dir.to_path_buf()),
            python: Some(dir.join("no-python")),
            ..EngineSettings::default()
        }
    }

    #[test]
    fn takes_the_newest_beside_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let lib = dir.path().join("lib");
        std::fs::create_dir(&lib).unwrap();
        for name in [
            "libonnxruntime.so.1.17.3",
            "libonnxruntime.so.1.31.1",
            "libonnxruntime_providers_shared.so",
        ] {
            std::fs::write(lib.join(name), "").unwrap();
        }
        let found = find(&settings(dir.path()), "").unwrap();
        assert_eq!(found, lib.join("libonnxruntime.so.1.31.1"));
    }

    #[test]
    fn says_what_to_do_when_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let error = find(&settings(dir.path()), "operator `Foo` is unknown").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("operator `Foo` is unknown"), "{text}");
        assert!(text.contains("pip install onnxruntime"), "{text}");
        let wrong = EngineSettings {
            ort_library: Some(dir.path().join("missing.so")),
            ..settings(dir.path())
        };
        let text = find(&wrong, "").unwrap_err().to_string();
        assert!(text.contains("missing.so` is not a file"), "{text}");
    }
}
