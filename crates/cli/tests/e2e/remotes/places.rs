//! Imports from URLs beside DVC.

use std::path::Path;
use std::process::Command;

use everloop_testkit::{Azurite, Objects, Sshd};

use super::whoami;
use crate::projects::BINARY;
use crate::versions::python_with_dvc;

/// Runs the script in an empty directory; without Python and DVC it is skipped.
#[track_caller]
fn beside_dvc(arguments: &[&str], environment: &[(&str, String)]) {
    let Some(python) = python_with_dvc() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/places.py");
    let mut command = Command::new(python);
    command.arg(script).arg(BINARY).args(arguments);
    command.envs(environment.iter().cloned());
    let output = command.current_dir(dir.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(told.ends_with("ok\n"), "{arguments:?}:\n{told}{words}");
}

#[test]
fn files_of_web_servers_are_imported_as_dvc_does_it() {
    beside_dvc(&["http"], &[]);
}

#[test]
fn files_of_other_machines_are_imported_as_dvc_does_it() {
    let Some(sshd) = Sshd::start() else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().to_str().unwrap();
    let url = format!("ssh://{}@127.0.0.1{dir}", whoami());
    let (port, key) = (sshd.port().to_string(), sshd.key());
    let key = key.to_str().unwrap();
    let path = ("PATH", sshd.search_path());
    beside_dvc(&["ssh", &url, &port, key, dir], &[path]);
}

#[test]
fn files_of_buckets_are_imported_as_dvc_does_it() {
    let Some(objects) = Objects::start() else {
        return;
    };
    objects.make_bucket("data");
    let environment = objects.environment();
    let address = environment[3].1.clone();
    beside_dvc(&["s3", &address], &environment);
}

#[test]
fn files_of_containers_are_imported_and_followed() {
    let Some(azurite) = Azurite::start() else {
        return;
    };
    let url = format!("http://{}", azurite.address());
    beside_dvc(&["azure", &url], &[]);
}
