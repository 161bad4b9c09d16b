//! Remotes that fail: each failure names the object and the remote, and nothing half-written is left.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use everloop_testkit::{Objects, Sshd};

use super::web::{Fault, served};
use super::{Repo, files_below, whoami};

/// Where the large object of every test lies.
fn large_of(repo: &Repo) -> String {
    let text = fs::read_to_string(repo.path("large.dvc")).unwrap();
    let md5 = text.split("md5: ").nth(1).unwrap();
    format!("files/md5/{}/{}", &md5[..2], &md5[2..32])
}

/// Nothing is left but the beginnings of objects, which the next command takes up, and what is there is whole.
#[track_caller]
fn nothing_is_half_written(dir: &Path) {
    for file in files_below(dir) {
        let is_left = file.contains("everloop-") && !file.contains(".part");
        assert!(!is_left, "{file} is left");
    }
}

#[test]
fn what_passes_is_mended_without_a_word() {
    let (repo, _place, web) = served(5);
    let large = large_of(&repo);
    web.break_file(&large, Fault::Dies(3_000_000), 4);
    let small = "files/md5/60/b725f10c9c85c70d97880dfe8191b3";
    web.break_file(small, Fault::Status(503), 2);
    assert_eq!(repo.json(&["fetch"])["problems"], serde_json::json!([]));
    // Each time only the rest was asked for.
    let heard = web.heard();
    let ranges: Vec<_> = heard
        .iter()
        .filter(|told| told.contains("range:"))
        .collect();
    assert_eq!(ranges.len(), 4, "{heard:?}");
    assert!(ranges[3].ends_with("range: bytes=12000000-"), "{ranges:?}");
    nothing_is_half_written(&repo.path(".dvc/cache"));
}

#[test]
fn what_is_damaged_or_cut_is_named_and_the_rest_comes() {
    let (repo, _place, web) = served(5);
    let large = large_of(&repo);
    for (fault, words) in [
        (
            Fault::Damaged,
            "is damaged: its 20971520 bytes have the MD5",
        ),
        (Fault::Lies, "cannot get"),
        (Fault::Dies(0), "cannot get"),
        (Fault::Status(404), "is not there"),
        (Fault::Status(500), "answered 500"),
    ] {
        repo.wipe();
        web.break_file(&large, fault, 100);
        repo.refused(&["fetch"], 22, &[&large, words, &web.url()]);
        nothing_is_half_written(&repo.path(".dvc/cache"));
        assert!(!repo.path(".dvc/cache").join(&large).exists());
        let again = repo.json(&["fetch"]);
        assert_eq!(again["present"], 6, "{again}");
    }
    web.break_file(&large, Fault::Status(403), 100);
    repo.refused(&["fetch"], 41, &[&large, "remote `web`", "403"]);
    web.break_file(&large, Fault::Damaged, 0);
    assert_eq!(repo.json(&["pull"])["fetched"]["objects"], 1);
}

#[test]
fn a_bucket_that_is_away_is_told_soon_and_nothing_is_sent_twice() {
    let Some(mut objects) = Objects::start() else {
        return;
    };
    objects.make_bucket("data");
    let mut repo = Repo::new(20);
    let address = objects.environment()[3].1.clone();
    repo.environment = objects.environment().to_vec();
    repo.whole(&["remote", "add", "-d", "main", "s3://data/p"]);
    repo.whole(&["remote", "modify", "main", "endpointurl", &address]);
    repo.whole(&["push", "d"]);
    assert_eq!(repo.json(&["push"])["objects"], 1);
    objects.stop();
    let begun = std::time::Instant::now();
    repo.refused(&["push"], 40, &["remote `main`", "s3://data/p/files/md5/"]);
    assert!(begun.elapsed().as_secs() < 60);
    repo.wipe();
    let got = repo.data(&["fetch"]);
    assert!([22, 40].contains(&got.status.code().unwrap()));
    nothing_is_half_written(&repo.path(".dvc/cache"));
}

#[test]
fn a_machine_behind_ssh_that_is_full_or_only_read_is_told_so() {
    let Some(sshd) = Sshd::start() else {
        return;
    };
    let mut repo = Repo::new(3);
    repo.environment = vec![("PATH", sshd.search_path())];
    let place = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
        .arg(place.path())
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("skipped: this machine lets nobody mount a small disk");
        return;
    }
    let unmount = Unmount(place.path());
    let url = format!(
        "ssh://{}@127.0.0.1:{}{}",
        whoami(),
        sshd.port(),
        place.path().display()
    );
    repo.whole(&["remote", "add", "-d", "main", &url]);
    let key = sshd.key();
    repo.whole(&["remote", "modify", "main", "keyfile", key.to_str().unwrap()]);
    repo.refused(
        &["push"],
        40,
        &[&large_of(&repo), "remote `main`", "no storage space"],
    );
    nothing_is_half_written(place.path());
    let read_only = ["-o", "remount,ro", "tmpfs"];
    let remounted = Command::new("mount")
        .args(read_only)
        .arg(place.path())
        .status();
    assert!(remounted.unwrap().success());
    let output = repo.data(&["push"]);
    assert!(!output.status.success());
    nothing_is_half_written(place.path());
    drop(unmount);
}

struct Unmount<'p>(&'p Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_damaged_object_of_the_cache_does_not_leave_the_machine() {
    let Some(objects) = Objects::start() else {
        return;
    };
    objects.make_bucket("data");
    let mut repo = Repo::new(3);
    repo.environment = objects.environment().to_vec();
    let address = objects.environment()[3].1.clone();
    repo.whole(&["remote", "add", "-d", "main", "s3://data"]);
    repo.whole(&["remote", "modify", "main", "endpointurl", &address]);
    let object = repo.path(".dvc/cache").join(large_of(&repo));
    fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&object, "evil").unwrap();
    fs::set_permissions(&object, fs::Permissions::from_mode(0o444)).unwrap();
    repo.refused(&["push"], 22, &["is damaged", object.to_str().unwrap()]);
    assert_eq!(repo.json(&["push"])["present"], 4);
}
