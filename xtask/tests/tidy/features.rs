//! One build: the program alone and the workspace with its tests choose the same features of every dependency.
//!
//! Where they differ, Cargo compiles the dependency and all that stands on it twice, and that is DataFusion. The way out:
//! name the feature that the tests wish for in `[workspace.dependencies]`.

use std::collections::BTreeSet;
use std::process::Command;

/// Packages with their features, as the program or the tests have them.
fn chosen(selection: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree", "--locked", "--prefix", "none", "--format", "{p}|{f}",
        ])
        .args(selection)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .filter(|line| !line.contains("(/"))
        .collect()
}

#[test]
fn the_program_and_its_tests_share_one_build() {
    let program = chosen(&["--package", "everloop-cli", "--edges", "normal,build"]);
    let tests = chosen(&["--workspace", "--edges", "normal,build,dev"]);
    let different: Vec<&String> = program.difference(&tests).collect();
    assert!(
        different.is_empty(),
        "the tests choose other features of {different:?}"
    );
}
